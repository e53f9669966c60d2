// YOLO's annotations: a text file beside each picture (images/…/NAME.jpg, labels/…/NAME.txt), one thing a line: its class and centre, width and height as shares of
// the picture, or its class and the corners of an outline. data.yaml names the classes and the splits, or classes.txt names the classes.
import { parse } from "yaml";
import { FormatError, SaccadeError } from "../../errors.ts";
import { baseName, extensionOf } from "../../image/picture-files.ts";
import { decodeText } from "../../text-file.ts";
import { list } from "../dataset.ts";
import { type DataFileEntry, type DataFiles, folderOf, mapLimited } from "../files.ts";
import { findLabelNames, type SplitName, splitFromWord } from "../samples.ts";
import type { AnnotatedFound, AnnotatedPart, AnnotatedSample, NamedObject } from "./annotated-part.ts";
import { checkObject } from "./check-object.ts";
import { leadsAway } from "./coco.ts";
import { Faults } from "./faults.ts";
import { isObject, textOf } from "./json-values.ts";
import { folderNamed, hasExtension, isPicture, picturesByStem, stemOf } from "./picture-folders.ts";

const MAX_BYTES = 2 ** 24;
const PARALLEL = 8;

/** Pictures of a split and the texts about them. */
interface Pair {
  readonly split: SplitName;
  readonly pictures: string;
  readonly texts: string;
}

/** undefined where the folder has no such layout. @throws FormatError for a data.yaml that cannot be understood, or classes that nobody names */
export async function readYolo(
  files: DataFiles,
  path: string,
  entries: readonly DataFileEntry[],
): Promise<AnnotatedFound | undefined> {
  const yaml = entries
    .filter(hasExtension("yaml", "yml"))
    .find(({ path: each }) => /^(data|dataset)\.ya?ml$/i.test(baseName(each)));
  const pairs = await findPairs(files, entries);
  if (pairs.length === 0) return undefined;
  const labels = yaml === undefined ? await findLabelNames(files, path) : (await readYaml(files, yaml.path)).labels;
  if (labels === undefined)
    throw new FormatError("YOLO", `${path} has labels by number, and nothing says what the numbers mean`, {
      hint: "write data.yaml with names, or classes.txt: one name a line, the first for the number 0",
    });
  return readPairs(files, pairs, labels);
}

/** The same from a YAML file that is named. */
export async function readYoloFile(files: DataFiles, path: string): Promise<AnnotatedFound> {
  const { labels, root, splits } = await readYaml(files, path);
  const here = folderOf(path) || ".";
  const base = root === undefined ? here : files.join(here, root);
  const pairs: Pair[] = [];
  for (const [split, named] of splits)
    for (const folder of [files.join(base, ...named.split("/")), files.join(here, ...named.split("/"))]) {
      if ((await files.stat(folder))?.isDirectory !== true) continue;
      const inside = folderNamed(await files.list(folder), "images") ?? folder;
      pairs.push({ split, pictures: inside, texts: textsOf(inside) });
      break;
    }
  if (pairs.length === 0)
    throw new FormatError("YOLO", `the folders of pictures that ${baseName(path)} names are not there`, {
      hint: `they were looked for below ${base}: ${list(splits.map(([, folder]) => folder))}`,
    });
  return readPairs(files, pairs, labels);
}

/** images/train -> labels/train */
const textsOf = (pictures: string): string => pictures.replace(/(^|.*[/\\])images(?=$|[/\\])/i, "$1labels");

async function readYaml(files: DataFiles, path: string) {
  const name = baseName(path);
  const text = decodeText(await files.read(path, { maxBytes: MAX_BYTES }), path);
  let json: unknown;
  try {
    json = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new FormatError("YAML", `${name}: ${error instanceof Error ? error.message.split("\n")[0] : error}`, {
      cause: error,
    });
  }
  if (!isObject(json)) throw new FormatError("YOLO", `${name} holds no fields`);
  const { names } = json;
  const listed = Array.isArray(names) ? (names as unknown[]) : isObject(names) ? Object.values(names) : [];
  const labels = listed.map(String);
  if (labels.length === 0)
    throw new FormatError("YOLO", `${name} names no classes`, { hint: "it is written names: [cat, dog]" });
  if (isObject(names) && Object.keys(names).some((key, i) => Number(key) !== i))
    throw new FormatError("YOLO", `${name}: the numbers of the classes have holes: ${list(Object.keys(names))}`, {
      hint: "name every number from 0 on, those without pictures too",
    });
  const root = textOf(json.path);
  if (root !== undefined && leadsAway(root)) return { labels, root: undefined, splits: splitsOf(json) };
  return { labels, root, splits: splitsOf(json) };
}

