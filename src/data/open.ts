// Opening data: looks at what is there, says what it took it for, and gives its splits. The one entrance for users.
import { FormatError, NotFoundError, UsageError } from "../errors.ts";
import { baseName, extensionOf, isHidden, isPictureName, LeftOut } from "../image/picture-files.ts";
import type { AnnotatedFound } from "./annotated/annotated-part.ts";
import type { FaultCount } from "./annotated/faults.ts";
import { buildAnnotated, faultNotes, findAnnotated, readAnnotatedFile } from "./annotated/open-annotated.ts";
import { readCifar } from "./cifar.ts";
import { type Dataset, list, splitDataset } from "./dataset.ts";
import type { DataFileEntry, DataFiles } from "./files.ts";
import { readClassFolders } from "./folder.ts";
import { readIdx } from "./idx.ts";
import { type ListOptions, readList } from "./list.ts";
import { isListName } from "./list-rows.ts";
import { RowGroupCache, readParquet } from "./parquet.ts";
import {
  buildDatasets,
  type DataKind,
  joinParts,
  joinReadable,
  type Parts,
  type SamplePart,
  SPLITS,
  type SplitName,
  splitFromFileName,
} from "./samples.ts";
import { findSplitFolders, type SplitFolders } from "./split-folders.ts";
import { unifyLabels } from "./split-labels.ts";
import { isTarName, readShards } from "./webdataset.ts";

export interface OpenDatasetOptions extends ListOptions {
  /**
   * Share of the training pictures that becomes the validation split, where the data has none of its own. Default: 0.1. A test split is never
   * taken for it.
   */
  readonly validationFraction?: number;
  /** Decides which pictures those are. Default 0. */
  readonly seed?: number;
}

/** Data that is open, by split. All splits number the same labels alike. */
export interface OpenedData {
  readonly train?: Dataset;
  readonly validation?: Dataset;
  readonly test?: Dataset;
  readonly labels: readonly string[];
  /** Class folders of the training pictures in which no file is a picture. They are not among the labels. */
  readonly emptyClasses: readonly string[];
  /** What it was taken for: "image folders", "CIFAR-10", … */
  readonly layout: string;
  /** What was found, in lines that a person can read: one per split, and the notes. */
  readonly summary: readonly string[];
  /** What is wrong with its annotations, by kind; of pictures with labels alone there is none of it. */
  readonly faults?: readonly FaultCount[];
  /** What a person must know of how the data was read: what was split off, what is no picture. */
  readonly notes: readonly string[];
}

interface Found {
  readonly layout: string;
  readonly parts: Parts;
  readonly notes?: readonly string[];
  /** Where pictures have boxes, outlines or masks: that, in place of `parts`. */
  readonly annotated?: AnnotatedFound;
}

const annotatedFound = (annotated: AnnotatedFound): Found => ({ layout: annotated.layout, parts: {}, annotated });

const LAYOUTS =
  "image folders (train/CLASS/*.jpg with val or test, or CLASS/*.jpg), lists (path,label in CSV or JSON lines), " +
  "Parquet with picture bytes, tar shards (KEY.jpg with KEY.cls or KEY.json), CIFAR-10/100 binaries, IDX (MNIST); with boxes or outlines " +
  "COCO's JSON, Pascal VOC, YOLO's texts, LabelMe, or pictures with masks (images/, masks/, classes.txt)";

/**
 * Opens labelled pictures, whatever the layout. Reads names and labels; pixels are read later.
 *
 * @param path a folder, or a list, Parquet file or tar archive
 * @throws NotFoundError when nothing is there, FormatError when it is no layout that is understood (it says what was seen)
 * @example
 * const { train, validation, labels } = await openDataset(host.files, "flowers");
 * console.log(train.describe()); // "450 pictures of 5 classes from image folders"
 */
