// Parquet files that nobody vouches for: opened with what they count checked, and read with every failure said as ours.
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync } from "hyparquet";
import { FormatError, SaccadeError } from "../errors.ts";
import { baseName } from "../image/picture-files.ts";
import type { DataFiles } from "./files.ts";

/**
 * What `read` makes of a file whose counts have been checked. hyparquet throws whatever goes wrong; here every failure says which file.
 *
 * @throws FormatError when it is no Parquet file or is damaged, and what `read` throws
 */
export async function withParquet<T>(
  files: Pick<DataFiles, "read" | "readRange" | "stat">,
  path: string,
  read: (file: AsyncBuffer, metadata: FileMetaData) => Promise<T>,
): Promise<T> {
  const file = await asyncBuffer(files, path);
  try {
    const metadata = await parquetMetadataAsync(file);
    checkCounts(metadata, file.byteLength, path);
    return await read(file, metadata);
  } catch (error) {
    if (error instanceof SaccadeError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new FormatError("Parquet", `${baseName(path)} cannot be read (${detail})`, { cause: error });
  }
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

async function asyncBuffer(files: Pick<DataFiles, "read" | "readRange" | "stat">, path: string): Promise<AsyncBuffer> {
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

function bufferOf(bytes: Uint8Array): AsyncBuffer {
  return { byteLength: bytes.length, slice: (start, end) => toArrayBuffer(bytes.subarray(start, end)) };
}

const toArrayBuffer = (bytes: Uint8Array): ArrayBuffer => {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
};
