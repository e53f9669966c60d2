// A planned row's picture, to be read when its turn comes and not before.
import type { BlobLike } from "../byte-sources.ts";
import { openParquetPictures, type ParquetPicturesFile, RowGroupCache } from "../data/parquet.ts";
import { FormatError } from "../errors.ts";
import { parseAddress } from "./address.ts";
import type { PlannedRow } from "./manifest.ts";
import type { ReadStored, StorageOf } from "./storage.ts";
import type { ShardPicture } from "./task.ts";

/** Opens rows of a plan; Parquet files that they lie in stay open. */
export class PlannedPictures {
  readonly #storageOf: StorageOf;
  readonly #groups = new RowGroupCache();
  readonly #parquet = new Map<string, Promise<ParquetPicturesFile>>();

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
    if (row !== undefined) return (await this.#openParquet(path)).read(row);
    if (bytes === undefined) return storage.read(path, as);
    const found = await storage.readRange(path, bytes.start, bytes.length, as);
    if (found.length === bytes.length) return found;
    throw new FormatError("archive", `${path} has become shorter since the plan was made`);
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
