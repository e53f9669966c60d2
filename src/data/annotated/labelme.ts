// LabelMe's annotations (github.com/wkentaro/labelme): a JSON file beside each picture, with shapes that have a label and points in pixels.
import { SaccadeError } from "../../errors.ts";
import { baseName } from "../../image/picture-files.ts";
import { type DataFileEntry, type DataFiles, mapLimited } from "../files.ts";
import { indexLabels } from "../labels.ts";
import { type SplitName, splitFromWord } from "../samples.ts";
import type { AnnotatedFound, AnnotatedPart, AnnotatedSample, NamedObject } from "./annotated-part.ts";
import { checkObject } from "./check-object.ts";
import { Faults } from "./faults.ts";
import { isObject, type JsonObject, numberOf, readJson, sizeOf, textOf } from "./json-values.ts";
import { hasExtension, picturesByStem, stemOf } from "./picture-folders.ts";

const PARALLEL = 8;

const isLabelme = (json: unknown): json is JsonObject => isObject(json) && Array.isArray(json.shapes);

/** undefined where the folder has no such layout: files and pictures in it, or in folders of splits. */
export async function readLabelme(
  files: DataFiles,
  entries: readonly DataFileEntry[],
): Promise<AnnotatedFound | undefined> {
  const faults = new Faults();
  const found = new Map<SplitName, AnnotatedSample[]>();
  const own = await readFolder(files, entries, faults);
  if (own !== undefined) found.set("train", own);
  for (const { path, isDirectory } of entries) {
    const split = splitFromWord(baseName(path));
    if (!isDirectory || split === undefined) continue;
    const samples = await readFolder(files, await files.list(path), faults);
    if (samples !== undefined) found.set(split, [...(found.get(split) ?? []), ...samples]);
  }
  if (found.size === 0) return undefined;
  const labels = indexLabels([...found.values()].flat().flatMap(({ objects }) => objects.map(({ label }) => label)));
  const parts = Object.fromEntries(
    [...found].map(([split, samples]): [string, AnnotatedPart] => [split, { samples, labels }]),
  );
  return { layout: "LabelMe annotations", parts, faults, notes: [] };
}

async function readFolder(
  files: DataFiles,
  entries: readonly DataFileEntry[],
  faults: Faults,
): Promise<AnnotatedSample[] | undefined> {
  const about = entries.filter(hasExtension("json"));
  const [first] = about;
  // One file tells of all: a folder of other JSON files is not read through.
  if (first === undefined || !isLabelme(await readJson(files, first.path).catch(ifUnreadable))) return undefined;
  const folder = first.path.slice(0, -baseName(first.path).length - 1);
  const byStem = await picturesByStem(files, folder);
  const stems = new Set(about.map(({ path }) => stemOf(path)));
  const read = await mapLimited(about, PARALLEL, async ({ path }): Promise<AnnotatedSample | undefined> => {
    const json = await readJson(files, path).catch(ifUnreadable);
    if (!isLabelme(json)) {
      faults.add("unreadable", path, "it is no annotation of LabelMe's");
      return undefined;
    }
    // What the file says of the picture's path is another machine's: its name counts.
    const named = stemOf((textOf(json.imagePath) ?? "").replaceAll("\\", "/"));
    const picture = byStem.get(stemOf(path)) ?? (stems.has(named) ? undefined : byStem.get(named));
    if (picture === undefined) {
      faults.add("missing", path, `there is no picture ${stemOf(path)} beside it`);
      return undefined;
    }
    return {
      name: picture,
      picture: { kind: "file", path: picture },
      unit: "pixels",
      ...readShapes(json, path, faults),
    };
  });
  return read.filter((sample) => sample !== undefined);
}

function ifUnreadable(error: unknown): undefined {
  if (!(error instanceof SaccadeError)) throw error;
  return undefined;
}

function readShapes(json: JsonObject, path: string, faults: Faults): Pick<AnnotatedSample, "size" | "objects"> {
  const [width, height] = [sizeOf(json.imageWidth), sizeOf(json.imageHeight)];
  const extent = width === undefined || height === undefined ? undefined : { width, height };
  const shapes = json.shapes as unknown[];
  if (shapes.length === 0) faults.add("unannotated", baseName(path));
  const objects = shapes.flatMap((shape, i): NamedObject[] => {
    const where = `${baseName(path)}: shape ${i + 1}`;
    const label = isObject(shape) ? textOf(shape.label)?.trim() : undefined;
    if (!isObject(shape) || label === undefined || label === "") {
      faults.add("unknown_class", where, "it has no label");
      return [];
    }
    const kind = textOf(shape.shape_type) ?? "polygon";
    const points = Array.isArray(shape.points) ? (shape.points as unknown[]).flat() : [];
    const outline = Object.hasOwn(OUTLINES, kind) ? OUTLINES[kind] : undefined;
    if (outline === undefined) {
      faults.add("no_area", where, `a ${kind}`);
      return [];
    }
    const object = checkObject({ label, ...outline(points) }, "pixels", extent, where, faults);
    return object === undefined ? [] : [object];
  });
  return { ...(extent === undefined ? {} : { size: extent }), objects };
}

const CIRCLE_CORNERS = 48;

/** What encloses an area, by the kind of shape. Others are points and lines. */
const OUTLINES: Readonly<Record<string, (points: readonly unknown[]) => { box?: unknown[]; polygons?: unknown[] }>> = {
  polygon: (points) => ({ polygons: [points] }),
  /** Two opposite corners. */
  rectangle(points) {
    const [ax, ay, bx, by] = points.map(numberOf) as [number, number, number, number];
    return { box: [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)] };
  },
  /** The middle and a point of the edge. */
  circle(points) {
    const [x, y, edgeX, edgeY] = points.map(numberOf) as [number, number, number, number];
    const radius = Math.hypot(edgeX - x, edgeY - y);
    const corner = (i: number) => (2 * Math.PI * i) / CIRCLE_CORNERS;
    return {
      polygons: [
        Array.from({ length: CIRCLE_CORNERS }, (_, i) => [
          x + radius * Math.cos(corner(i)),
          y + radius * Math.sin(corner(i)),
        ]).flat(),
      ],
    };
  },
};
