// Lists of pictures as sources: a path a line, CSV or JSON lines, read a piece at a time, however long they are. Columns `size` and `etag` spare looking at
// the files; a file that is not there stays a row, whose answer will say so.

import type { DataProblem } from "../data/dataset.ts";
import { besideList, type ListColumns, readListRows } from "../data/list-rows.ts";
import { LimitError } from "../errors.ts";
import { extensionOf } from "../image/picture-files.ts";
import { isStoreAddress, printAddress } from "./address.ts";
import type { ManifestRow } from "./manifest.ts";
import type { SourceOptions } from "./sources.ts";
import type { Storage, StoredObject } from "./storage.ts";

const COLUMNS: ListColumns<"path" | "key" | "size" | "etag"> = {
  names: {
    path: ["path", "address", "url", "file", "file_name", "filename", "filepath", "image", "image_path"],
    key: ["key", "id", "name"],
    size: ["size", "bytes"],
    etag: ["etag"],
  },
  required: ["path"],
};

const PIECE_BYTES = 2 ** 18;
/** One record of a list cannot be longer. */
const MAX_RECORD_BYTES = 2 ** 26;
const NEWLINE = 10;
const QUOTE = 34;

interface Listed {
  readonly path: string;
  readonly key: string | undefined;
  readonly known: Pick<StoredObject, "size" | "etag"> | undefined;
}

export async function* listedRows(
  { path: list, size, etag }: StoredObject,
  { storageOf, onProblem, absolutePath }: SourceOptions,
): AsyncGenerator<readonly ManifestRow[]> {
  const storage = storageOf(list);
  const extension = extensionOf(list);
  const read = (start: number, length: number) => storage.readRange(list, start, length, { etag });
  const isTable = extension === "csv" || extension === "tsv";
  // Beside a list in a store are keys with slashes, whatever this machine's paths look like.
  const join = (...parts: string[]) => parts.join("/");
  const resolve = besideList(isStoreAddress(list) ? { join } : storage.dataFiles, list);
  const place = (path: string) => (isStoreAddress(path) ? path : absolutePath(resolve(path.replace(/^file:\/\//, ""))));
  let header: Uint8Array | undefined;
  for await (const piece of pieces(read, size, isTable)) {
    const problems: DataProblem[] = [];
    const bytes = header === undefined || !isTable ? piece : concatenate(header, piece);
    const rows = extension === "txt" ? textRows(bytes) : tableRows(bytes, list, problems);
    if (isTable) header ??= piece.subarray(0, piece.indexOf(NEWLINE) + 1 || piece.length);
    for (const problem of problems) onProblem(problem.name.replace(/:\d+$/, ""), problem.reason);
    if (rows.length > 0) yield await withFacts(rows, place, storageOf);
  }
}

function textRows(bytes: Uint8Array): Listed[] {
  const lines = new TextDecoder("utf-8", { fatal: false }).decode(bytes).split(/\r?\n|\0/);
  return lines.flatMap((path) => (path === "" ? [] : [{ path, key: undefined, known: undefined }]));
}

function tableRows(bytes: Uint8Array, list: string, problems: DataProblem[]): Listed[] {
  const rows: Listed[] = [];
  for (const { line, values } of readListRows(bytes, list, COLUMNS, problems)) {
    const { path, key, size, etag } = values;
    if (typeof path !== "string" || path === "" || path.includes("\0")) {
      problems.push({ name: `${list}:${line}`, reason: "it has no path" });
      continue;
    }
    const bytesOf = Number(size);
    const isKnown = size !== undefined && size !== "" && Number.isSafeInteger(bytesOf) && bytesOf >= 0;
    const known = isKnown ? { size: bytesOf, etag: typeof etag === "string" ? etag : "" } : undefined;
    rows.push({ path, key: typeof key === "string" && key !== "" ? key : undefined, known });
  }
  return rows;
}

async function withFacts(
  rows: readonly Listed[],
  place: (path: string) => string,
  storageOf: (path: string) => Storage,
): Promise<ManifestRow[]> {
  const paths = rows.map(({ path }) => place(path));
  const unknown = new Map<Storage, number[]>();
  for (const [i, { known }] of rows.entries()) {
    if (known !== undefined) continue;
    const storage = storageOf(paths[i]!);
    const others = unknown.get(storage);
    if (others === undefined) unknown.set(storage, [i]);
    else others.push(i);
  }
  const facts = rows.map(({ known }) => known);
  for (const [storage, indices] of unknown) {
    const found = await storage.statAll(indices.map((i) => paths[i]!));
    for (const [at, i] of indices.entries()) facts[i] = found[at];
  }
  return rows.map(({ path, key }, i) => ({
    key: key ?? path,
    address: printAddress({ path: paths[i]! }),
    size: facts[i]?.size ?? -1,
    etag: facts[i]?.etag ?? "",
  }));
}

/** A file in pieces that end where a record ends. In a table, line breaks between quotes end none. */
async function* pieces(
  read: (start: number, length: number) => Promise<Uint8Array>,
  size: number,
  hasQuotes: boolean,
): AsyncGenerator<Uint8Array> {
  let rest = new Uint8Array(0);
  for (let at = 0; at < size; ) {
    const next = await read(at, PIECE_BYTES);
    if (next.length === 0) break;
    at += next.length;
    const bytes = concatenate(rest, next);
    const end = at >= size ? bytes.length : lastRecordEnd(bytes, hasQuotes);
    if (end === 0 && bytes.length > MAX_RECORD_BYTES)
      throw new LimitError("a record of the list", bytes.length, MAX_RECORD_BYTES, "bytes");
    if (end > 0) yield bytes.subarray(0, end);
    rest = bytes.slice(end);
  }
  if (rest.length > 0) yield rest;
}

function lastRecordEnd(bytes: Uint8Array, hasQuotes: boolean): number {
  if (!hasQuotes) return Math.max(bytes.lastIndexOf(NEWLINE), bytes.lastIndexOf(0)) + 1; // find -print0 puts NULs
  let end = 0;
  let isQuoted = false;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === QUOTE) isQuoted = !isQuoted;
    else if (bytes[i] === NEWLINE && !isQuoted) end = i + 1;
  }
  return end;
}

function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
