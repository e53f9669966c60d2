// A planned row's picture, to be read when its turn comes and not before.
import type { BlobLike } from "../byte-sources.ts";
import { openParquetPictures, type ParquetPicturesFile, RowGroupCache } from "../data/parquet.ts";
import { FormatError, NotFoundError } from "../errors.ts";
import { parseAddress } from "./address.ts";
import type { PlannedRow } from "./manifest.ts";
import { changed, type ReadStored, type StorageOf } from "./storage.ts";
import type { ShardPicture } from "./task.ts";

/** A Parquet file is looked at again after so long: of a store it costs a request, and its rows are asked for one by one. */
const SAME_MS = 5000;

/** Opens rows of a plan; Parquet files that they lie in stay open. */
export class PlannedPictures {
  readonly #storageOf: StorageOf;
  readonly #groups = new RowGroupCache();
  readonly #parquet = new Map<string, Promise<ParquetPicturesFile>>();
  /** When they were last seen to be what was planned. */
  readonly #sameAt = new Map<string, number>();

  constructor(storageOf: StorageOf) {
    this.#storageOf = storageOf;
  }

  open(row: PlannedRow): ShardPicture {
    return { row, picture: new LazyPicture(Math.max(0, row.size), () => this.#read(row)) };
  }

  async #read({ address, etag }: PlannedRow): Promise<Uint8Array> {
    const { path, bytes, row } = parseAddress(address);
    const storage = this.#storageOf(path);
    const as: ReadStored = etag === "" ? {} : { etag };
    if (row !== undefined) {
      await this.#requireSame(path, etag);
      return (await this.#openParquet(path)).read(row);
    }
    if (bytes === undefined) return storage.read(path, as);
    const found = await storage.readRange(path, bytes.start, bytes.length, as);
    if (found.length === bytes.length) return found;
    throw new FormatError("archive", `${path} has become shorter since the plan was made`);
  }

  /** Parquet files are read in pieces, and not by what is read of them at once. Throws SaccadeError "changed", NotFoundError. */
  async #requireSame(path: string, etag: string): Promise<void> {
    const now = performance.now();
    if (etag === "" || now - (this.#sameAt.get(path) ?? Number.NEGATIVE_INFINITY) < SAME_MS) return;
    const there = await this.#storageOf(path).stat(path);
    if (there === undefined) throw new NotFoundError("file", path);
    if (there.etag !== etag) throw changed(path);
    this.#sameAt.set(path, now);
  }

  #openParquet(path: string): Promise<ParquetPicturesFile> {
    const known = this.#parquet.get(path);
    if (known !== undefined) return known;
    const opening = openParquetPictures(this.#storageOf(path).dataFiles, path, this.#groups);
    this.#parquet.set(path, opening);
    opening.catch(() => this.#parquet.delete(path)); // whoever asks again opens it again
    return opening;
  }
}

/** What tasks take for a Blob: they know one by its brand. */
class LazyPicture implements BlobLike {
  readonly #read: () => Promise<Uint8Array>;

  constructor(
    readonly size: number,
    read: () => Promise<Uint8Array>,
  ) {
    this.#read = read;
  }

  get [Symbol.toStringTag](): string {
    return "Blob";
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.#read();
    const isWhole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
    return (isWhole ? bytes.buffer : bytes.slice().buffer) as ArrayBuffer;
  }
}
