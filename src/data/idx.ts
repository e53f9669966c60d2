// IDX, the files of MNIST and its relatives (http://yann.lecun.com/exdb/mnist/): "train-images-idx3-ubyte" beside
// "train-labels-idx1-ubyte", gzipped or not.
import { FormatError } from "../errors.ts";
import { gunzip } from "../gunzip.ts";
import { baseName } from "../image/picture-files.ts";
import type { DataProblem } from "./dataset.ts";
import { type DataFileEntry, type DataFiles, folderOf } from "./files.ts";
import {
  findLabelNames,
  joinReadable,
  nameLabels,
  type Parts,
  type Sample,
  type SamplePart,
  type SplitName,
  splitFromWord,
} from "./samples.ts";

const IMAGES = /^(.*?)(train|t10k|test|valid|val|validation)[-_.]images[-_.]idx[34][-_.]ubyte(\.gz)?$/i;
const UNSIGNED_BYTE = 8;
const MAX_FILE_BYTES = 4 * 2 ** 30;

/** An array of unsigned bytes. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Reads IDX files from a folder's entries; undefined when there are none. */
export async function readIdx(files: DataFiles, entries: readonly DataFileEntry[]): Promise<Parts | undefined> {
  const bySplit = new Map<SplitName, DataFileEntry[]>();
  for (const entry of entries) {
    const word = IMAGES.exec(baseName(entry.path))?.[2]?.toLowerCase();
    const split = word === "t10k" ? "test" : splitFromWord(word ?? "");
    if (split !== undefined) bySplit.set(split, [...(bySplit.get(split) ?? []), entry]);
  }
  const names = await findLabelNames(files, folderOf(entries[0]?.path ?? ""));
  const parts: { [split: string]: SamplePart } = {};
  for (const [split, found] of bySplit)
    parts[split] = await joinReadable(found, async (path) => {
      const mate = mateOf(path, entries);
      const [images, labels] = await Promise.all([readArray(files, path), readArray(files, mate)]);
      return nameLabels(pairIdx(images, labels, path, mate), names);
    });
  return bySplit.size === 0 ? undefined : parts;
}

function mateOf(path: string, entries: readonly DataFileEntry[]): string {
  const normal = (name: string) => name.toLowerCase().replace(/\.gz$/, "").replace(/[-_.]/g, "-");
  const wanted = normal(baseName(path))
    .replace("-images-", "-labels-")
    .replace(/-idx[34]-/, "-idx1-");
  const mate = entries.find((entry) => normal(baseName(entry.path)) === wanted);
  if (mate === undefined)
    throw new FormatError("IDX", `${baseName(path)} has pictures, but the file with their labels is missing`, {
      hint: `put ${wanted} beside it`,
      data: { images: path },
    });
  return mate.path;
}

async function readArray(files: DataFiles, path: string): Promise<IdxArray> {
  return parseIdx(gunzip(await files.read(path, { maxBytes: MAX_FILE_BYTES }), baseName(path)), baseName(path));
}

/**
 * Reads one array.
 *
 * @throws FormatError when it is no IDX file of unsigned bytes, or shorter than its header says
 */
export function parseIdx(bytes: Uint8Array, name: string): IdxArray {
  const rank = bytes[3] ?? 0;
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0 || rank < 1 || rank > 4)
    throw new FormatError("IDX", `${name} is not an IDX file: it begins with ${[...bytes.subarray(0, 4)].join(", ")}`);
  if (bytes[2] !== UNSIGNED_BYTE)
    throw new FormatError("IDX", `${name} has values of type ${bytes[2]}; only unsigned bytes (8) are read`);
  const header = 4 + 4 * rank;
  if (bytes.length < header) throw new FormatError("IDX", `${name} stops inside its header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const needed = shape.reduce((product, size) => product * size, 1);
  if (needed > bytes.length - header)
    throw new FormatError(
      "IDX",
      `${name} is cut off: [${shape.join(", ")}] needs ${needed} bytes, it has ${bytes.length - header}`,
      {
        hint: "download it again",
        data: { shape, needed, found: bytes.length - header },
      },
    );
  return { shape, data: bytes.subarray(header, header + needed) };
}

/** Pictures (N, height, width) or (N, height, width, 3) with their labels (N). */
export function pairIdx(images: IdxArray, labels: IdxArray, imagesPath: string, labelsPath: string): SamplePart {
  const [count = 0, height = 0, width = 0, channels = 1] = images.shape;
  if (images.shape.length < 3 || (channels !== 1 && channels !== 3) || height * width === 0)
    throw new FormatError(
      "IDX",
      `${baseName(imagesPath)} has shape [${images.shape.join(", ")}], which are not pictures`,
    );
  if (labels.shape.length !== 1)
    throw new FormatError(
      "IDX",
      `${baseName(labelsPath)} has shape [${labels.shape.join(", ")}], which are not labels`,
    );
  const problems: DataProblem[] = [];
  if (labels.data.length !== count)
    problems.push({
      name: labelsPath,
      reason: `it has ${labels.data.length} labels for ${count} pictures; the surplus is left out`,
    });
  const size = height * width * channels;
  const samples = Array.from(
    { length: Math.min(count, labels.data.length) },
    (_, i): Sample => ({
      name: `${imagesPath}#${i}`,
      label: String(labels.data[i]),
      picture: () => ({
        kind: "pixels",
        image: { width, height, data: toRgb(images.data.subarray(i * size, (i + 1) * size), channels) },
      }),
    }),
  );
  return { samples, problems };
}

function toRgb(pixels: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return pixels.slice();
  const data = new Uint8Array(pixels.length * 3);
  for (let i = 0, at = 0; i < pixels.length; i++, at += 3) data.fill(pixels[i]!, at, at + 3);
  return data;
}
