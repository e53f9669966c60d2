// Embeddings to the bytes of a Parquet file. Vectors are stored as they are, without packing, a page for each group of rows: what compresses
// nothing anyway can then be read in place.
import type { ColumnSource, SchemaElement } from "hyparquet-writer";
import { parquetWriteBuffer } from "hyparquet-writer";
import { SaccadeError } from "../errors.ts";
import type { EmbeddingTable } from "./embedding-table.ts";

/** The key of the file's metadata under which the space is. */
export const SPACE_KEY = "saccade.space";
/** Rows that are stored, and decoded, together. */
const GROUP_ROWS = 8192;
/** No page is larger: a group's vectors are one page. */
const PAGE_BYTES = 2 ** 31;

const SCHEMA: readonly SchemaElement[] = [
  {
    name: "embedding",
    num_children: 1,
    repetition_type: "REQUIRED",
    converted_type: "LIST",
    logical_type: { type: "LIST" },
  },
  { name: "list", num_children: 1, repetition_type: "REPEATED" },
  { name: "element", type: "FLOAT", repetition_type: "REQUIRED" },
  text("path"),
  { name: "size", type: "INT64", repetition_type: "REQUIRED" },
  text("hash"),
  text("model"),
];

/**
 * The bytes of a Parquet file: columns embedding (list of float32), path, size, hash, model, and label where there are labels; the space as JSON
 * in the file's metadata, under `saccade.space`.
 */
export function writeEmbeddings(table: EmbeddingTable): Uint8Array {
  const { width, vectors, paths, sizes, hashes, labels, model, space } = table;
  const rows = paths.length;
  const columns = [vectors.length / width, sizes.length, hashes.length, labels?.length ?? rows];
  if (rows === 0 || columns.some((length) => length !== rows))
    throw new SaccadeError("embeddings", `columns of ${[rows, ...columns].join(", ")} rows are no table`);
  // The writer takes plain arrays for lists.
  const lists = paths.map((_, row) => Array.from(vectors.subarray(row * width, (row + 1) * width)));
  const columnData: ColumnSource[] = [
    { name: "embedding", data: lists, encoding: "PLAIN", codec: "UNCOMPRESSED", offsetIndex: false },
    { name: "path", data: [...paths] },
    { name: "size", data: sizes.map((size) => BigInt(size)) },
    { name: "hash", data: [...hashes] },
    { name: "model", data: paths.map(() => model) },
    ...(labels === undefined ? [] : [{ name: "label", data: [...labels] }]),
  ];
  const root: SchemaElement = { name: "root", num_children: columnData.length };
  const buffer = parquetWriteBuffer({
    columnData,
    schema: [root, ...SCHEMA, ...(labels === undefined ? [] : [text("label")])],
    rowGroupSize: GROUP_ROWS,
    pageSize: PAGE_BYTES,
    createdBy: "saccade",
    kvMetadata: [{ key: SPACE_KEY, value: JSON.stringify(space) }],
  });
  return new Uint8Array(buffer);
}

function text(name: string): SchemaElement {
  return { name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" };
}
