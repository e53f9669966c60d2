// Where a picture is, as one text: "file:///photos/a%20b.jpg", "s3://bucket/a.jpg", and inside of larger files "file:///shard.tar?bytes=512+20480" and
// "file:///rows.parquet?row=17".
import { FormatError } from "../errors.ts";

export interface Address {
  /** Absolute, or of a store. */
  readonly path: string;
  /** A part of the file. */
  readonly bytes?: { readonly start: number; readonly length: number };
  /** A row of a Parquet file. */
  readonly row?: number;
}

/** Nothing in them has to be escaped. */
const PLAIN = /^[\w./~:@!$&'()*+,;=-]*$/;

/** Halves of characters, which no file's name in UTF-8 has. */
const LONE_SURROGATES = /\p{Surrogate}/gu;

const escaped = (path: string): string =>
  PLAIN.test(path) ? path : encodeURI(path.replace(LONE_SURROGATES, "\ufffd")).replace(/[?#]/g, encodeURIComponent);

export const isStoreAddress = (path: string): boolean => path.startsWith("s3://");

export function printAddress({ path, bytes, row }: Address): string {
  const slashes = path.replace(/^[A-Za-z]:\\.*/, (drive) => `/${drive.replaceAll("\\", "/")}`);
  const base = isStoreAddress(path) ? `s3://${escaped(path.slice("s3://".length))}` : `file://${escaped(slashes)}`;
  if (bytes !== undefined) return `${base}?bytes=${bytes.start}+${bytes.length}`;
  return row === undefined ? base : `${base}?row=${row}`;
}

/** @throws FormatError */
export function parseAddress(text: string): Address {
  const [, scheme, rest = "", query] = /^(file|s3):\/\/([^?#]+)(?:\?([^#]*))?$/.exec(text) ?? [];
  if (scheme === undefined) throw new FormatError("address", `${text.slice(0, 200)} is none that plans have`);
  const decoded = decode(rest, text);
  const path = scheme === "s3" ? `s3://${decoded}` : decoded.replace(/^\/(?=[A-Za-z]:\/)/, "");
  if (query === undefined) return { path };
  const [, start, length] = /^bytes=(\d{1,15})\+(\d{1,15})$/.exec(query) ?? [];
  if (length !== undefined) return { path, bytes: { start: Number(start), length: Number(length) } };
  const [, row] = /^row=(\d{1,15})$/.exec(query) ?? [];
  if (row !== undefined) return { path, row: Number(row) };
  throw new FormatError("address", `${text.slice(0, 200)} says neither bytes nor a row`);
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new FormatError("address", `${text.slice(0, 200)} is escaped wrongly`);
  }
}