export async function openDataset(
  files: DataFiles,
  path: string,
  options: OpenDatasetOptions = {},
): Promise<OpenedData> {
  const entry = await files.stat(path);
  if (entry === undefined) throw new NotFoundError("data", path, "pass a folder of pictures, or a list of them");
  const found = entry.isDirectory ? await readFolder(files, path, options) : await readSingleFile(files, path, options);
  return finish(found, path, options);
}

function finish(
  { layout, parts: found, notes: readNotes = [], annotated }: Found,
  path: string,
  options: OpenDatasetOptions,
): OpenedData {
  const { validationFraction: fraction, seed = 0 } = options;
  if (fraction !== undefined && !(fraction >= 0 && fraction < 1))
    throw new UsageError(`a validation split of ${fraction} is not possible: it must be at least 0 and below 1`);
  const { parts, notes: labelNotes } = unifyLabels(found);
  const problems = annotated?.faults.leftOut ?? SPLITS.flatMap((split) => parts[split]?.problems ?? []);
  const sets =
    annotated === undefined ? buildDatasets(parts, `from ${layout}`, options.kind) : buildAnnotated(annotated);
  if (SPLITS.every((split) => (sets[split]?.length ?? 0) === 0))
    throw new FormatError("data", `${path} was taken for ${layout}, but has no picture that can be used`, {
      hint: problems[0] === undefined ? LAYOUTS : `${problems[0].name}: ${problems[0].reason}`,
      data: { layout, problems: problems.slice(0, 100) },
    });
  const share = fraction ?? 0.1;
  // A folder for a split may be there without a picture in it.
  const empty = SPLITS.filter((split) => sets[split]?.length === 0);
  const isWhole = (sets.validation?.length ?? 0) === 0 && sets.train !== undefined && share > 0;
  const divided = isWhole ? splitDataset(sets.train, share, { seed }) : undefined;
  // Classes of one picture each leave nothing to split off.
  const isSplit = divided !== undefined && divided[1].length > 0;
  const [train, validation] = isSplit ? divided : [sets.train, sets.validation];
  const all = { train, validation, test: sets.test };
  const labels = SPLITS.map((split) => all[split]?.labels).find((names) => names !== undefined) ?? [];
  const existing = SPLITS.flatMap((split): [SplitName, Dataset][] => {
    const dataset = all[split];
    return dataset === undefined ? [] : [[split, dataset]];
  });
  const leftOut = leftOutOf(parts);
  const notes = [
    ...readNotes,
    ...(annotated === undefined ? [] : faultNotes(annotated)),
    ...empty.map((split) => `${split} has no picture that can be used`),
    ...(isSplit ? [`validation was split off train: ${share} of every class, seed ${seed}`] : []),
    ...labelNotes,
    ...(train === undefined || annotated !== undefined ? [] : untrained(train)),
    ...(leftOut === "" ? [] : [`not ${options.kind === "clips" ? "videos" : "pictures"}: ${leftOut}`]),
  ];
  return {
    ...Object.fromEntries(existing),
    labels,
    ...(annotated === undefined ? {} : { faults: annotated.faults.counts }),
    emptyClasses: parts.train?.emptyFolders ?? [],
    layout,
    notes,
    summary: [
      `${path}: ${layout}`,
      ...existing.map(([split, dataset]) => `${split}: ${dataset.describe()}`),
      ...notes,
      ...(problems.length > 0 ? [`left out: ${problems.length} (${problems[0]!.name}: ${problems[0]!.reason})`] : []),
    ],
  };
}

function leftOutOf(parts: Parts): string {
  const all = new LeftOut();
  for (const split of SPLITS) all.include(parts[split]?.leftOut ?? new LeftOut());
  return all.describe();
}

function untrained(train: Dataset): string[] {
  const seen = new Set(train.targets);
  const missing = train.labels.filter((_, label) => !seen.has(label));
  return missing.length === 0 ? [] : [`without a training picture: ${list(missing)}`];
}

