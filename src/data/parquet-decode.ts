// What is decoded of a Parquet file: its labels at once, its pictures a row group at a time. Requests and answers are plain data, so that another
// thread can do it: the decoder believes what a file says of itself, and a file made for it can keep it busy for ever.
import { type AsyncBuffer, type FileMetaData, parquetReadObjects, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { FormatError } from "../errors.ts";
import { baseName } from "../image/picture-files.ts";
import { list } from "./dataset.ts";
import type { DataFiles } from "./files.ts";
import { withParquet } from "./parquet-file.ts";

/** What to decode of the file at `path`: without a group its labels, else the pictures of the group. */
export interface ParquetRequest {
  readonly path: string;
  /** Where its pictures are is enough: it need have no labels, and none are read. */
  readonly isUnlabelled?: boolean;
  readonly group?: ParquetGroup & { readonly image: string };
}

/** Rows that are stored together. */
export interface ParquetGroup {
  readonly start: number;
  readonly end: number;
  /** Unpacked. */
  readonly bytes: number;
}

export interface ParquetLabels {
  readonly image: string;
  readonly label: string;
  /** Of the label's numbers, where the metadata has them. */
  readonly names?: readonly string[];
  readonly groups: readonly ParquetGroup[];
  /** Of every row: a string, a number, a bigint, or what is no label. */
  readonly labels: readonly unknown[];
}

/** The bytes of each row's picture; undefined where it has none. */
export type ParquetPictures = readonly (Uint8Array | undefined)[];

/** Answers requests. A request for labels is answered with labels, one for a group with pictures. */
export type DecodeParquet = (request: ParquetRequest) => Promise<ParquetLabels | ParquetPictures>;

const IMAGE_COLUMNS = ["image", "img", "picture", "pixels", "photo"];
const LABEL_COLUMNS = ["label", "labels", "fine_label", "class", "category", "target", "cls"];

/**
 * Decodes in this thread.
 *
 * @throws FormatError when it is no Parquet file, is damaged, or has no column of pictures or labels
 */
export async function decodeParquet(
  files: Pick<DataFiles, "read" | "readRange" | "stat">,
  { path, group, isUnlabelled }: ParquetRequest,
): Promise<ParquetLabels | ParquetPictures> {
  return withParquet(files, path, async (file, metadata) => {
    if (group !== undefined) return readPictures(file, metadata, group);
    if (isUnlabelled !== true) return readLabels(file, metadata, path);
    const { image } = findColumns(metadata, path, false);
    return { image, label: "", groups: rowGroups(metadata), labels: [] };
  });
}

async function readLabels(file: AsyncBuffer, metadata: FileMetaData, path: string): Promise<ParquetLabels> {
  const columns = findColumns(metadata, path);
  const rows = await parquetReadObjects({ file, metadata, columns: [columns.label], compressors });
  return { ...columns, groups: rowGroups(metadata), labels: rows.map((row) => plain(row[columns.label])) };
}

/** What is no label is only ever described: nested values need not travel. */
const plain = (value: unknown): unknown => (typeof value === "object" && value !== null ? {} : value);

async function readPictures(
  file: AsyncBuffer,
  metadata: FileMetaData,
  { image, start, end }: ParquetGroup & { readonly image: string },
): Promise<ParquetPictures> {
  const options = { file, metadata, columns: [image], rowStart: start, rowEnd: end, utf8: false, compressors };
  const rows = await parquetReadObjects(options);
  return rows.map((row) => {
    const value = field(row, image);
    const bytes = value instanceof Uint8Array ? value : field(value, "bytes");
    return bytes instanceof Uint8Array && bytes.length > 0 ? bytes : undefined;
  });
}

function rowGroups(metadata: FileMetaData): ParquetGroup[] {
  let start = 0;
  return metadata.row_groups.map((group) => {
    const end = start + Number(group.num_rows);
    const found = { start, end, bytes: Number(group.total_byte_size) };
    start = end;
    return found;
  });
}

const field = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;

function findColumns(
  metadata: FileMetaData,
  path: string,
  needsLabel = true,
): Pick<ParquetLabels, "image" | "label" | "names"> {
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
  const found = ofType("ClassLabel") ?? LABEL_COLUMNS.find((name) => present.includes(name));
  const label = needsLabel ? found : (found ?? "");
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
  return { image, label, ...(areNames && new Set(names).size === names.length ? { names } : {}) };
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
