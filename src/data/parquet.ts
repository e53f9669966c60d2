// Parquet files with picture bytes, as the Hugging Face hub has them: a column `image` of {bytes, path}, a column `label` of numbers whose
// names are in the file's metadata under "huggingface". Pictures are read a row group at a time; some groups are kept.
import { FormatError } from "../errors.ts";
import { baseName } from "../image/picture-files.ts";
import type { DataProblem } from "./dataset.ts";
import type { DataFiles } from "./files.ts";
import { type DecodeParquet, decodeParquet, type ParquetLabels, type ParquetPictures } from "./parquet-decode.ts";
import type { Sample, SamplePart } from "./samples.ts";

/** Row groups of all files of a data set together; beyond it, those not used for longest are dropped and read again. */
const KEPT_BYTES = 512 * 2 ** 20;

interface KeptGroup {
  readonly rows: Promise<ParquetPictures>;
  readonly bytes: number;
}

/** Row groups that were read lately. */
export class RowGroupCache {
  readonly #groups = new Map<string, KeptGroup>();
  #bytes = 0;

  get(key: string, bytes: number, read: () => Promise<ParquetPictures>): Promise<ParquetPictures> {
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
  #begin(key: string, bytes: number, read: () => Promise<ParquetPictures>): KeptGroup {
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
  const decode: DecodeParquet = files.decodeParquet ?? ((request) => decodeParquet(files, request));
  const table = (await decode({ path })) as ParquetLabels;
  const { names, image, label: column, groups } = table;
  const problems: DataProblem[] = [];
  const samples: Sample[] = [];
  const readPicture = async (index: number) => {
    const group = groups.find(({ end }) => index < end)!;
    const read = async () => (await decode({ path, group: { ...group, image } })) as ParquetPictures;
    const bytes = (await cache.get(`${path}#${group.start}`, group.bytes, read))[index - group.start];
    if (bytes === undefined)
      throw new FormatError("Parquet", `row ${index} of ${baseName(path)} has no picture bytes in "${image}"`);
    return { kind: "encoded", bytes: bytes.slice() } as const;
  };
  for (const [index, value] of table.labels.entries()) {
    const name = `${path}#${index}`;
    const label = readLabel(value, names);
    if (label === undefined) problems.push({ name, reason: `its ${column} is ${describeValue(value)}` });
    else samples.push({ name, label, picture: () => readPicture(index) });
  }
  return { samples, problems, ...(names === undefined ? {} : { labels: names }) };
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

/** The pictures of a file, whatever else it holds. */
export interface ParquetPicturesFile {
  readonly rows: number;
  /** The bytes of a row's picture. Throws FormatError where it has none. */
  read(row: number): Promise<Uint8Array>;
}

/** Opens a file for its pictures alone. Throws FormatError when it is no Parquet file or has no column of pictures. */
export async function openParquetPictures(
  files: DataFiles,
  path: string,
  cache = new RowGroupCache(),
): Promise<ParquetPicturesFile> {
  const decode: DecodeParquet = files.decodeParquet ?? ((request) => decodeParquet(files, request));
  const { image, groups } = (await decode({ path, isUnlabelled: true })) as ParquetLabels;
  return {
    rows: groups.at(-1)?.end ?? 0,
    async read(row) {
      const group = groups.find(({ end }) => row < end);
      if (group === undefined) throw new FormatError("Parquet", `${baseName(path)} has no row ${row}`);
      const read = async () => (await decode({ path, group: { ...group, image } })) as ParquetPictures;
      const bytes = (await cache.get(`${path}#${group.start}`, group.bytes, read))[row - group.start];
      if (bytes === undefined)
        throw new FormatError("Parquet", `row ${row} of ${baseName(path)} has no picture bytes in "${image}"`);
      return bytes.slice();
    },
  };
}
