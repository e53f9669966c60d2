// What every layout is read into before labels have numbers: samples with the names of their classes, and what had to be left out.
import { SaccadeError } from "../errors.ts";
import { LeftOut } from "../image/picture-files.ts";
import { decodeText } from "../text-file.ts";
import type { DataProblem, Dataset } from "./dataset.ts";
import { createDataset } from "./dataset.ts";
import type { DataFileEntry, DataFiles, PictureSource } from "./files.ts";
import { indexLabels, readLabelLines } from "./labels.ts";

/** What a data set is of. */
export type DataKind = "pictures" | "clips";

/** A labelled picture or video whose label is still a name. */
export interface Sample {
  readonly name: string;
  readonly label: string;
  /** Probabilities by label, where there is more than one. */
  readonly soft?: ReadonlyMap<string, number>;
  /** A function where the bytes are not worth keeping, or not to be had without work. */
  readonly picture: PictureSource | (() => PictureSource | Promise<PictureSource>);
}

/** One split as a layout's reader found it. */
export interface SamplePart {
  readonly samples: readonly Sample[];
  readonly problems: readonly DataProblem[];
  /** All labels in their official order, where the data says so. */
  readonly labels?: readonly string[];
  /** Files in its folders that are no pictures by their names. */
  readonly leftOut?: LeftOut;
  /** Class folders without a picture. */
  readonly emptyFolders?: readonly string[];
}

export const SPLITS = ["train", "validation", "test"] as const;
export type SplitName = (typeof SPLITS)[number];

export type Parts = { readonly [S in SplitName]?: SamplePart };

const SPLIT_WORDS: Readonly<Record<string, SplitName>> = {
  train: "train",
  training: "train",
  val: "validation",
  valid: "validation",
  validation: "validation",
  dev: "validation",
  test: "test",
  testing: "test",
};

/** The split that a folder's or a column's word means; undefined when it is none. */
export function splitFromWord(word: string): SplitName | undefined {
  const key = word.trim().toLowerCase();
  return Object.hasOwn(SPLIT_WORDS, key) ? SPLIT_WORDS[key] : undefined;
}

/** The split at the beginning of a file's name: "train-00000-of-00002.parquet", "val.csv". */
export function splitFromFileName(name: string): SplitName | undefined {
  return splitFromWord(/^[a-z]+/i.exec(name)?.[0] ?? "");
}

/** Numbers for labels, the same in all splits. */
export function buildDatasets(parts: Parts, origin: string, kind?: DataKind): { readonly [S in SplitName]?: Dataset } {
  const found = SPLITS.flatMap((split) => parts[split] ?? []);
  const labels =
    found.find((part) => part.labels !== undefined)?.labels ??
    indexLabels(
      found.flatMap(({ samples }) =>
        samples.flatMap(({ label, soft }) => (soft === undefined ? label : [...soft.keys()])),
      ),
    );
  const index = new Map(labels.map((label, i) => [label, i]));
  return Object.fromEntries(
    SPLITS.flatMap((split) => {
      const part = parts[split];
      return part === undefined ? [] : [[split, buildDataset(part, labels, index, origin, kind)]];
    }),
  );
}

function buildDataset(
  part: SamplePart,
  labels: readonly string[],
  index: ReadonlyMap<string, number>,
  origin: string,
  kind: DataKind = "pictures",
): Dataset {
  const known = part.samples.filter(({ label }) => index.has(label));
  const strangers = part.samples.filter(({ label }) => !index.has(label));
  return createDataset({
    labels,
    origin,
    kind,
    targets: Int32Array.from(known, ({ label }) => index.get(label)!),
    problems: [
      ...part.problems,
      ...strangers.map(({ name, label }) => ({
        name,
        reason: `its label "${label}" is not one of the ${labels.length} known`,
      })),
    ],
    name: (i) => known[i]!.name,
    picture(i) {
      const { picture } = known[i]!;
      return typeof picture === "function" ? picture() : picture;
    },
    softLabel(i) {
      const { soft } = known[i]!;
      if (soft === undefined) return undefined;
      const probabilities = new Float32Array(labels.length);
      for (const [label, probability] of soft) probabilities[index.get(label)!] = probability;
      return probabilities;
    },
  });
}

const LABEL_FILES = ["classes.txt", "labels.txt", "class_names.txt", "label_names.txt"];
const MAX_LABEL_BYTES = 16 * 2 ** 20;

/** Names for labels that are numbers, from a text file beside the data with one name a line. */
export async function findLabelNames(files: DataFiles, folder: string): Promise<readonly string[] | undefined> {
  for (const name of LABEL_FILES) {
    const path = folder === "" ? name : files.join(folder, name);
    const entry = await files.stat(path);
    if (entry === undefined || entry.isDirectory) continue;
    const lines = readLabelLines(decodeText(await files.read(path, { maxBytes: MAX_LABEL_BYTES }), path));
    if (lines.length > 0 && lines.every((line) => line !== "") && new Set(lines).size === lines.length) return lines;
  }
  return undefined;
}

/** Samples whose labels are all numbers below `names.length` get the names; others stay as they are. */
export function nameLabels(part: SamplePart, names: readonly string[] | undefined): SamplePart {
  if (names === undefined || part.labels !== undefined) return part;
  const isNumber = ({ label, soft }: Sample) =>
    soft === undefined && /^\d+$/.test(label) && Number(label) < names.length;
  if (!part.samples.every(isNumber)) return part;
  return {
    ...part,
    labels: names,
    samples: part.samples.map((sample) => ({ ...sample, label: names[Number(sample.label)]! })),
  };
}

/**
 * Several files of one split as one. A file that cannot be read is a problem, not a failure, unless none can.
 *
 * @throws what the first file's reader threw, when all of them failed
 */
export async function joinReadable(
  entries: readonly DataFileEntry[],
  read: (path: string) => Promise<SamplePart>,
): Promise<SamplePart> {
  const parts: SamplePart[] = [];
  const failures: { readonly error: SaccadeError; readonly path: string }[] = [];
  // One after the other: a reader may hold its whole file in memory for a moment.
  for (const { path } of entries)
    try {
      parts.push(await read(path));
    } catch (error) {
      if (!(error instanceof SaccadeError)) throw error;
      failures.push({ error, path });
    }
  if (parts.length === 0 && failures[0] !== undefined) throw failures[0].error;
  const problems = failures.map(({ error, path }) => ({ name: path, reason: error.message }));
  return joinParts([...parts, { samples: [], problems }]);
}

/** Several parts of one split as one. */
export function joinParts(parts: readonly SamplePart[]): SamplePart {
  const labels = parts.find((part) => part.labels !== undefined)?.labels;
  const leftOut = new LeftOut();
  for (const part of parts) if (part.leftOut !== undefined) leftOut.include(part.leftOut);
  return {
    samples: parts.flatMap((part) => part.samples),
    problems: parts.flatMap((part) => part.problems),
    leftOut,
    ...(labels === undefined ? {} : { labels }),
  };
}
