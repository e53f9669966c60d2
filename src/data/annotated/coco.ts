// COCO's annotations (cocodataset.org, "Data format", object detection): one JSON file a split, with images, annotations and categories.
import { FormatError } from "../../errors.ts";
import { baseName } from "../../image/picture-files.ts";
import type { PictureSize } from "../../image/raw-image.ts";
import { list } from "../dataset.ts";
import { type DataFiles, folderOf } from "../files.ts";
import type { AnnotatedPart, AnnotatedSample, NamedObject } from "./annotated-part.ts";
import { checkObject } from "./check-object.ts";
import type { Faults } from "./faults.ts";
import { cornersOf, isObject, type JsonObject, plainText, sizeOf, textOf } from "./json-values.ts";

/** Whether parsed JSON is of this kind. */
export function isCoco(json: unknown): json is JsonObject {
  return (
    isObject(json) && Array.isArray(json.images) && Array.isArray(json.annotations) && Array.isArray(json.categories)
  );
}

/** A picture as the file lists it. */
export interface CocoPicture {
  readonly file: string;
  readonly size?: PictureSize;
  readonly objects: NamedObject[];
}

/**
 * Reads one file that `isCoco`.
 *
 * @param path of the file, beside or above which the pictures are
 * @throws FormatError when its pictures are nowhere to be found, or it has no categories
 */
export async function readCoco(
  files: DataFiles,
  path: string,
  json: JsonObject,
  faults: Faults,
): Promise<AnnotatedPart> {
  const name = baseName(path);
  const { names, labels, notes } = readCategories(json.categories as unknown[], name);
  const pictures = readPictures(json.images as unknown[], name, faults);
  for (const [i, annotation] of (json.annotations as unknown[]).entries())
    readAnnotation(annotation, `${name}: annotation ${idOf(annotation) ?? `at place ${i}`}`, pictures, names, faults);
  const folder = await findPictures(files, path, [...pictures.values()]);
  const isThere = await presenceIn(files, folder, name, faults);
  const samples = [...pictures.values()].flatMap(({ file, size, objects }): AnnotatedSample[] => {
    if (!isThere(file)) return [];
    if (objects.length === 0) faults.add("unannotated", file);
    return [
      {
        name: file,
        picture: { kind: "file", path: files.join(folder, ...file.split("/")) },
        ...(size === undefined ? {} : { size }),
        unit: "pixels",
        objects,
      },
    ];
  });
  return { samples, labels, notes };
}

export const idOf = (value: unknown): string | undefined =>
  isObject(value) && (typeof value.id === "number" || typeof value.id === "string") ? String(value.id) : undefined;

export function readCategories(categories: readonly unknown[], name: string) {
  const names = new Map<string, string>();
  for (const category of categories) {
    const id = idOf(category);
    const label = isObject(category) ? textOf(category.name) : undefined;
    if (id === undefined || label === undefined)
      throw new FormatError("COCO", `${name}: a category has no id or no name`);
    const other = names.get(id);
    if (other !== undefined && other !== label)
      throw new FormatError("COCO", `${name}: the category ${id} is both "${other}" and "${label}"`);
    names.set(id, label);
  }
  if (names.size === 0) throw new FormatError("COCO", `${name} has no categories`);
  // Ids may be texts, and "01" is another one than "1".
  const numbers = [...names.keys()].map((id) => (id.trim() === "" ? Number.NaN : Number(id)));
  const isNumbered = numbers.every(Number.isFinite);
  const byNumber = [...names.values()].map((label, i) => ({ label, id: numbers[i]! }));
  if (isNumbered) byNumber.sort((a, b) => a.id - b.id);
  const ordered = byNumber.map(({ label }) => label);
  const ids = byNumber.map(({ id }) => id);
  const labels = [...new Set(ordered)];
  const [first, last] = [ids[0]!, ids.at(-1)!];
  const hasHoles = ids.every(Number.isInteger) && last - first + 1 > ids.length;
  const notes = [
    ...(hasHoles
      ? [
          `${name}: ${ids.length} categories have ids from ${first} to ${last}, with holes: they are numbered 0 to ${labels.length - 1} here`,
        ]
      : []),
    ...(labels.length < names.size
      ? [`${name}: categories of one name are one class: ${list(repeated(ordered))}`]
      : []),
  ];
  return { names, labels, notes };
}

function repeated(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return [...new Set(names.filter((name) => seen.has(name) || !seen.add(name)))];
}

