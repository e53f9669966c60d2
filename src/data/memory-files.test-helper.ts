// Files that exist only in a test, and pictures that only a test can decode.
import { ImageError, NotFoundError } from "../errors.ts";
import type { RawImage } from "../image/raw-image.ts";
import type { DataFileEntry, DataFiles } from "./files.ts";

export type Contents = Readonly<Record<string, Uint8Array | string>>;

const toBytes = (content: Uint8Array | string): Uint8Array =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;

/** Files by path; folders are where the slashes are. */
export function memoryFiles(contents: Contents): DataFiles & { readonly reads: string[] } {
  const reads: string[] = [];
  const folders = new Set<string>();
  for (const path of Object.keys(contents))
    for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1))
      folders.add(path.slice(0, slash));
  const entry = (path: string): DataFileEntry | undefined => {
    const content = contents[path];
    if (content !== undefined) return { path, isDirectory: false, size: toBytes(content).length };
    return folders.has(path) ? { path, isDirectory: true, size: 0 } : undefined;
  };
  const read = async (path: string): Promise<Uint8Array> => {
    reads.push(path);
    const content = contents[path];
    if (content === undefined) throw new NotFoundError("file", path);
    return toBytes(content);
  };
  return {
    reads,
    read,
    readRange: async (path, start, length) => (await read(path)).slice(start, start + length),
    stat: async (path) => entry(path),
    list: async (path) =>
      [...new Set([...Object.keys(contents), ...folders])]
        .filter((other) => other.startsWith(`${path}/`) && !other.slice(path.length + 1).includes("/"))
        .sort()
        .flatMap((other) => entry(other) ?? []),
    join: (...parts) => parts.join("/"),
  };
}

/** The bytes of a 4 x 4 picture of one colour. */
export const picture = (red: number, green = 0, blue = 0): Uint8Array => Uint8Array.of(80, 73, 67, red, green, blue);

export const CORRUPT = Uint8Array.of(1, 2, 3);

/** Decodes what `picture` makes. */
export async function decodePicture(bytes: Uint8Array): Promise<RawImage> {
  if (bytes.length !== 6 || bytes[0] !== 80) throw new ImageError("this is not a picture");
  const data = new Uint8Array(48);
  for (let at = 0; at < 48; at += 3) data.set(bytes.subarray(3), at);
  return { width: 4, height: 4, data };
}

/** A ustar archive. */
export function tarOf(members: Contents): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const [name, content] of Object.entries(members)) {
    const bytes = toBytes(content);
    const header = new Uint8Array(512);
    const put = (text: string, at: number) => header.set(new TextEncoder().encode(text), at);
    put(name, 0);
    put("0000644\0", 100);
    put(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    put("        0", 148);
    put("ustar\0", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const padded = new Uint8Array(Math.ceil(bytes.length / 512) * 512);
    padded.set(bytes);
    blocks.push(header, padded);
  }
  const whole = new Uint8Array(blocks.reduce((size, block) => size + block.length, 1024));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}
