// Finding out whether data is annotated, and in which format; and data sets made of what readers found.

import { boxArea } from "../../boxes/box.ts";
import { FormatError } from "../../errors.ts";
import { baseName, extensionOf, isHidden } from "../../image/picture-files.ts";
import type { PictureAnnotations } from "../annotations.ts";
import { createDataset, type Dataset } from "../dataset.ts";
import type { DataFileEntry, DataFiles } from "../files.ts";
import { SPLITS, type SplitName, splitFromWord } from "../samples.ts";
import type { AnnotatedFound, AnnotatedPart, AnnotatedSample } from "./annotated-part.ts";
import { isCoco, readCoco } from "./coco.ts";
import { isCocoPanoptic, readCocoPanoptic } from "./coco-panoptic.ts";
import { describeFault, Faults } from "./faults.ts";
import { readJson } from "./json-values.ts";
import { readLabelme } from "./labelme.ts";
import { readMasks } from "./masks.ts";
import { readVoc } from "./voc.ts";
import { isYamlName, readYolo, readYoloFile } from "./yolo.ts";

/**
 * Annotated pictures in a folder; undefined where it holds something else.
 *
 * @param entries of the folder, none of them hidden
 * @throws FormatError for annotations that cannot be understood
 */
export async function findAnnotated(
  files: DataFiles,
  path: string,
  entries: readonly DataFileEntry[],
): Promise<AnnotatedFound | undefined> {
  return (
    (await readVoc(files, entries)) ??
    (await readMasks(files, path, entries)) ??
    (await readYolo(files, path, entries)) ??
    (await findCoco(files, entries)) ??
    (await readLabelme(files, entries))
  );
}

/** The same of one file that is named: COCO's JSON, or YOLO's YAML. */
export async function readAnnotatedFile(files: DataFiles, path: string): Promise<AnnotatedFound> {
  if (isYamlName(path)) return readYoloFile(files, path);
  const json = await readJson(files, path);
  if (!isCoco(json))
    throw new FormatError("data", `${baseName(path)} is JSON of no kind that is understood`, {
      hint: "COCO's annotations have images, annotations and categories; of LabelMe's files name the folder",
    });
  const faults = new Faults();
  const isPanoptic = isCocoPanoptic(json);
  const part = await (isPanoptic ? readCocoPanoptic : readCoco)(files, path, json, faults);
  return {
    layout: isPanoptic ? PANOPTIC : "COCO annotations",
    parts: { [splitOf(path) ?? "train"]: part },
    faults,
    notes: part.notes ?? [],
  };
}

/** "instances_val2017.json", "train/_annotations.coco.json", "val.json" */
function splitOf(path: string): SplitName | undefined {
  const parts = path.split(/[/\\]/).slice(-2).reverse();
  for (const part of parts)
    for (const word of part.split(/[^a-z]+/i)) {
      const split = splitFromWord(word);
      if (split !== undefined) return split;
    }
  return undefined;
}

const isJson = ({ path, isDirectory }: DataFileEntry) =>
  !isDirectory && extensionOf(path) === "json" && !isHidden({ path });

const PANOPTIC = "COCO panoptic annotations";

/** Files in COCO's folder that are about other things than boxes and outlines of things. */
const OTHER_COCO = /^(captions|person_keypoints|stuff|image_info)_/i;
const PANOPTIC_NAME = /^panoptic_/i;

/** Names that only COCO's files have: where such a one is broken, the data is not of another layout. */
const COCO_NAME = /^(instances|panoptic)_|coco/i;

/** Of many files, LabelMe writes one a picture; COCO's are few. */
const MOST_COCO_FILES = 12;