/** By id. */
export function readPictures(images: readonly unknown[], name: string, faults: Faults): Map<string, CocoPicture> {
  const pictures = new Map<string, CocoPicture>();
  for (const [i, image] of images.entries()) {
    const id = idOf(image);
    const where = `${name}: image ${id ?? `at place ${i}`}`;
    const file = isObject(image) ? textOf(image.file_name)?.replaceAll("\\", "/") : undefined;
    if (!isObject(image) || id === undefined || file === undefined) {
      faults.add("unreadable", where, "it has no id or no file_name");
      continue;
    }
    if (leadsAway(file)) {
      faults.add("leads_away", where, `${file} leads out of the data's folder`);
      continue;
    }
    if (pictures.has(id)) {
      faults.add("twice", where);
      continue;
    }
    const [width, height] = [sizeOf(image.width), sizeOf(image.height)];
    const size = width === undefined || height === undefined ? {} : { size: { width, height } };
    pictures.set(id, { file, ...size, objects: [] });
  }
  return pictures;
}

/** Whether a path that a file of data names is one that data has no business with. */
export function leadsAway(path: string): boolean {
  return /^([/\\]|[a-z]:)/i.test(path) || path.split(/[/\\]/).includes("..") || path.includes("\0");
}

function readAnnotation(
  annotation: unknown,
  where: string,
  pictures: ReadonlyMap<string, CocoPicture>,
  names: ReadonlyMap<string, string>,
  faults: Faults,
): void {
  if (!isObject(annotation)) {
    faults.add("unreadable", where, "it is no object");
    return;
  }
  const picture = pictures.get(plainText(annotation.image_id));
  if (picture === undefined) {
    faults.add("unknown_picture", where, `there is no image ${plainText(annotation.image_id)}`);
    return;
  }
  const place = `${where} (${picture.file})`;
  const label = names.get(plainText(annotation.category_id));
  if (label === undefined) {
    faults.add("unknown_class", place, `there is no category ${plainText(annotation.category_id)}`);
    return;
  }
  const { bbox, segmentation, iscrowd } = annotation;
  const box = Array.isArray(bbox) ? cornersOf(bbox) : undefined;
  const object = checkObject(
    {
      label,
      ...(box === undefined ? {} : { box }),
      ...(Array.isArray(segmentation) && segmentation.length > 0 ? { polygons: segmentation } : {}),
      ...(isObject(segmentation) ? { runs: segmentation } : {}),
      ...(iscrowd === 1 || iscrowd === true ? { isIgnored: true } : {}),
    },
    "pixels",
    picture.size,
    place,
    faults,
  );
  if (object !== undefined) picture.objects.push(object);
}

/** How many pictures are looked for to tell a folder by. */
const TRIED = 3;

/** The folder that pictures' names begin at. */
export async function findPictures(files: DataFiles, path: string, pictures: readonly CocoPicture[]): Promise<string> {
  const here = folderOf(path) || ".";
  const above = folderOf(here) || (here === "." ? ".." : ".");
  // "instances_train2017.json" is about the folder train2017.
  const words = baseName(path)
    .replace(/\.json$/i, "")
    .split("_");
  const split = words.at(-1)!;
  const folders = [
    here,
    ...[here, above].flatMap((base) => [
      files.join(base, split),
      files.join(base, "images", split),
      files.join(base, "images"),
    ]),
    above,
  ];
  const some = pictures.slice(0, TRIED);
  for (const folder of folders)
    for (const { file } of some)
      if ((await files.stat(files.join(folder, ...file.split("/")))) !== undefined) return folder;
  if (some.length === 0) return here;
  throw new FormatError("COCO", `the pictures of ${baseName(path)} are nowhere to be found`, {
    hint: `${some[0]!.file} was looked for in ${list(folders, 8)}`,
  });
}

/** Whether a picture is in the folder, as far as a look into it tells; one that is not becomes a fault of the file `name`. */
export async function presenceIn(
  files: DataFiles,
  folder: string,
  name: string,
  faults: Faults,
): Promise<(file: string) => boolean> {
  const there = await namesIn(files, folder);
  return (file) => {
    if (there === undefined || file.includes("/") || there.has(file)) return true;
    faults.add("missing", `${name}: ${file}`, `there is no ${file} in ${folder}`);
    return false;
  };
}

/** Names of the files in a folder; undefined where it cannot be listed. */
export async function namesIn(files: DataFiles, folder: string): Promise<ReadonlySet<string> | undefined> {
  const entry = await files.stat(folder);
  if (entry?.isDirectory !== true) return undefined;
  return new Set((await files.list(folder)).map(({ path }) => baseName(path)));
}
