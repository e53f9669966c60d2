// Bytes of a text file that a person made, to text: one place, so that nothing is read as something else without a word.
import { FormatError } from "./errors.ts";

const HINT = "save it as UTF-8; spreadsheets call that CSV UTF-8";

/**
 * Text in UTF-8, or in UTF-16 where the byte order mark says so. The mark is no part of it.
 *
 * @param name of the file, for errors
 * @throws FormatError naming the line that is not text in this encoding
 * @example const lines = decodeText(await files.read(path), path).split("\n");
 */
export function decodeText(bytes: Uint8Array, name: string): string {
  const isLittle = bytes[0] === 0xff && bytes[1] === 0xfe;
  if (isLittle || (bytes[0] === 0xfe && bytes[1] === 0xff))
    return decodeUtf16(bytes, isLittle ? "utf-16le" : "utf-16be", name);
  // In UTF-8 a NUL is a character that no text has, in UTF-16 every second byte of English is one.
  const start = bytes.subarray(0, 4);
  if (bytes.length >= 4 && start.includes(0)) {
    const isEverySecond = (first: number) => start.every((byte, i) => (byte === 0) === (i % 2 === first));
    if (!isEverySecond(0) && !isEverySecond(1))
      throw new FormatError("text", `${name} is not text`, { hint: "a text file is wanted here; check the path" });
    throw new FormatError("text", `${name} is not UTF-8 text: perhaps it is UTF-16 without a byte order mark`, {
      hint: HINT,
    });
  }
  const text = decoded(bytes, "utf-8");
  if (text !== undefined) return text;
  throw new FormatError("text", `${name}:${firstWrongLine(bytes)} is not UTF-8 text`, { hint: HINT });
}

function decodeUtf16(bytes: Uint8Array, encoding: "utf-16le" | "utf-16be", name: string): string {
  const text = bytes.length % 2 === 0 ? decoded(bytes, encoding) : undefined;
  if (text === undefined)
    throw new FormatError("text", `${name} begins as UTF-16 text, but is damaged or cut off`, { hint: HINT });
  return text;
}

function decoded(bytes: Uint8Array, encoding: string): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error; // longer than strings can be
  }
}

function firstWrongLine(bytes: Uint8Array): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(10, start);
    const end = newline === -1 ? bytes.length : newline;
    if (decoded(bytes.subarray(start, end), "utf-8") === undefined) return line;
    start = end + 1;
  }
  return line;
}
