// Tape archives: the member files of ustar, pax and GNU tar, found by walking the headers. Nothing is copied.
import { FormatError } from "../errors.ts";
import type { DataProblem } from "./dataset.ts";

export interface TarMember {
  readonly name: string;
  readonly start: number;
  readonly length: number;
}

const BLOCK = 512;
const MAX_NAME_BYTES = 65536;

/**
 * The regular files of an archive. One that is cut off gives the members before the cut, and a problem.
 *
 * @throws FormatError when it is no archive
 */
export function parseTar(bytes: Uint8Array, name: string): { members: TarMember[]; problems: DataProblem[] } {
  const members: TarMember[] = [];
  const problems: DataProblem[] = [];
  let longName: string | undefined;
  let at = 0;
  while (at + BLOCK <= bytes.length) {
    const header = bytes.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return { members, problems };
    if (!hasGoodChecksum(header)) {
      if (at === 0) throw new FormatError("tar", `${name} is not a tar archive`);
      problems.push({ name, reason: `it is damaged at byte ${at}; ${members.length} files were read before that` });
      return { members, problems };
    }
    const length = readNumber(header, 124, 12);
    const start = at + BLOCK;
    if (!(length >= 0 && start + length <= bytes.length)) {
      problems.push({ name, reason: `it is cut off inside ${longName ?? readName(header)}` });
      return { members, problems };
    }
    const type = String.fromCharCode(header[156]!);
    const content = () => bytes.subarray(start, start + Math.min(length, MAX_NAME_BYTES));
    if (type === "L") longName = readText(content());
    else if (type === "x") longName = readPaxPath(content()) ?? longName;
    else if (type !== "g") {
      if (type === "0" || type === "\0" || type === "7")
        members.push({ name: longName ?? readName(header), start, length });
      longName = undefined;
    }
    at = start + Math.ceil(length / BLOCK) * BLOCK;
  }
  // Two empty blocks should have come.
  if (members.length === 0) throw new FormatError("tar", `${name} is not a tar archive, or an empty one`);
  if (at < bytes.length) problems.push({ name, reason: "it is cut off at its end" });
  return { members, problems };
}

/** The sum of the header's bytes with the checksum itself taken as spaces. */
function hasGoodChecksum(header: Uint8Array): boolean {
  let sum = 8 * 32;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i]!;
  return readNumber(header, 148, 8) === sum;
}

/** Octal digits, or (GNU) big-endian binary behind a byte with the highest bit set. NaN when it is neither. */
function readNumber(header: Uint8Array, start: number, size: number): number {
  if (header[start]! & 0x80) {
    let value = header[start]! & 0x7f;
    for (let i = 1; i < size; i++) value = value * 256 + header[start + i]!;
    return Number.isSafeInteger(value) ? value : Number.NaN;
  }
  const digits = readText(header.subarray(start, start + size)).trim();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || "0", 8) : Number.NaN;
}

function readName(header: Uint8Array): string {
  const name = readText(header.subarray(0, 100));
  const isUstar = readText(header.subarray(257, 262)) === "ustar" && header[262] === 0;
  const prefix = isUstar ? readText(header.subarray(345, 500)) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** "27 path=some/long/name\n" among other such records. */
function readPaxPath(bytes: Uint8Array): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(new TextDecoder().decode(bytes))?.[1];
}

/** Up to the first NUL. */
function readText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
}

/** What reading ahead in an archive takes at once: members of a photograph's size are passed over, small ones come together. */
const WINDOW_BYTES = 2 ** 16;

/**
 * The same members of an archive that is not in memory, as they are found.
 *
 * @param read the bytes from `start` on; fewer than `length` where the archive ends before
 * @returns what is wrong with its end, if anything is
 * @throws FormatError when it is no archive
 */
export async function* walkTar(
  read: (start: number, length: number) => Promise<Uint8Array>,
  size: number,
  name: string,
): AsyncGenerator<TarMember, DataProblem | undefined> {
  let window: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array(0) };
  const bytesAt = async (start: number, length: number) => {
    const end = window.start + window.bytes.length;
    if (start < window.start || start + length > end)
      window = { start, bytes: await read(start, Math.max(length, WINDOW_BYTES)) };
    return window.bytes.subarray(start - window.start, start - window.start + length);
  };
  let longName: string | undefined;
  let members = 0;
  let at = 0;
  while (at + BLOCK <= size) {
    const header = await bytesAt(at, BLOCK);
    if (header.length === BLOCK && header.every((byte) => byte === 0)) return undefined;
    if (header.length < BLOCK || !hasGoodChecksum(header)) {
      if (at === 0) throw new FormatError("tar", `${name} is not a tar archive`);
      return { name, reason: `it is damaged at byte ${at}; ${members} files were found before that` };
    }
    const [type, length, ownName] = [String.fromCharCode(header[156]!), readNumber(header, 124, 12), readName(header)];
    const start = at + BLOCK;
    if (!(length >= 0 && start + length <= size))
      return { name, reason: `it is cut off inside ${longName ?? ownName}` };
    if (type === "L" || type === "x") {
      const content = await bytesAt(start, Math.min(length, MAX_NAME_BYTES));
      longName = type === "L" ? readText(content) : (readPaxPath(content) ?? longName);
    } else if (type !== "g") {
      if (type === "0" || type === "\0" || type === "7") {
        members++;
        yield { name: longName ?? ownName, start, length };
      }
      longName = undefined;
    }
    at = start + Math.ceil(length / BLOCK) * BLOCK;
  }
  if (members === 0) throw new FormatError("tar", `${name} is not a tar archive, or an empty one`);
  return at < size ? { name, reason: "it is cut off at its end" } : undefined;
}
