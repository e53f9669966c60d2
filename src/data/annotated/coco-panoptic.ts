// COCO's panoptic annotations (cocodataset.org, "Data format", panoptic segmentation): one JSON file a split, and for each picture a PNG whose colours are the ids of segments,
// red + 256 green + 65536 blue; 0 is of none. Things and stuff, no pixel twice.
import { FormatError } from "../../errors.ts";
import { baseName } from "../../image/picture-files.ts";
import type { SegmentIds } from "../annotations.ts";
import { list } from "../dataset.ts";
import { type DataFiles, folderOf } from "../files.ts";
import type { AnnotatedPart, AnnotatedSample, NamedObject } from "./annotated-part.ts";
import { checkObject } from "./check-object.ts";
import {
  type CocoPicture,
  findPictures,
  idOf,
  isCoco,
  leadsAway,
  namesIn,
  presenceIn,
  readCategories,
  readPictures,
} from "./coco.ts";
import type { Faults } from "./faults.ts";
import { cornersOf, isObject, type JsonObject, plainText, textOf } from "./json-values.ts";

/** Whether parsed JSON is of this kind. */
export function isCocoPanoptic(json: unknown): json is JsonObject {
  if (!isCoco(json)) return false;
  const [first] = json.annotations as unknown[];
  return isObject(first) && Array.isArray(first.segments_info);
}

/** Of a picture. Three bytes count further, and no picture has as many. */
const MOST_SEGMENTS = 10_000;
const LARGEST_ID = 2 ** 24 - 1;

interface Segmented {
  readonly objects: readonly NamedObject[];
  readonly file: string;
  readonly segments: Pick<SegmentIds, "ids" | "unused">;
}

/**
 * Reads one file that `isCocoPanoptic`.
 *
 * @param path of the file; the PNGs are in the folder of its name beside it, the pictures where COCO has them
 * @throws FormatError when its pictures or PNGs are nowhere to be found, or it has no categories
 */
export async function readCocoPanoptic(
  files: DataFiles,
  path: string,
  json: JsonObject,
  faults: Faults,
): Promise<AnnotatedPart> {
  const name = baseName(path);
  const { names, labels, notes } = readCategories(json.categories as unknown[], name);
  const isThing = new Map(
    (json.categories as unknown[]).flatMap((category) =>
      isObject(category)
        ? [[plainText(category.id), category.isthing !== 0 && category.isthing !== false] as const]
        : [],
    ),
  );
  const stuff = new Set([...names].flatMap(([id, label]) => (isThing.get(id) === false ? [label] : [])));
  const pictures = readPictures(json.images as unknown[], name, faults);
  const found = new Map<CocoPicture, Segmented>();
  for (const [i, annotation] of (json.annotations as unknown[]).entries()) {
    const where = `${name}: annotation ${isObject(annotation) ? plainText(annotation.image_id) : `at place ${i}`}`;
    readAnnotation(annotation, where, { pictures, names, stuff, found }, faults);
  }
  const folder = await findPictures(files, path, [...pictures.values()]);
  const segmentFolder = await findSegments(files, path, [...found.values()]);
  const isThere = await presenceIn(files, folder, name, faults);
  const segmentsThere = await namesIn(files, segmentFolder);
  const samples = [...pictures.values()].flatMap((picture): AnnotatedSample[] => {
    const { file, size } = picture;
    const own = found.get(picture);
    if (!isThere(file)) return [];
    if (own === undefined || segmentsThere?.has(own.file) === false) {
      faults.add("no_mask", file, own === undefined ? undefined : `there is no ${own.file} in ${segmentFolder}`);
      return [];
    }
    const png = files.join(segmentFolder, own.file);
    return [
      {
        name: file,
        picture: { kind: "file", path: files.join(folder, ...file.split("/")) },
        ...(size === undefined ? {} : { size }),
        unit: "pixels",
        objects: own.objects,
        segments: { ...own.segments, picture: { kind: "file", path: png }, name: png },
      },
    ];
  });
  return { samples, labels, notes, stuff: [...stuff] };
}

