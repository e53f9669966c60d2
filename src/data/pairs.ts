// Pairs of pictures that show the same or not, for verification: a list with the columns first, second, same and perhaps fold (CSV or JSON lines),
// or the pairs.txt of Labeled Faces in the Wild (Huang et al., 2007), whose names and numbers are files beside it.
import { FormatError } from "../errors.ts";
import { baseName, extensionOf } from "../image/picture-files.ts";
import { decodeText } from "../text-file.ts";
import { plainText } from "./annotated/json-values.ts";
import type { DataProblem } from "./dataset.ts";
import type { DataFiles } from "./files.ts";
import {
  besideList,
  isListName,
  type ListColumns,
  type ListRow,
  MAX_LIST_BYTES,
  noneUsable,
  readListRows,
} from "./list-rows.ts";

export interface Pair {
  /** Paths of its pictures. */
  readonly first: string;
  readonly second: string;
  /** Whether both show the same: the same face, the same class. */
  readonly isSame: boolean;
  /** The part of the list that it belongs to, for cross-validation; undefined where the list says nothing of parts. */
  readonly fold?: string;
}

export interface PairList {
  readonly pairs: readonly Pair[];
  /** Rows that cannot be used. */
  readonly problems: readonly DataProblem[];
  /** What a person must know of how it was read. */
  readonly notes: readonly string[];
}

type Key = "first" | "second" | "same" | "fold";

const COLUMNS: ListColumns<Key> = {
  names: {
    first: ["first", "a", "path_a", "path1", "image_a", "image1"],
    second: ["second", "b", "path_b", "path2", "image_b", "image2"],
    same: ["same", "is_same", "match", "label"],
    fold: ["fold"],
  },
  required: ["first", "second", "same"],
};

type Row = ListRow<Key>["values"];

/**
 * Reads a list of pairs. Paths in it are relative to the list.
 *
 * @throws NotFoundError, LimitError; FormatError for a list of another kind, without the columns, or of which nothing can be used
 */
export async function readPairs(files: DataFiles, path: string): Promise<PairList> {
  const resolve = besideList(files, path);
  if (extensionOf(path) === "txt") {
    const bytes = await files.read(path, { maxBytes: MAX_LIST_BYTES });
    return readLfwPairs(decodeText(bytes, baseName(path)), baseName(path), resolve, files);
  }
  if (!isListName(path))
    throw new FormatError("list of pairs", `${path} is no list`, {
      hint: "pairs are a .csv or .jsonl with first, second and same, or the pairs.txt of LFW",
    });
  return parsePairs(await files.read(path, { maxBytes: MAX_LIST_BYTES }), path, resolve);
}

/** The same of a CSV or of JSON lines in memory. `resolve` makes a row's path one that can be opened. */
export function parsePairs(bytes: Uint8Array, path: string, resolve: (path: string) => string): PairList {
  const name = baseName(path);
  const problems: DataProblem[] = [];
  const pairs: Pair[] = [];
  for (const { line, values } of readListRows(bytes, path, COLUMNS, problems)) {
    const pair = pairOf(values, resolve);
    if (typeof pair === "string") problems.push({ name: `${name}:${line}`, reason: pair });
    else pairs.push(pair);
  }
  return required({ pairs, problems, notes: [] }, name);
}

function required(found: PairList, name: string): PairList {
  if (found.pairs.length > 0) return found;
  throw noneUsable("pair", name, found.problems);
}

/** A row's pair, or what is wrong with it. */
function pairOf({ first, second, same, fold }: Row, resolve: (path: string) => string): Pair | string {
  for (const [key, value] of Object.entries({ first, second })) {
    if (typeof value !== "string" || value === "") return `it has no ${key} picture`;
    if (value.includes("\0")) return `its ${key} picture's path has a NUL character`;
  }
  const isSame = truthOf(same);
  if (isSame === undefined) return `its "same" is ${JSON.stringify(same ?? "")}, and neither 1 nor 0`;
  return {
    first: resolve(String(first)),
    second: resolve(String(second)),
    isSame,
    ...(fold === undefined || fold === null || fold === "" ? {} : { fold: plainText(fold) }),
  };
}

