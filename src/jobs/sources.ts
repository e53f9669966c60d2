// From what a user names to the rows of a manifest: folders, lists, tar archives, Parquet files with pictures, single pictures, on the disk or in a store.
// Rows come as they are found; nothing here holds more than a few thousand of them.

import { isListName } from "../data/list-rows.ts";
import { openParquetPictures } from "../data/parquet.ts";
import { walkTar } from "../data/tar.ts";
import { isTarName } from "../data/webdataset.ts";
import { FormatError, NotFoundError, SaccadeError, UsageError } from "../errors.ts";
import { baseName, extensionOf, isPictureName } from "../image/picture-files.ts";
import { printAddress } from "./address.ts";
import { listedRows } from "./listed-rows.ts";
import type { ManifestRow } from "./manifest.ts";
import type { StorageOf, StoredObject } from "./storage.ts";

export interface SourceOptions {
  readonly storageOf: StorageOf;
  /** A path that means the same from whatever folder a process works in; store addresses as they are. */
  readonly absolutePath: (path: string) => string;
  /** Something that is left out, and why. */
  readonly onProblem: (name: string, reason: string) => void;
}

/** A source as it was named, and where it is. */
export interface NamedSource {
  readonly name: string;
  readonly path: string;
}

const isParquetName = (path: string): boolean => extensionOf(path) === "parquet";
const isSourceName = (path: string): boolean =>
  isPictureName(path) || isParquetName(path) || (isTarName(path) && !isPackedTar(path));
const isPackedTar = (path: string): boolean => /\.(tar\.gz|tgz)$/i.test(path);

/** @throws NotFoundError for a source that is not there, UsageError for one that is none, FormatError for one that cannot be read */
export async function* sourceRows(name: string, options: SourceOptions): AsyncGenerator<readonly ManifestRow[]> {
  const path = options.absolutePath(name);
  const storage = options.storageOf(path);
  const found = await storage.stat(path);
  if (found === undefined)
    throw new NotFoundError("source", name, "a folder, list, tar or Parquet file, or s3://BUCKET/PREFIX");
  if (!found.isFolder) {
    yield* objectRows(found, name, options);
    return;
  }
  let objects = 0;
  for await (const batch of storage.walk(path, isSourceName)) {
    objects += batch.length;
    // Most folders hold pictures alone: these go through in one piece.
    let pictures: ManifestRow[] = [];
    for (const object of batch) {
      const key = keyBelow(object.path, path, name);
      if (isPictureName(object.path)) {
        pictures.push(pictureRow(object, key));
        continue;
      }
      if (pictures.length > 0) yield pictures;
      pictures = [];
      yield* archiveRows(object, key, options);
    }
    if (pictures.length > 0) yield pictures;
  }
  if (objects === 0) throw new UsageError(`there are no pictures, tar or Parquet files in ${name}`);
}

async function* objectRows(
  object: StoredObject,
  name: string,
  options: SourceOptions,
): AsyncGenerator<readonly ManifestRow[]> {
  if (isPictureName(object.path)) yield [pictureRow(object, name)];
  else if (isListName(object.path) || extensionOf(object.path) === "txt") yield* listedRows(object, options);
  else if (isParquetName(object.path) || isTarName(object.path)) yield* membersOf(object, name, options);
  else
    throw new UsageError(
      `${name} is no source: its name says neither a picture nor a list, tar or Parquet file`,
      "lists end in .txt (a path a line), .csv, .tsv or .jsonl",
    );
}

/** An archive among many: one that cannot be read is told and left out. */
async function* archiveRows(
  object: StoredObject,
  name: string,
  options: SourceOptions,
): AsyncGenerator<readonly ManifestRow[]> {
  try {
    yield* membersOf(object, name, options);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    options.onProblem(name, error.message);
  }
}

const pictureRow = ({ path, size, etag }: StoredObject, key: string): ManifestRow => ({
  key,
  address: printAddress({ path }),
  size,
  etag,
});

function keyBelow(path: string, folder: string, name: string): string {
  const rest = path.slice(folder.length).replace(/^[/\\]+/, "");
  return name === "" || /[/\\]$/.test(name) ? `${name}${rest}` : `${name}/${rest}`;
}

const BATCH = 4096;

function membersOf(object: StoredObject, name: string, options: SourceOptions): AsyncGenerator<readonly ManifestRow[]> {
  return isParquetName(object.path) ? parquetRows(object, name, options) : tarRows(object, name, options);
}

async function* tarRows(
  { path, size, etag }: StoredObject,
  name: string,
  { storageOf, onProblem }: SourceOptions,
): AsyncGenerator<readonly ManifestRow[]> {
  if (isPackedTar(path))
    throw new UsageError(`${name} is packed, and pictures inside cannot be read one by one`, "unpack it first: gunzip");
  const storage = storageOf(path);
  let rows: ManifestRow[] = [];
  const members = walkTar((start, length) => storage.readRange(path, start, length, { etag }), size, baseName(path));
  for (;;) {
    const { value, done } = await members.next();
    if (done === true) {
      if (value !== undefined) onProblem(value.name, value.reason);
      break;
    }
    const { name: member, start, length } = value;
    if (!isPictureName(member)) continue;
    rows.push({
      key: `${name}/${member}`,
      address: printAddress({ path, bytes: { start, length } }),
      size: length,
      etag,
    });
    if (rows.length < BATCH) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}

async function* parquetRows(
  { path, etag }: StoredObject,
  name: string,
  { storageOf }: SourceOptions,
): AsyncGenerator<readonly ManifestRow[]> {
  const file = await openParquetPictures(storageOf(path).dataFiles, path);
  for (let from = 0; from < file.rows; from += BATCH)
    yield Array.from({ length: Math.min(BATCH, file.rows - from) }, (_, i) => ({
      key: `${name}#${from + i}`,
      address: printAddress({ path, row: from + i }),
      size: -1,
      etag,
    }));
}

/** A plan of nothing is none. Throws SaccadeError "data". */
export function requireRows(rows: number, sources: readonly string[]): void {
  if (rows > 0) return;
  throw new SaccadeError("data", `there is no picture in ${sources.join(", ")}`, {
    hint: "name folders, lists, tar or Parquet files with pictures",
  });
}
