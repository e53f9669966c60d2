// Parquet files with picture bytes, as the Hugging Face hub has them: a column `image` of {bytes, path}, a column `label` of numbers whose
// names are in the file's metadata under "huggingface". Pictures are read a row group at a time; some groups are kept.
import { gunzipSync } from "fflate";
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";
import { FormatError, SaccadeError } from "../errors.ts";
import { baseName } from "../image/picture-files.ts";
import { type DataProblem, list } from "./dataset.ts";
import type { DataFiles } from "./files.ts";
import type { Sample, SamplePart } from "./samples.ts";

/** Row groups of all files of a data set together; beyond it, those not used for longest are dropped and read again. */
const KEPT_BYTES = 512 * 2 ** 20;
const IMAGE_COLUMNS = ["image", "img", "picture", "pixels", "photo"];
const LABEL_COLUMNS = ["label", "labels", "fine_label", "class", "category", "target", "cls"];

interface Columns {
  readonly image: string;
  readonly label: string;
  /** Of the label's numbers, where the metadata has them. */
  readonly names: readonly string[] | undefined;
}

interface KeptGroup {
  readonly rows: Promise<readonly unknown[]>;
  readonly bytes: number;
}

/** Row groups that were read lately. */
export class RowGroupCache {
  readonly #groups = new Map<string, KeptGroup>();
  #bytes = 0;

