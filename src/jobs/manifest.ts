// manifest.parquet: which pictures a plan is of, a row each, in the order in which they are answered.

import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { SchemaElement } from "hyparquet-writer";
import { type ByteSink, ParquetStream } from "../data/parquet-stream.ts";
import { FormatError, SaccadeError } from "../errors.ts";
import type { RowRange } from "./plan.ts";

export interface ManifestRow {
  /** Tells a person which picture it is, and programs where the answers belong. */
  readonly key: string;
  /** Where it is (address.ts). */
  readonly address: string;
  /** Bytes of the picture's file; -1 where only reading it would tell. */
  readonly size: number;
  /** What it was when the plan was made; "" where nothing says it. */
  readonly etag: string;
}

/** A row and its place in the manifest. */
export interface PlannedRow extends ManifestRow {
  readonly row: number;
}

/** Rows that are stored, and decoded, together. */
const GROUP_ROWS = 4_096;

const text = (name: string): SchemaElement => ({
  name,
  type: "BYTE_ARRAY",
  converted_type: "UTF8",
  repetition_type: "REQUIRED",
});
const SCHEMA: readonly SchemaElement[] = [
  text("key"),
  text("address"),
  { name: "size", type: "INT64", repetition_type: "REQUIRED" },
  text("etag"),
];
/** Statistics and indexes of ten million names would be of no use to anybody, and take as long as the names. */
const QUICK = { encoding: "PLAIN", statistics: false, offsetIndex: false } as const;

export class ManifestWriter {
  readonly #stream: ParquetStream;
  #keys: string[] = [];
  #addresses: string[] = [];
  #sizes: bigint[] = [];
  #etags: string[] = [];

  constructor(sink: ByteSink) {
    this.#stream = new ParquetStream(sink, SCHEMA, SCHEMA.length);
  }

  get rows(): number {
    return this.#stream.rows + this.#keys.length;
  }

  /** A promise only when a group is full: ten million promises would take as long as the rows. */
  add({ key, address, size, etag }: ManifestRow): Promise<void> | undefined {
    this.#keys.push(key);
    this.#addresses.push(address);
    this.#sizes.push(BigInt(size));
    this.#etags.push(etag);
    return this.#keys.length < GROUP_ROWS ? undefined : this.#flush();
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#stream.finish();
  }

  async #flush(): Promise<void> {
    const columns = [
      { name: "key", data: this.#keys, ...QUICK },
      { name: "address", data: this.#addresses, ...QUICK },
      // Little is to be saved with these, and compressing is most of the work.
      { name: "size", data: this.#sizes, ...QUICK, codec: "UNCOMPRESSED" as const },
      { name: "etag", data: this.#etags, ...QUICK, codec: "UNCOMPRESSED" as const },
    ];
    this.#keys = [];
    this.#addresses = [];
    this.#sizes = [];
    this.#etags = [];
    await this.#stream.write(columns);
  }
}

/** Reads any rows of a manifest; only the groups that they are in are decoded. */
export class ManifestReader {
  readonly #file: AsyncBuffer;
  readonly #metadata: FileMetaData;
  /** For errors. */
  readonly #path: string;

  private constructor(file: AsyncBuffer, metadata: FileMetaData, path: string) {
    this.#file = file;
    this.#metadata = metadata;
    this.#path = path;
  }

  /** @throws FormatError for a file that is no manifest */
  static async open(file: AsyncBuffer, path: string): Promise<ManifestReader> {
    try {
      return new ManifestReader(file, await parquetMetadataAsync(file), path);
    } catch (cause) {
      throw unreadable(path, cause);
    }
  }

  get rows(): number {
    return Number(this.#metadata.num_rows);
  }

  /** @throws FormatError for rows that are damaged */
  async read({ from, to }: RowRange): Promise<PlannedRow[]> {
    const rows = await parquetReadObjects({
      file: this.#file,
      metadata: this.#metadata,
      compressors,
      rowStart: from,
      rowEnd: to,
    }).catch((cause: unknown) => {
      throw unreadable(this.#path, cause);
    });
    return rows.map(({ key, address, size, etag }, i) => ({
      row: from + i,
      key: String(key),
      address: String(address),
      size: Number(size),
      etag: String(etag),
    }));
  }
}

/** What a store or a disk says of itself stays as it is: it may pass. */
const unreadable = (path: string, cause: unknown): SaccadeError =>
  cause instanceof SaccadeError
    ? cause
    : new FormatError("manifest", `${path} cannot be read`, { hint: "plan again", cause });