interface Context {
  readonly pictures: ReadonlyMap<string, CocoPicture>;
  readonly names: ReadonlyMap<string, string>;
  readonly stuff: ReadonlySet<string>;
  readonly found: Map<CocoPicture, Segmented>;
}

function readAnnotation(annotation: unknown, where: string, context: Context, faults: Faults): void {
  const { pictures, found } = context;
  const file = isObject(annotation) ? textOf(annotation.file_name) : undefined;
  if (!isObject(annotation) || file === undefined || !Array.isArray(annotation.segments_info)) {
    faults.add("unreadable", where, "it has no file_name or no segments_info");
    return;
  }
  if (leadsAway(file) || /[/\\]/.test(file)) {
    faults.add("leads_away", where, `${file} leads out of the folder of segments`);
    return;
  }
  const picture = pictures.get(plainText(annotation.image_id));
  if (picture === undefined) {
    faults.add("unknown_picture", where, `there is no image ${plainText(annotation.image_id)}`);
    return;
  }
  if (annotation.segments_info.length > MOST_SEGMENTS) {
    faults.add(
      "unreadable",
      where,
      `it lists ${annotation.segments_info.length} segments, and ${MOST_SEGMENTS} are read`,
    );
    return;
  }
  if (found.has(picture)) {
    faults.add("twice", where);
    return;
  }
  const ids: number[] = [];
  const unused: number[] = [];
  const seen = new Set<unknown>();
  const objects: NamedObject[] = [];
  for (const [i, segment] of (annotation.segments_info as unknown[]).entries()) {
    const place = `${where}, segment ${idOf(segment) ?? `at place ${i}`} (${picture.file})`;
    const id = isObject(segment) ? segment.id : undefined;
    if (!isObject(segment) || !(Number.isInteger(id) && (id as number) > 0 && (id as number) <= LARGEST_ID)) {
      faults.add("unreadable", place, `an id of a segment is a whole number from 1 to ${LARGEST_ID}`);
      continue;
    }
    if (seen.has(id)) {
      faults.add("unreadable", place, "its id is listed twice, and no pixel is of two segments");
      continue;
    }
    seen.add(id);
    const object = readSegment(segment, place, picture, context, faults);
    if (object === undefined) unused.push(id as number);
    else {
      ids.push(id as number);
      objects.push(object);
    }
  }
  found.set(picture, { objects, file, segments: { ids, unused } });
}

function readSegment(
  { category_id, bbox, iscrowd }: JsonObject,
  place: string,
  picture: CocoPicture,
  { names, stuff }: Context,
  faults: Faults,
): NamedObject | undefined {
  const label = names.get(plainText(category_id));
  if (label === undefined) {
    faults.add("unknown_class", place, `there is no category ${plainText(category_id)}`);
    return undefined;
  }
  const object = checkObject(
    {
      label,
      ...(Array.isArray(bbox) ? { box: cornersOf(bbox) } : {}),
      ...(iscrowd === 1 || iscrowd === true ? { isIgnored: true } : {}),
    },
    "pixels",
    picture.size,
    place,
    faults,
  );
  return object === undefined || !stuff.has(label) ? object : { ...object, isStuff: true };
}

/** The folder of the PNGs: "panoptic_val2017" beside "panoptic_val2017.json", or the file's own. */
async function findSegments(files: DataFiles, path: string, found: readonly Segmented[]): Promise<string> {
  const here = folderOf(path) || ".";
  const above = folderOf(here) || (here === "." ? ".." : ".");
  const stem = baseName(path).replace(/\.json$/i, "");
  const folders = [files.join(here, stem), files.join(above, stem), here];
  const [first] = found;
  if (first === undefined) return here;
  for (const folder of folders)
    for (const { file } of found.slice(0, 3))
      if ((await files.stat(files.join(folder, file))) !== undefined) return folder;
  throw new FormatError("COCO", `the PNGs of ${baseName(path)} are nowhere to be found`, {
    hint: `${first.file} was looked for in ${list(folders, 8)}`,
  });
}