const SAME = ["1", "true", "yes", "same"];
const OTHER = ["0", "false", "no", "different", "other", "-1"];

function truthOf(value: unknown): boolean | undefined {
  const word = plainText(value).trim().toLowerCase();
  return SAME.includes(word) ? true : OTHER.includes(word) ? false : undefined;
}

/** Files of LFW, and of its aligned copies. */
const LFW_EXTENSIONS = ["jpg", "png", "bmp"] as const;

/** First line: folds and pairs of each kind in a fold. Then "name 1 2" for the same person, "name 1 other 2" for two. */
async function readLfwPairs(
  text: string,
  name: string,
  resolve: (path: string) => string,
  files: DataFiles,
): Promise<PairList> {
  const [header = "", ...rows] = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const sizes = header.trim().split(/\s+/).map(Number);
  const [folds, ofEachKind] = sizes.length === 1 ? [1, sizes[0]!] : [sizes[0]!, sizes[1]!];
  if (sizes.length > 2 || !sizes.every((size) => Number.isInteger(size) && size > 0))
    throw new FormatError("list of pairs", `${name} begins with "${header.slice(0, 40)}" instead of two counts`, {
      hint: "LFW's pairs.txt begins with how many parts it has, and how many pairs of each kind: 10 300; other lists are .csv or .jsonl",
    });
  const problems: DataProblem[] = [];
  const wanted = folds * 2 * ofEachKind;
  const parts = folds === 1 ? "" : `${folds} parts of `;
  const what = folds === 1 ? "all of them are read" : "parts are counted by what it says";
  const misfit = `${name} says ${parts}${ofEachKind} pairs of each kind, ${wanted} in all, and ${rows.length} follow: ${what}`;
  const found: (Omit<Pair, "first" | "second"> & { readonly names: readonly [string, string] })[] = [];
  for (const [i, row] of rows.entries()) {
    const names = lfwNames(row);
    if (names === undefined) problems.push({ name: `${name}:${i + 2}`, reason: "it is no pair of names and numbers" });
    else found.push({ ...names, ...(folds === 1 ? {} : { fold: String(Math.floor(i / (2 * ofEachKind))) }) });
  }
  const [one] = found;
  const extension = one === undefined ? "jpg" : await extensionThere(one.names[0], resolve, files);
  const pairs = found.map(({ names: [first, second], ...pair }) => ({
    ...pair,
    first: resolve(`${first}.${extension}`),
    second: resolve(`${second}.${extension}`),
  }));
  return required({ pairs, problems, notes: rows.length === wanted ? [] : [misfit] }, name);
}

function lfwNames(row: string): { names: readonly [string, string]; isSame: boolean } | undefined {
  const words = row.trim().split(/\s+/);
  const picture = (person: string, number: string) => `${person}/${person}_${number.padStart(4, "0")}`;
  const isNumber = (word: string | undefined) => word !== undefined && /^\d{1,4}$/.test(word);
  const [person, first, third, last] = words as [string, string, string, string];
  if (words.length === 3 && isNumber(first) && isNumber(third))
    return { names: [picture(person, first), picture(person, third)], isSame: true };
  if (words.length === 4 && isNumber(first) && isNumber(last))
    return { names: [picture(person, first), picture(third, last)], isSame: false };
  return undefined;
}

async function extensionThere(picture: string, resolve: (path: string) => string, files: DataFiles): Promise<string> {
  for (const extension of LFW_EXTENSIONS)
    if ((await files.stat(resolve(`${picture}.${extension}`))) !== undefined) return extension;
  return LFW_EXTENSIONS[0];
}
