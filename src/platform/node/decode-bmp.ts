// BMP through libnsbmp in WebAssembly. The header is read here first: what is announced is checked before anything is allocated, what is missing is
// told, and it says whether the fourth byte of a pixel is alpha, which decoders guess.
import { ImageError } from "../../errors.ts";
import { layOver, pickBands, WHITE } from "../../image/pixels.ts";
import { type DecodeOptions, type RawImage, rawImage, requireFewPixels } from "../../image/raw-image.ts";

interface BmpHeader {
  readonly width: number;
  readonly height: number;
  /** Bits of a pixel. */
  readonly bits: number;
  readonly compression: number;
  /** Bits that hold red, green, blue and alpha. */
  readonly masks: readonly number[];
}

const UNCOMPRESSED = 0;
const RUN_LENGTHS = [1, 2];
const BIT_FIELDS = [3, 6];
const CORE_HEADER = 12;
/** Headers from this size on have a mask for alpha. */
const ALPHA_HEADER = 56;
const MASKS_AT = 54;
const MASKS_16_BITS = [0x7c00, 0x03e0, 0x001f, 0];

/**
 * Bytes of a BMP as RGB.
 *
 * @throws LimitError, ImageError; Error when the decoder refuses it
 */
export async function decodeBmp(
  bytes: Uint8Array,
  maxPixels: number,
  { background = WHITE, reserve }: DecodeOptions,
): Promise<RawImage> {
  const header = readHeader(bytes);
  const { width, height } = header;
  requireFewPixels(header, maxPixels);
  requireAllRows(header, bytes);
  await reserve?.(11 * width * height); // RGBA twice, in the decoder and out of it, and RGB
  const { decode } = await import("@cwasm/nsbmp");
  const rgba = Uint8Array.from(decode(bytes).data);
  stretch(rgba, header);
  const rgb = pickBands(rgba, 4, [0, 1, 2]);
  return rawImage(width, height, hasAlpha(header) ? layOver(rgb, pickBands(rgba, 4, [3]), background) : rgb);
}

function readHeader(bytes: Uint8Array): BmpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerSize = bytes.length < 18 ? 0 : view.getUint32(14, true);
  if (bytes.length < 14 + Math.max(headerSize, CORE_HEADER)) throw truncated(bytes.length);
  if (headerSize === CORE_HEADER)
    return {
      width: view.getUint16(18, true),
      height: view.getUint16(20, true),
      bits: view.getUint16(24, true),
      compression: UNCOMPRESSED,
      masks: [],
    };
  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  const isMasked = BIT_FIELDS.includes(compression) && bytes.length >= MASKS_AT + 16;
  const hasAlphaMask = headerSize >= ALPHA_HEADER || compression === 6;
  const stored = [0, 1, 2, 3].map((i) =>
    isMasked && (i < 3 || hasAlphaMask) ? view.getUint32(MASKS_AT + 4 * i, true) : 0,
  );
  return {
    width: view.getInt32(18, true),
    height: Math.abs(view.getInt32(22, true)), // negative: from top to bottom
    bits,
    compression,
    masks: isMasked || bits !== 16 ? stored : MASKS_16_BITS,
  };
}

function requireAllRows({ width, height, bits, compression }: BmpHeader, bytes: Uint8Array): void {
  if (width < 1 || height < 1) throw new Error(`its header says ${width} x ${height}`);
  if (RUN_LENGTHS.includes(compression)) return;
  if (compression !== UNCOMPRESSED && !BIT_FIELDS.includes(compression))
    throw new ImageError(`the BMP picture is compressed in a way that is not read (kind ${compression})`, {
      code: "image_unsupported",
      hint: "save it as PNG",
    });
  const start = new DataView(bytes.buffer, bytes.byteOffset).getUint32(10, true);
  const rowBytes = 4 * Math.ceil((width * bits) / 32);
  if (start + rowBytes * height > bytes.length) throw truncated(bytes.length);
}

function truncated(length: number): ImageError {
  return new ImageError("the BMP picture is truncated: its data stops before its end", {
    code: "image_truncated",
    hint: "copy or download the file again",
    data: { format: "bmp", bytes: length },
  });
}

/** Where a mask says so, and where runs left pixels out. */
function hasAlpha({ masks, compression }: BmpHeader): boolean {
  return (masks[3] ?? 0) !== 0 || RUN_LENGTHS.includes(compression);
}

/** The decoder puts five bits into the upper ones of eight; white is 255 and not 248. In place. */
function stretch(rgba: Uint8Array, { masks }: BmpHeader): void {
  masks.forEach((mask, channel) => {
    const most = mask / (mask & -mask); // the mask's ones, moved to the lower end
    if (!(most >= 1 && most < 255)) return;
    const unused = Math.clz32(most) - 24;
    for (let at = channel; at < rgba.length; at += 4) rgba[at] = ((rgba[at]! >> unused) * 255) / most;
  });
}