/** JSON files beside the pictures, in a folder called annotations, or in the folders of splits. */
async function findCoco(files: DataFiles, entries: readonly DataFileEntry[]): Promise<AnnotatedFound | undefined> {
  const folders = entries.filter(
    ({ path, isDirectory }) => isDirectory && (/^annotations?$/i.test(baseName(path)) || splitFromWord(baseName(path))),
  );
  const inside = await Promise.all(folders.map(({ path }) => files.list(path)));
  const candidates = [entries, ...inside].flatMap((some) => {
    const found = some.filter(isJson);
    return found.length > MOST_COCO_FILES ? [] : found;
  });
  const faults = new Faults();
  const parts: { [S in SplitName]?: AnnotatedPart } = {};
  const notes: string[] = [];
  const isAboutThings = candidates.some(
    ({ path }) => COCO_NAME.test(baseName(path)) && !PANOPTIC_NAME.test(baseName(path)),
  );
  let layout = "COCO annotations";
  for (const { path } of candidates) {
    if (isAboutThings && PANOPTIC_NAME.test(baseName(path))) {
      notes.push(
        `${baseName(path)} was not read, because there are boxes and outlines of things: name it alone to read it`,
      );
      continue;
    }
    if (OTHER_COCO.test(baseName(path))) {
      notes.push(`${baseName(path)} was not read: it is about something else than boxes and outlines of things`);
      continue;
    }
    const json = await readJson(files, path).catch((error: unknown) => {
      if (!(error instanceof FormatError) || COCO_NAME.test(baseName(path))) throw error;
      return undefined;
    });
    if (!isCoco(json)) continue;
    const isPanoptic = isCocoPanoptic(json);
    if (isPanoptic) layout = PANOPTIC;
    const part = await (isPanoptic ? readCocoPanoptic : readCoco)(files, path, json, faults);
    const split = splitOf(path) ?? "train";
    parts[split] = parts[split] === undefined ? part : join(parts[split], part);
    notes.push(...(part.notes ?? []));
  }
  return Object.keys(parts).length === 0 ? undefined : { layout, parts, faults, notes };
}

const join = (a: AnnotatedPart, b: AnnotatedPart): AnnotatedPart => ({
  labels: [...new Set([...a.labels, ...b.labels])],
  samples: [...a.samples, ...b.samples],
  ...(a.stuff === undefined && b.stuff === undefined ? {} : { stuff: [...(a.stuff ?? []), ...(b.stuff ?? [])] }),
});

/** Data sets of annotated pictures, a split each. All number the same classes alike. */
export function buildAnnotated({ parts, layout, faults }: AnnotatedFound): { readonly [S in SplitName]?: Dataset } {
  const labels = [...new Set(SPLITS.flatMap((split) => parts[split]?.labels ?? []))];
  const index = new Map(labels.map((label, i) => [label, i]));
  const stuff = SPLITS.flatMap((split) => parts[split]?.stuff ?? []);
  const things = SPLITS.some((split) => parts[split]?.stuff !== undefined)
    ? [...labels.keys()].filter((i) => !stuff.includes(labels[i]!))
    : undefined;
  const first = SPLITS.find((split) => parts[split] !== undefined);
  return Object.fromEntries(
    SPLITS.flatMap((split) => {
      const part = parts[split];
      if (part === undefined) return [];
      const all = part.samples.map((sample) => annotationsOf(sample, index));
      const dataset = createDataset({
        labels,
        targets: Int32Array.from(all, largestLabel),
        name: (i) => part.samples[i]!.name,
        picture: (i) => part.samples[i]!.picture,
        annotations: (i) => all[i]!,
        ...(things === undefined ? {} : { things }),
        origin: `from ${layout}`,
        problems: split === first ? faults.leftOut : [],
      });
      return [[split, dataset]];
    }),
  );
}

function annotationsOf(
  { size, unit, objects, semantic, segments }: AnnotatedSample,
  index: ReadonlyMap<string, number>,
): PictureAnnotations {
  return {
    ...(size === undefined ? {} : { size }),
    unit,
    objects: objects.map((object) => ({ ...object, label: index.get(object.label)! })),
    ...(semantic === undefined ? {} : { semantic }),
    ...(segments === undefined ? {} : { segments }),
  };
}

/** The first class where nothing is. */
function largestLabel({ objects }: PictureAnnotations): number {
  const [largest] = [...objects].sort((a, b) => boxArea(b.box) - boxArea(a.box));
  return largest?.label ?? 0;
}

/** Lines for a person: what was wrong with the annotations. */
export function faultNotes({ faults, notes }: AnnotatedFound): readonly string[] {
  return [...notes, ...faults.counts.map(describeFault)];
}