  get(key: string, bytes: number, read: () => Promise<readonly unknown[]>): Promise<readonly unknown[]> {
    const kept = this.#groups.get(key) ?? this.#begin(key, bytes, read);
    if (this.#groups.delete(key)) this.#bytes -= kept.bytes;
    // Putting it in again makes it the newest in the map's order.
    this.#groups.set(key, kept);
    this.#bytes += kept.bytes;
    for (const [oldest, group] of this.#groups) {
      if (this.#bytes <= KEPT_BYTES || oldest === key) break;
      this.#groups.delete(oldest);
      this.#bytes -= group.bytes;
    }
    return kept.rows;
  }

  /** A read that fails is forgotten: whoever asks again reads again. */
  #begin(key: string, bytes: number, read: () => Promise<readonly unknown[]>): KeptGroup {
    const group = { rows: read(), bytes };
    group.rows.catch(() => {
      if (this.#groups.get(key) !== group) return;
      this.#groups.delete(key);
      this.#bytes -= bytes;
    });
    return group;
  }
}

/**
 * Reads the labels of one file; pictures when they are asked for.
 *
 * @throws FormatError when it is no Parquet file or has no column of pictures or labels
 */
export async function readParquet(files: DataFiles, path: string, cache = new RowGroupCache()): Promise<SamplePart> {
  return openParquet(await asyncBuffer(files, path), path, cache);
}

/** The same from a file that is already open. */
export async function openParquet(file: AsyncBuffer, path: string, cache: RowGroupCache): Promise<SamplePart> {
  const metadata = await guarded(path, () => parquetMetadataAsync(file));
  checkCounts(metadata, file.byteLength, path);
  const columns = await guarded(path, async () => findColumns(metadata, path));
  const rows = await guarded(path, () =>
    parquetReadObjects({ file, metadata, columns: [columns.label], compressors: COMPRESSORS }),
  );
  const problems: DataProblem[] = [];
  const samples: Sample[] = [];
  const groups = rowGroups(metadata);
  rows.forEach((row, index) => {
    const name = `${path}#${index}`;
    const label = readLabel(row[columns.label], columns.names);
    if (label === undefined)
      problems.push({ name, reason: `its ${columns.label} is ${describeValue(row[columns.label])}` });
    else samples.push({ name, label, picture: () => readPicture(file, metadata, columns, cache, groups, path, index) });
  });
  return { samples, problems, ...(columns.names === undefined ? {} : { labels: columns.names }) };
}

/** hyparquet believes what the footer counts, and would allocate for it. */
function checkCounts(metadata: FileMetaData, fileBytes: number, path: string): void {
  const fail = (what: string): never => {
    throw new FormatError("Parquet", `${baseName(path)} cannot be right: ${what}`, { hint: "download it again" });
  };
  const rows = metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  if (rows !== Number(metadata.num_rows)) fail(`it has ${metadata.num_rows} rows, and ${rows} in its groups`);
  // A picture of no bytes is no picture, so there are fewer rows than bytes.
  if (rows > fileBytes) fail(`${rows} rows in ${fileBytes} bytes`);
  for (const group of metadata.row_groups) {
    if (!(group.num_rows >= 0n)) fail("a group of rows without a size");
    for (const { meta_data: column } of group.columns) {
      const values = Number(column?.num_values ?? 0n);
      if (values < 0 || values > fileBytes) fail(`a column of ${values} values in ${fileBytes} bytes`);
      const start = Number(column?.dictionary_page_offset ?? column?.data_page_offset ?? 0n);
      const end = start + Number(column?.total_compressed_size ?? 0n);
      if (!(start >= 0 && end >= start && end <= fileBytes)) fail(`a column that lies outside of it`);
    }
  }
}

const COMPRESSORS = { GZIP: (bytes: Uint8Array, size: number) => gunzipSync(bytes, { out: new Uint8Array(size) }) };

interface Group {
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
}

function rowGroups(metadata: FileMetaData): Group[] {
  let start = 0;
  return metadata.row_groups.map((group) => {
    const end = start + Number(group.num_rows);
    const found = { start, end, bytes: Number(group.total_byte_size) };
    start = end;
    return found;
  });
}

async function readPicture(
  file: AsyncBuffer,
  metadata: FileMetaData,
  { image }: Columns,
  cache: RowGroupCache,
  groups: readonly Group[],
  path: string,
  index: number,
): Promise<{ kind: "encoded"; bytes: Uint8Array }> {
  const group = groups.find(({ end }) => index < end)!;
  const rows = await cache.get(`${path}#${group.start}`, group.bytes, () =>
    guarded(path, () =>
      parquetReadObjects({
        file,
        metadata,
        columns: [image],
        rowStart: group.start,
        rowEnd: group.end,
        utf8: false,
        compressors: COMPRESSORS,
      }),
    ),
  );
  const value = field(rows[index - group.start], image);
  const bytes = value instanceof Uint8Array ? value : field(value, "bytes");
  if (!(bytes instanceof Uint8Array) || bytes.length === 0)
    throw new FormatError("Parquet", `row ${index} of ${baseName(path)} has no picture bytes in "${image}"`);
  return { kind: "encoded", bytes: bytes.slice() };
}

const field = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;

function findColumns(metadata: FileMetaData, path: string): Columns {
  const features = readFeatures(metadata);
  const children = parquetSchema(metadata).children;
  const present = children.map(({ element }) => element.name);
  const ofType = (type: string) =>
    Object.keys(features).find((name) => present.includes(name) && field(features[name], "_type") === type);
  const holdsBytes = children.find(
    ({ children: inner, element }) =>
      inner.some((child) => child.element.name === "bytes") && element.repetition_type !== "REPEATED",
  );
  const image = ofType("Image") ?? holdsBytes?.element.name ?? IMAGE_COLUMNS.find((name) => present.includes(name));
  const label = ofType("ClassLabel") ?? LABEL_COLUMNS.find((name) => present.includes(name));
  if (image === undefined || label === undefined)
    throw new FormatError(
      "Parquet",
      `${baseName(path)} has the columns ${list(present)}, and no ${image === undefined ? "pictures" : "labels"} among them`,
      {
        hint: 'a column "image" of {bytes, path} and a column "label" are needed',
        data: { columns: present },
      },
    );
  const names = field(features[label], "names");
  const areNames = Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === "string");
  return { image, label, names: areNames && new Set(names).size === names.length ? names : undefined };
}

/** {"info": {"features": {"label": {"names": […], "_type": "ClassLabel"}}}} */
function readFeatures(metadata: FileMetaData): Readonly<Record<string, unknown>> {
  const text = metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value;
  try {
    const features = field(field(JSON.parse(text ?? "{}"), "info"), "features");
    return typeof features === "object" && features !== null ? (features as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function readLabel(value: unknown, names: readonly string[] | undefined): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  if (typeof value !== "bigint" && !(typeof value === "number" && Number.isSafeInteger(value))) return undefined;
  const number = Number(value);
  if (names !== undefined) return names[number];
  return number >= 0 ? String(number) : undefined;
}

const describeValue = (value: unknown): string =>
  value === undefined || value === null ? "missing" : `${typeof value === "object" ? "no label" : String(value)}`;

async function asyncBuffer(files: DataFiles, path: string): Promise<AsyncBuffer> {
  const { readRange } = files;
  const entry = readRange === undefined ? undefined : await files.stat(path);
  if (readRange === undefined || entry === undefined) {
    const bytes = await files.read(path);
    return bufferOf(bytes);
  }
  return {
    byteLength: entry.size,
    slice: async (start, end = entry.size) => toArrayBuffer(await readRange.call(files, path, start, end - start)),
  };
}

/** An open file over bytes. */
export function bufferOf(bytes: Uint8Array): AsyncBuffer {
  return { byteLength: bytes.length, slice: (start, end) => toArrayBuffer(bytes.subarray(start, end)) };
}

const toArrayBuffer = (bytes: Uint8Array): ArrayBuffer => {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
};

/** hyparquet throws whatever goes wrong; here every failure says which file. */
async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SaccadeError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new FormatError("Parquet", `${baseName(path)} cannot be read (${detail})`, { cause: error });
  }
}