function splitsOf(json: Readonly<Record<string, unknown>>): readonly (readonly [SplitName, string])[] {
  return Object.entries(json).flatMap(([key, value]) => {
    const split = splitFromWord(key);
    const folder = textOf(value)
      ?.replaceAll("\\", "/")
      .replace(/^(\.\.?\/)+/, "");
    return split === undefined || folder === undefined || leadsAway(folder) ? [] : [[split, folder] as const];
  });
}

async function findPairs(files: DataFiles, entries: readonly DataFileEntry[]): Promise<readonly Pair[]> {
  const here = await pairsIn(files, entries, undefined);
  if (here.length > 0) return here;
  const splits = entries.filter(({ path, isDirectory }) => isDirectory && splitFromWord(baseName(path)) !== undefined);
  const inside = await mapLimited(splits, PARALLEL, async ({ path }) =>
    pairsIn(files, await files.list(path), splitFromWord(baseName(path))),
  );
  return inside.flat();
}

/** images/ and labels/ among these, with splits in them or not. */
async function pairsIn(
  files: DataFiles,
  entries: readonly DataFileEntry[],
  split: SplitName | undefined,
): Promise<readonly Pair[]> {
  const [pictures, texts] = [folderNamed(entries, "images"), folderNamed(entries, "labels")];
  if (pictures === undefined || texts === undefined) return [];
  const [inPictures, inTexts] = [await files.list(pictures), await files.list(texts)];
  if (inTexts.some(hasExtension("txt")) && inPictures.some(isPicture))
    return [{ split: split ?? "train", pictures, texts }];
  return inPictures.flatMap(({ path, isDirectory }): Pair[] => {
    const own = splitFromWord(baseName(path));
    const twin = folderNamed(inTexts, baseName(path));
    return !isDirectory || own === undefined || twin === undefined ? [] : [{ split: own, pictures: path, texts: twin }];
  });
}

async function readPairs(files: DataFiles, pairs: readonly Pair[], labels: readonly string[]): Promise<AnnotatedFound> {
  const faults = new Faults();
  const parts: { [S in SplitName]?: AnnotatedPart } = {};
  for (const pair of pairs) {
    const samples = await readPair(files, pair, labels, faults);
    parts[pair.split] = { labels, samples: [...(parts[pair.split]?.samples ?? []), ...samples] };
  }
  return { layout: "YOLO annotations", parts, faults, notes: [] };
}

async function readPair(
  files: DataFiles,
  { pictures, texts }: Pair,
  labels: readonly string[],
  faults: Faults,
): Promise<readonly AnnotatedSample[]> {
  const byStem = await picturesByStem(files, pictures);
  const inTexts = (await files.stat(texts))?.isDirectory === true ? await files.list(texts) : [];
  const about = new Map(inTexts.filter(hasExtension("txt")).map(({ path }) => [stemOf(path), path]));
  for (const [stem, path] of about)
    if (!byStem.has(stem) && stem !== "classes")
      faults.add("unknown_picture", path, `there is no picture ${stem} in ${pictures}`);
  const read = await mapLimited(
    [...byStem],
    PARALLEL,
    async ([stem, picture]): Promise<AnnotatedSample | undefined> => {
      const path = about.get(stem);
      const sample = { name: picture, picture: { kind: "file", path: picture }, unit: "shares" } as const;
      if (path === undefined) {
        faults.add("unannotated", picture);
        return { ...sample, objects: [] };
      }
      try {
        const text = decodeText(await files.read(path, { maxBytes: MAX_BYTES }), path);
        const objects = readLines(text, path, labels, faults);
        if (objects.length === 0 && text.trim() === "") faults.add("unannotated", picture);
        return { ...sample, objects };
      } catch (error) {
        if (!(error instanceof SaccadeError)) throw error;
        faults.add("unreadable", path, error.message);
        return undefined;
      }
    },
  );
  return read.filter((sample) => sample !== undefined);
}

function readLines(text: string, path: string, labels: readonly string[], faults: Faults): NamedObject[] {
  return text.split(/\r?\n/).flatMap((line, i): NamedObject[] => {
    if (line.trim() === "") return [];
    const where = `${baseName(path)}:${i + 1}`;
    const [number, ...rest] = line.trim().split(/\s+/).map(Number);
    const label = labels[number!];
    if (label === undefined) {
      faults.add("unknown_class", where, `there is no class ${line.trim().split(/\s+/)[0]} among ${labels.length}`);
      return [];
    }
    // Five numbers are a box, six one with how sure a model was of it; more are an outline's corners.
    const isBox = rest.length === 4 || rest.length === 5;
    const [cx, cy, width, height] = rest;
    const stated = isBox
      ? { label, box: [cx! - width! / 2, cy! - height! / 2, cx! + width! / 2, cy! + height! / 2] }
      : { label, polygons: [rest] };
    const object = checkObject(stated, "shares", { width: 1, height: 1 }, where, faults);
    return object === undefined ? [] : [object];
  });
}

export const isYamlName = (path: string): boolean => ["yaml", "yml"].includes(extensionOf(path));
