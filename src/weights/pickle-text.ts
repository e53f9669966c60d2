// The textual operands of protocol 0 and the variable-length integers of protocol 2.
import { FormatError } from "../errors.ts";
import { decodeLatin1 } from "./byte-reader.ts";

const FORMAT = "pickle";

// Python's own bound on decimal integers (sys.set_int_max_str_digits): parsing is quadratic beyond.
const MAX_DIGITS = 4300;
const MAX_LONG_BYTES = 4096;

/** A number where it fits one exactly, else a bigint. */
function shrink(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

/** A decimal integer, with the `L` that Python 2 wrote. */
export function parseDecimal(line: Uint8Array): number | bigint {
  if (line.length > MAX_DIGITS) throw new FormatError(FORMAT, `an integer of ${line.length} digits`);
  const text = decodeLatin1(line).replace(/L$/, "");
  if (!/^[+-]?\d+$/.test(text)) throw new FormatError(FORMAT, "an integer that is none");
  return shrink(BigInt(text.replace("+", "")));
}

/** A little-endian two's complement integer of any length. */
export function parseLong(bytes: Uint8Array): number | bigint {
  if (bytes.length > MAX_LONG_BYTES) throw new FormatError(FORMAT, `an integer of ${bytes.length} bytes`);
  if (bytes.length === 0) return 0;
  let hex = "0x";
  for (let i = bytes.length - 1; i >= 0; i--) hex += bytes[i]!.toString(16).padStart(2, "0");
  return shrink(BigInt.asIntN(bytes.length * 8, BigInt(hex)));
}

export function parseFloatLine(line: Uint8Array): number {
  const text = decodeLatin1(line);
  const special = new Map([
    ["inf", Number.POSITIVE_INFINITY],
    ["-inf", Number.NEGATIVE_INFINITY],
    ["nan", Number.NaN],
    ["-nan", Number.NaN],
  ]).get(text);
  if (special !== undefined) return special;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw new FormatError(FORMAT, "a float that is none");
  return Number(text);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** A quoted Python 2 string literal, as one character a byte. */
export function parseQuoted(line: Uint8Array): string {
  const text = decodeLatin1(line);
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || text.at(-1) !== quote)
    throw new FormatError(FORMAT, "a string without its quotes");
  return text.slice(1, -1).replace(/\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)/g, (whole, code: string) => {
    if (code.length === 3 && code[0] === "x") return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 255);
    return ESCAPES[code] ?? whole;
  });
}

/** Python's raw-unicode-escape: Latin-1 with \uXXXX and \UXXXXXXXX. */
export function parseRawUnicode(line: Uint8Array): string {
  return decodeLatin1(line).replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short?: string, long?: string) => {
    const code = Number.parseInt(short ?? long ?? "", 16);
    if (code > 0x10ffff) throw new FormatError(FORMAT, "a character beyond Unicode");
    return String.fromCodePoint(code);
  });
}
