// Vectors of pictures with what they were made of: what indexes and learnt models keep, as Parquet that other tools read.

/** What made the vectors, as plain JSON: an `EmbeddingSpace`. This room only carries it. */
export type StatedSpace = Readonly<Record<string, unknown>>;

/** A row for each picture; all columns have equally many. */
export interface EmbeddingTable {
  /** Numbers in a vector. */
  readonly width: number;
  /** (rows, width), row by row. */
  readonly vectors: Float32Array;
  readonly paths: readonly string[];
  /** Bytes of the pictures' files. */
  readonly sizes: readonly number[];
  /** SHA-256 of the pictures' files, hexadecimal. */
  readonly hashes: readonly string[];
  /** What is in the pictures, where that is known. */
  readonly labels?: readonly string[];
  /** The model's name, for people. */
  readonly model: string;
  readonly space: StatedSpace;
}

/** Where vectors lie in a file: rows from `start` on, one after another, little-endian, from byte `offset` on. */
export interface VectorRange {
  readonly start: number;
  readonly rows: number;
  readonly offset: number;
}

/** What of a file to decode. */
export interface EmbeddingsRequest {
  readonly path: string;
  /** Whether vectors are decoded, or only what was made of which picture. */
  readonly vectors: boolean;
  /** A larger file is refused. */
  readonly maxBytes: number;
}

/** A table, without its vectors where they were not asked for. */
export interface DecodedEmbeddings extends Omit<EmbeddingTable, "vectors"> {
  readonly rows: number;
  readonly vectors?: Float32Array;
  /** Where the vectors can be read without decoding; undefined for files of other writers, which may pack them. */
  readonly ranges?: readonly VectorRange[];
}

/**
 * Decodes a file, in a thread that can be ended: files come from anywhere.
 *
 * @throws NotFoundError; LimitError for a file larger than was allowed; FormatError for what is damaged, lacks columns, or has vectors of several
 * lengths or with numbers that are not finite
 */
export type DecodeEmbeddings = (request: EmbeddingsRequest) => Promise<DecodedEmbeddings>;