async function readSingleFile(files: DataFiles, path: string, options: OpenDatasetOptions): Promise<Found> {
  if (isListName(path)) return { layout: "a list", parts: await readList(files, path, options) };
  if (["json", "yaml", "yml"].includes(extensionOf(path))) return annotatedFound(await readAnnotatedFile(files, path));
  if (extensionOf(path) === "parquet") return { layout: "Parquet", parts: { train: await readParquet(files, path) } };
  if (isTarName(path)) {
    const shard = { path, isDirectory: false, size: 0 };
    return { layout: "tar shards", parts: { train: await readShards(files, [shard]) } };
  }
  throw new FormatError("data", `${baseName(path)} is a file of no kind that is understood`, {
    hint: `understood are ${LAYOUTS}`,
  });
}

async function readFolder(files: DataFiles, path: string, options: OpenDatasetOptions, depth = 0): Promise<Found> {
  const entries = (await files.list(path)).filter((entry) => !isHidden(entry));
  const annotated = options.kind === "clips" ? undefined : await findAnnotated(files, path, entries);
  if (annotated !== undefined) return annotatedFound(annotated);
  const splits = await findSplitFolders(files, entries);
  if (splits.folders.length > 0) return readSplitFolders(files, splits, options);
  const cifar = await readCifar(files, entries);
  if (cifar !== undefined) return { layout: cifar.title, parts: cifar.parts };
  const idx = await readIdx(files, entries);
  if (idx !== undefined) return { layout: "IDX", parts: idx };
  const flat = (await readSplitFiles(files, entries, options)) ?? undefined;
  if (flat !== undefined) return flat;
  if (splits.unlabelled.length > 0)
    throw new FormatError("data", `the pictures in ${list(splits.unlabelled)} have no labels`, {
      hint: "put them into a folder per class, or beside a list of them: path,label",
    });
  const folders = entries.filter((entry) => entry.isDirectory);
  // An archive that was unpacked often leaves one folder around the data ("cifar-10-batches-bin", "data").
  const inner = folders.length === 1 ? folders[0] : folders.find((entry) => baseName(entry.path) === "data");
  if (inner !== undefined && depth < 3 && !(await hasPictures(files, inner)))
    return readFolder(files, inner.path, options, depth + 1);
  if (folders.length > 0) {
    const train = await readClassFolders(files, folders, options.kind);
    if (train.samples.length > 0) return { layout: foldersOf(options.kind), parts: { train }, notes: splits.notes };
    await refuseClips(files, folders, path, options.kind);
  }
  if (!entries.some((entry) => entry.isDirectory) && entries.some((entry) => isPictureName(entry.path)))
    throw new FormatError("data", `the pictures in ${path} have no labels`, {
      hint: "put them into a folder per class, and name the folder that holds these; or name a list of them: path,label",
    });
  throw new FormatError("data", `${path} has no layout that is understood: it has ${describeEntries(entries)}`, {
    hint: entries.some((entry) => /^(data_batch_\d|train|test|test_batch)$/.test(baseName(entry.path)))
      ? "this looks like the Python version of CIFAR; the binary version is read"
      : `understood are ${LAYOUTS}`,
    data: { seen: entries.slice(0, 100).map((entry) => baseName(entry.path)) },
  });
}

const foldersOf = (kind: DataKind = "pictures") => (kind === "clips" ? "folders of clips" : "image folders");

/** @throws FormatError when there are videos where no picture is */
async function refuseClips(
  files: DataFiles,
  folders: readonly DataFileEntry[],
  path: string,
  kind: DataKind = "pictures",
): Promise<void> {
  if (kind === "clips") return;
  const { samples } = await readClassFolders(files, folders, "clips");
  if (samples.length > 0)
    throw new FormatError("data", `${path} holds videos and no pictures`, {
      hint: "models of videos learn from clips: saccade train CLIPS --recipe motion, or a recipe of your own with `clip`",
    });
}

