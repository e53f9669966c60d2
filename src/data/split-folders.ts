// Which folders of a data set are its splits: by their names, or because all of them hold the same class folders.
import { FormatError } from "../errors.ts";
import { baseName, extensionOf, isHidden, isPictureName } from "../image/picture-files.ts";
import { list } from "./dataset.ts";
import { type DataFileEntry, type DataFiles, mapLimited } from "./files.ts";
import { isListName } from "./list-rows.ts";
import { SPLITS, type SplitName, splitFromWord } from "./samples.ts";
import { isTarName } from "./webdataset.ts";

/** A folder that is a split, or part of one. */
export interface SplitFolder {
  readonly split: SplitName;
  /** Where its class folders or files are: an archive often has a folder of the same name around it. */
  readonly path: string;
}

export interface SplitFolders {
  /** Empty where no folder is a split. */
  readonly folders: readonly SplitFolder[];
  /** What a person must know of it. */
  readonly notes: readonly string[];
  /** Folders of splits whose pictures have no labels in them. */
  readonly unlabelled: readonly string[];
}

const NONE: SplitFolders = { folders: [], notes: [], unlabelled: [] };

/** A folder as it is looked at to tell splits from classes. */
interface Looked {
  readonly name: string;
  readonly path: string;
  /** What its folders are called: classes, if it is a split. */
  readonly inside: readonly string[];
  readonly hasPictures: boolean;
  /** Lists, Parquet files or archives. */
  readonly hasTables: boolean;
}

const PARALLEL = 8;
/** More folders than that are classes, whatever is in them. */
const MOST_SPLITS = 12;

/**
 * Tells splits from classes.
 *
 * @throws FormatError when folders hold the same classes, and the names of some say that they are splits, but not all say which
 */
export async function findSplitFolders(files: DataFiles, entries: readonly DataFileEntry[]): Promise<SplitFolders> {
  const folders = entries.filter((entry) => entry.isDirectory);
  const named = folders.filter((entry) => splitFromWord(baseName(entry.path)) !== undefined);
  const candidates = folders.length > MOST_SPLITS ? named : folders;
  if (named.length === 0 && candidates.length < 2) return NONE;
  const looked = await mapLimited(candidates, PARALLEL, (folder) => look(files, folder));
  const byName = looked.filter(({ name }) => splitFromWord(name) !== undefined);
  // Among class folders one may be called like a split (the vehicle "train" beside "tractor"): it holds pictures, where a split's folder holds
  // folders or files of another kind.
  if (byName.length > 0 && (byName.length === folders.length || !byName.every(({ hasPictures }) => hasPictures)))
    return assign(looked, byName);
  return looked.length < 2 ? NONE : byStructure(looked);
}

async function look(files: DataFiles, folder: DataFileEntry): Promise<Looked> {
  const entries = (await files.list(folder.path)).filter((entry) => !isHidden(entry));
  const inside = entries.filter((entry) => entry.isDirectory);
  const plain = entries.filter((entry) => !entry.isDirectory);
  const [only] = inside;
  // "seg_train/seg_train/CLASS"
  if (plain.length === 0 && inside.length === 1 && baseName(only!.path) === baseName(folder.path))
    return look(files, only!);
  return {
    name: baseName(folder.path),
    path: folder.path,
    inside: inside.map(({ path }) => baseName(path)),
    hasPictures: plain.some(({ path }) => isPictureName(path)),
    hasTables: plain.some(({ path }) => isListName(path) || isTarName(path) || extensionOf(path) === "parquet"),
  };
}

/** Folders of other names that hold the same classes may be splits too. */
function byStructure(looked: readonly Looked[]): SplitFolders {
  const largest = mostInside(looked);
  const alike = looked.filter((each) => holdsSameClasses(each, largest));
  const areNamed = new Set(looked.map(({ name }) => splitOf(name) ?? "")).size === looked.length;
  if (alike.some(({ name }) => splitOf(name) !== undefined) && (alike.length > 1 || areNamed))
    return assign(looked, alike.length > 1 ? alike : looked);
  if (alike.length < 2 && !(areNamed && looked.every(({ name }) => splitOf(name) !== undefined))) return NONE;
  const names = list((alike.length < 2 ? looked : alike).map(({ name }) => `${name}/`));
  return {
    ...NONE,
    notes: [`${names} are taken for classes; if they are splits, call them train, val and test`],
  };
}

function mostInside(looked: readonly Looked[]): Looked {
  return looked.reduce((most, each) => (each.inside.length > most.inside.length ? each : most));
}

function holdsSameClasses(folder: Looked, largest: Looked): boolean {
  if (folder.hasPictures || folder.inside.length < 2) return false;
  const theirs = new Set(largest.inside);
  return folder.inside.filter((name) => theirs.has(name)).length * 2 > folder.inside.length;
}

/** The folders that are splits, with a word on those whose names do not plainly say so, and on those that are not read. */
function assign(looked: readonly Looked[], chosen: readonly Looked[]): SplitFolders {
  const largest = mostInside(chosen);
  const members = looked.filter((each) => chosen.includes(each) || holdsSameClasses(each, largest));
  const splits = members.map((member) => ({ ...member, split: requireSplit(member, largest) }));
  requireOneEach(splits);
  const isUnlabelled = (each: Looked) => each.hasPictures && each.inside.length === 0 && !each.hasTables;
  const unlabelled = splits.filter(isUnlabelled).map(({ name }) => `${name}/`);
  const others = looked.filter((each) => !members.includes(each)).map(({ name }) => `${name}/`);
  const renamed = splits.filter((each) => splitFromWord(each.name) === undefined);
  const notes = [
    ...renamed.map(({ name, split }) => `${name}/ is taken for ${split}`),
    ...unlabelled.map((name) => `${name} is not used: its pictures have no labels`),
    ...(others.length === 0 ? [] : [`not read, beside the splits: ${list(others)}`]),
  ];
  return { folders: splits.filter((each) => !isUnlabelled(each)), notes, unlabelled };
}

function requireSplit({ name }: Looked, largest: Looked): SplitName {
  const split = splitOf(name);
  if (split === undefined)
    throw new FormatError(
      "data",
      `${name}/ holds the same classes as ${largest.name}/, but does not say which split it is`,
      { hint: "call the folders train, val and test, or move this one away", data: { folder: name } },
    );
  return split;
}

function requireOneEach(splits: readonly { readonly name: string; readonly split: SplitName }[]): void {
  for (const split of SPLITS) {
    const names = splits.filter((each) => each.split === split).map(({ name }) => name);
    if (names.length > 1)
      throw new FormatError("data", `there are two folders for ${split}: ${list(names)}`, {
        hint: "move one of them away, or put the pictures of both into one",
      });
  }
}

/** The one split that the words of a folder's name speak of: "seg_train", "training_set", "val2017". */
function splitOf(name: string): SplitName | undefined {
  const words = name.toLowerCase().split(/[^a-z]+/);
  const meant = new Set(words.flatMap((word) => splitFromWord(word) ?? splitFromWord(word.replace(/set$/, "")) ?? []));
  return meant.size === 1 ? [...meant][0] : undefined;
}
