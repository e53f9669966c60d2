// The parts of an index as they are read: which pictures are in them, and their vectors, whole or a few at a time.
import type { DecodedEmbeddings, VectorRange } from "../embeddings/embedding-table.ts";
import { FormatError } from "../errors.ts";
import type { DigestHost, EmbeddingsHost, Host } from "../platform/host.ts";
import { requireSameSpace } from "../tasks/embed/space.ts";
import type { VectorSource } from "./exact-search.ts";
import { type IndexManifest, type IndexPart, perPictureOf } from "./manifest.ts";

/** What an index needs of the place it is in. */
export type IndexHost = Pick<Host, "files"> & EmbeddingsHost & DigestHost;

/** Parts are smaller by far. */
const MAX_PART_BYTES = 2 ** 31;

/** A picture as an index knows it. */
export interface IndexedPicture {
  readonly path: string;
  /** Bytes of its file. */
  readonly size: number;
  /** SHA-256 of its file. */
  readonly hash: string;
}

/** A part with its pictures; their vectors are read when they are asked for. */
export interface OpenPart extends VectorSource {
  readonly file: string;
  readonly bytes: number;
  readonly pictures: readonly IndexedPicture[];
  /** Where single vectors can be read; undefined where other writers have packed them. */
  readonly ranges: readonly VectorRange[] | undefined;
}

export type Described = Pick<IndexManifest, "space" | "levels">;

/**
 * A part that a manifest names.
 *
 * @throws FormatError for one that is missing, cut off, damaged or of another index
 */
export async function openPart(
  host: IndexHost,
  folder: string,
  manifest: Described,
  listed: IndexPart,
): Promise<OpenPart> {
  await requirePart(host, folder, listed);
  const part = await readPart(host, folder, manifest, listed.file);
  if (part.rows === listed.rows) return part;
  throw broken(host, folder, listed.file, `has ${part.rows} vectors where the manifest says ${listed.rows}`);
}

/** Throws FormatError for a part that is missing or cut off. */
export async function requirePart(host: IndexHost, folder: string, { file, bytes }: IndexPart): Promise<void> {
  const entry = await host.files.stat(host.files.join(folder, file));
  if (entry === undefined) throw broken(host, folder, file, "is missing");
  if (entry.size !== bytes)
    throw broken(host, folder, file, `has ${entry.size} bytes where the manifest says ${bytes}`);
}

function broken({ files }: IndexHost, folder: string, file: string, problem: string): FormatError {
  return new FormatError("index", `the part ${files.join(folder, file)} ${problem}`, {
    hint: "make the index again: saccade index PICTURES --out INDEX",
    data: { part: file },
  });
}

/** A part whether or not a manifest names it. Throws when its vectors are not of the index's space. */
export async function readPart(host: IndexHost, folder: string, manifest: Described, file: string): Promise<OpenPart> {
  const path = host.files.join(folder, file);
  const bytes = (await host.files.stat(path))?.size ?? 0;
  const request = { path, maxBytes: MAX_PART_BYTES };
  const facts = await host.decodeEmbeddings({ ...request, vectors: false });
  requireOwnSpace(facts, manifest, path);
  const { rows, width, ranges } = facts;
  const all = async () => (await host.decodeEmbeddings({ ...request, vectors: true })).vectors!;
  const range = async (start: number, end: number) =>
    (await readVectors(host, path, ranges ?? [], width, start, end)) ?? (await all()).slice(start * width, end * width);
  return { file, bytes, rows, ranges, all, range, pictures: picturesOf(facts, perPictureOf(manifest), path) };
}

/** Some vectors of a part, from where they lie. undefined: they are not in one piece there. */
export async function readVectors(
  host: EmbeddingsHost,
  path: string,
  ranges: readonly VectorRange[],
  width: number,
  start: number,
  end: number,
): Promise<Float32Array | undefined> {
  const found = ranges.find((each) => each.start <= start && end <= each.start + each.rows);
  if (found === undefined) return undefined;
  const length = (end - start) * width * Float32Array.BYTES_PER_ELEMENT;
  const read = await host.readRange(path, found.offset + (start - found.start) * width * 4, length);
  if (read.length < length) throw new FormatError("index", `the part ${path} has become shorter since it was opened`);
  return new Float32Array(read.slice().buffer);
}

function requireOwnSpace({ space, width }: DecodedEmbeddings, manifest: Described, path: string): void {
  if (space.id === manifest.space.id && width === manifest.space.width) return;
  // A part says what made it as the manifest does; a space without an id is somebody's own.
  if (typeof space.id === "string" && space.id !== manifest.space.id)
    requireSameSpace({ ...manifest.space, ...space, id: space.id }, manifest.space, [path, "its index"]);
  throw new FormatError("index", `the part ${path} has vectors of another kind than its index`);
}

/** Rows of one picture stand together. */
function picturesOf({ paths, sizes, hashes, rows }: DecodedEmbeddings, perPicture: number, path: string) {
  const pictures: IndexedPicture[] = [];
  for (let row = 0; row < rows; row += perPicture) {
    const last = row + perPicture - 1;
    if (paths[last] !== paths[row] || hashes[last] !== hashes[row])
      throw new FormatError("index", `the part ${path} has not ${perPicture} vectors of every picture`);
    pictures.push({ path: paths[row]!, size: sizes[row]!, hash: hashes[row]! });
  }
  return pictures;
}