async function hasPictures(files: DataFiles, folder: DataFileEntry): Promise<boolean> {
  return (await files.list(folder.path)).some((entry) => !entry.isDirectory && isPictureName(entry.path));
}

/** train/, val/, test/: each with class folders, or with Parquet files, shards or a list. */
async function readSplitFolders(
  files: DataFiles,
  { folders, notes }: Pick<SplitFolders, "folders" | "notes">,
  options: OpenDatasetOptions,
): Promise<Found> {
  const parts: { [split: string]: SamplePart } = {};
  const layouts = new Set<string>();
  for (const { split, path } of folders) {
    const entries = (await files.list(path)).filter((entry) => !isHidden(entry));
    const flat = await readSplitFiles(files, entries, options);
    parts[split] =
      flat === undefined ? await readClassFolders(files, entries, options.kind) : joinParts(Object.values(flat.parts));
    layouts.add(flat?.layout ?? foldersOf(options.kind));
    if (flat === undefined && parts[split]!.samples.length === 0) await refuseClips(files, entries, path, options.kind);
  }
  return { layout: [...layouts].join(" and "), parts, notes };
}

/** Parquet files, tar shards or lists lying in one folder, their split told by the beginning of their names. */
async function readSplitFiles(
  files: DataFiles,
  entries: readonly DataFileEntry[],
  options: OpenDatasetOptions,
): Promise<Found | undefined> {
  const kinds: readonly (readonly [
    layout: string,
    fits: (path: string) => boolean,
    read: (files: readonly DataFileEntry[]) => Promise<Parts>,
  ])[] = [
    ["Parquet", (path) => extensionOf(path) === "parquet", (found) => readParquetFiles(files, found)],
    ["tar shards", isTarName, async (found) => ({ train: await readShards(files, found) })],
    ["lists", isListName, (found) => readLists(files, found, options)],
  ];
  for (const [layout, fits, read] of kinds) {
    const found = entries.filter((entry) => !entry.isDirectory && fits(entry.path));
    if (found.length === 0) continue;
    const bySplit = new Map<SplitName, DataFileEntry[]>();
    for (const entry of found) {
      const split = splitFromFileName(baseName(entry.path)) ?? "train";
      bySplit.set(split, [...(bySplit.get(split) ?? []), entry]);
    }
    const parts: { [split: string]: SamplePart } = {};
    for (const [split, members] of bySplit) {
      const found = await read(members).catch((error: unknown) => {
        // A table that lies beside class folders may be about something else.
        if (layout === "lists" && error instanceof FormatError && entries.some((entry) => entry.isDirectory))
          return undefined;
        throw error;
      });
      if (found === undefined) return undefined;
      // A list that names its splits itself is believed, where its file's name says nothing.
      if (bySplit.size === 1 && split === "train") Object.assign(parts, found);
      else parts[split] = joinParts(Object.values(found));
    }
    return { layout, parts };
  }
  return undefined;
}

async function readParquetFiles(files: DataFiles, found: readonly DataFileEntry[]): Promise<Parts> {
  const cache = new RowGroupCache();
  return { train: await joinReadable(found, (path) => readParquet(files, path, cache)) };
}

async function readLists(files: DataFiles, found: readonly DataFileEntry[], options: ListOptions): Promise<Parts> {
  const read = await Promise.all(found.map(({ path }) => readList(files, path, options)));
  return Object.fromEntries(
    SPLITS.flatMap((split) => {
      const parts = read.flatMap((each) => each[split] ?? []);
      return parts.length === 0 ? [] : [[split, joinParts(parts)]];
    }),
  );
}

function describeEntries(entries: readonly DataFileEntry[]): string {
  if (entries.length === 0) return "nothing in it";
  const names = entries.map((entry) => `${baseName(entry.path)}${entry.isDirectory ? "/" : ""}`);
  return list(names, 6);
}
