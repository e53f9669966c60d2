// The size that a HEIC file announces, before a decoder is asked: ISO base media boxes (ISO/IEC 14496-12, 23008-12).

/** Boxes that hold others, and how many bytes come before these. */
const CONTAINERS: ReadonlyMap<string, number> = new Map([
  ["meta", 4],
  ["iprp", 0],
  ["ipco", 0],
]);

/**
 * The largest picture that its properties (`ispe`) speak of: the whole one and not a thumbnail, or the tile that a small one is a part of.
 * undefined when there is none.
 */
export function heicSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sizes: { width: number; height: number }[] = [];
  const walk = (start: number, end: number) => {
    for (let at = start; at + 8 <= end; ) {
      const size = view.getUint32(at);
      const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
      const next = size === 0 ? end : at + size;
      if (size === 1 || (size !== 0 && size < 8) || next > end) return; // 64-bit sizes are for movies
      const skipped = CONTAINERS.get(kind);
      if (skipped !== undefined) walk(at + 8 + skipped, next);
      else if (kind === "ispe" && next >= at + 20)
        sizes.push({ width: view.getUint32(at + 12), height: view.getUint32(at + 16) });
      at = next;
    }
  };
  walk(0, bytes.length);
  return sizes.reduce<{ width: number; height: number } | undefined>(
    (most, size) => (most === undefined || size.width * size.height > most.width * most.height ? size : most),
    undefined,
  );
}
