// Parquet files with embeddings to tables: what write-embeddings.ts writes, and what other tools make of it. Requests and answers are plain data,
// so that another thread can decode: files come from anywhere.
import {
  type AsyncBuffer,
  type ColumnMetaData,
  type FileMetaData,
  parquetReadObjects,
  parquetSchema,
  type RowGroup,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { DataFiles } from "../data/files.ts";
import { withParquet } from "../data/parquet-file.ts";
import { FormatError, LimitError, NotFoundError } from "../errors.ts";
import { baseName } from "../image/picture-files.ts";
import type { DecodedEmbeddings, EmbeddingsRequest, StatedSpace, VectorRange } from "./embedding-table.ts";
import { SPACE_KEY } from "./write-embeddings.ts";

const TEXT_COLUMNS = ["path", "hash", "model", "label"] as const;
const NEEDED = ["embedding", "path", "size", "hash", "model"];
const FLOAT_BYTES = 4;

/** Decodes in this thread. */
export async function decodeEmbeddings(
  files: Pick<DataFiles, "read" | "readRange" | "stat">,
  { path, vectors: withVectors, maxBytes }: EmbeddingsRequest,
): Promise<DecodedEmbeddings> {
  const entry = await files.stat(path);
  if (entry === undefined) throw new NotFoundError("embeddings", path);
  if (entry.size > maxBytes) throw new LimitError(`the embeddings ${path}`, entry.size, maxBytes, "bytes");
  return withParquet(files, path, async (file, metadata) => {
    const facts = await readFacts(file, metadata, path);
    const { rows } = facts;
    const ranges = plainRanges(metadata);
    const plainWidth = valuesOf(metadata) / rows;
    if (!withVectors && ranges !== undefined) return { ...facts, width: plainWidth, ranges };
    const vectors = await (ranges === undefined
      ? readLists(file, metadata, path)
      : readPlain(file, ranges, plainWidth));
    const width = requireWidth(vectors.length / rows, path);
    requireFinite(vectors, width, facts.paths, path);
    return { ...facts, width, ...(ranges && { ranges }), ...(withVectors && { vectors }) };
  });
}

async function readFacts(
  file: AsyncBuffer,
  metadata: FileMetaData,
  path: string,
): Promise<Omit<DecodedEmbeddings, "width" | "ranges" | "vectors">> {
  const present = parquetSchema(metadata).children.map(({ element }) => element.name);
  const lacking = NEEDED.filter((name) => !present.includes(name));
  if (lacking.length > 0) throw damaged(path, `it has no column ${lacking.join(" and no column ")}`);
  const columns = [...TEXT_COLUMNS, "size"].filter((name) => present.includes(name));
  const rows = await parquetReadObjects({ file, metadata, columns, compressors });
  if (rows.length === 0) throw damaged(path, "it has no rows");
  if (rows.length !== Number(metadata.num_rows)) throw damaged(path, "its columns have different lengths");
  const texts = (name: string) => rows.map((row, i) => requireText(row[name], name, i, path));
  return {
    rows: rows.length,
    paths: texts("path"),
    sizes: rows.map((row, i) => requireSize(row.size, i, path)),
    hashes: texts("hash"),
    model: requireText(rows[0]!.model, "model", 0, path),
    space: readSpace(metadata, path),
    ...(present.includes("label") ? { labels: texts("label") } : {}),
  };
}

function requireText(value: unknown, column: string, row: number, path: string): string {
  if (typeof value === "string") return value;
  throw damaged(path, `row ${row} has no text in the column ${column}`);
}

function requireSize(value: unknown, row: number, path: string): number {
  const size = Number(value);
  if ((typeof value === "bigint" || typeof value === "number") && Number.isSafeInteger(size) && size >= 0) return size;
  throw damaged(path, `row ${row} has no size`);
}

function readSpace(metadata: FileMetaData, path: string): StatedSpace {
  const text = metadata.key_value_metadata?.find(({ key }) => key === SPACE_KEY)?.value;
  if (text === undefined) throw damaged(path, `its metadata has no ${SPACE_KEY}: nothing says what made the vectors`);
  try {
    const space: unknown = JSON.parse(text);
    if (typeof space === "object" && space !== null && !Array.isArray(space)) return space as StatedSpace;
  } catch {
    // Said below.
  }
  throw damaged(path, `its ${SPACE_KEY} is not a JSON object`);
}

const embeddingOf = (group: RowGroup): ColumnMetaData | undefined =>
  group.columns.find(({ meta_data: column }) => column?.path_in_schema[0] === "embedding")?.meta_data;

const valuesOf = (metadata: FileMetaData): number =>
  metadata.row_groups.reduce((sum, group) => sum + Number(embeddingOf(group)?.num_values ?? 0n), 0);

/** Where the vectors are, if every group has one page of plain float32 without gaps: then they are the last bytes of its column. */
function plainRanges(metadata: FileMetaData): VectorRange[] | undefined {
  const ranges: VectorRange[] = [];
  const width = valuesOf(metadata) / Number(metadata.num_rows);
  if (!(Number.isInteger(width) && width > 0)) return undefined;
  let start = 0;
  for (const group of metadata.row_groups) {
    const column = embeddingOf(group);
    if (column === undefined || !isOnePlainPage(column)) return undefined;
    const rows = Number(group.num_rows);
    if (Number(column.num_values) !== rows * width) return undefined;
    const begin = Number(column.data_page_offset);
    const offset = begin + Number(column.total_compressed_size) - rows * width * FLOAT_BYTES;
    if (offset < begin) return undefined;
    ranges.push({ start, rows, offset });
    start += rows;
  }
  return ranges;
}

function isOnePlainPage(column: ColumnMetaData): boolean {
  const { type, codec, dictionary_page_offset, encoding_stats: pages, statistics } = column;
  const [page, ...others] = pages ?? [];
  return (
    type === "FLOAT" &&
    codec === "UNCOMPRESSED" &&
    dictionary_page_offset === undefined &&
    page?.encoding === "PLAIN" &&
    page.count === 1 &&
    others.length === 0 &&
    statistics?.null_count === 0n
  );
}

/** @param width numbers in a vector */
async function readPlain(file: AsyncBuffer, ranges: readonly VectorRange[], width: number): Promise<Float32Array> {
  const last = ranges.at(-1)!;
  const vectors = new Float32Array((last.start + last.rows) * width);
  for (const { start, rows, offset } of ranges) {
    const bytes = new Uint8Array(await file.slice(offset, offset + rows * width * FLOAT_BYTES));
    new Uint8Array(vectors.buffer).set(bytes, start * width * FLOAT_BYTES);
  }
  return vectors;
}

async function readLists(file: AsyncBuffer, metadata: FileMetaData, path: string): Promise<Float32Array> {
  const rows = await parquetReadObjects({ file, metadata, columns: ["embedding"], compressors });
  const first: unknown = rows[0]?.embedding;
  const width = Array.isArray(first) || ArrayBuffer.isView(first) ? (first as ArrayLike<number>).length : 0;
  const vectors = new Float32Array(rows.length * width);
  for (const [row, { embedding }] of rows.entries()) {
    const list = embedding as ArrayLike<unknown> | null | undefined;
    if (list?.length !== width) throw damaged(path, `row ${row} has no vector of ${width} numbers`);
    for (let i = 0; i < width; i++) {
      const value = list[i];
      vectors[row * width + i] = typeof value === "number" ? value : Number.NaN;
    }
  }
  return vectors;
}

function requireWidth(width: number, path: string): number {
  if (Number.isInteger(width) && width > 0) return width;
  throw damaged(path, "its vectors have different lengths");
}

function requireFinite(vectors: Float32Array, width: number, paths: readonly string[], path: string): void {
  const bad = vectors.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  const row = Math.floor(bad / width);
  throw damaged(path, `row ${row} (${paths[row]}) has a number that is not finite in its vector`);
}

const damaged = (path: string, problem: string): FormatError =>
  new FormatError("embeddings", `${baseName(path)}: ${problem}`, {
    hint: "it is damaged, or no file of embeddings: make it again",
  });
