// Pascal VOC's annotations (host.robots.ox.ac.uk/pascal/VOC, development kit): Annotations/NAME.xml to JPEGImages/NAME.jpg, and lists of names in ImageSets/Main.
// Its pixels count from 1, corners included: a box begins at xmin - 1 and ends at xmax.
import { Parser } from "htmlparser2";
import { FormatError, SaccadeError } from "../../errors.ts";
import { baseName } from "../../image/picture-files.ts";
import { decodeText } from "../../text-file.ts";
import { type DataFileEntry, type DataFiles, mapLimited } from "../files.ts";
import { indexLabels } from "../labels.ts";
import { type SplitName, splitFromWord } from "../samples.ts";
import type { AnnotatedFound, AnnotatedPart, AnnotatedSample, NamedObject } from "./annotated-part.ts";
import { checkObject } from "./check-object.ts";
import { Faults } from "./faults.ts";
import { sizeOf } from "./json-values.ts";
import { folderNamed, hasExtension, picturesByStem, stemOf } from "./picture-folders.ts";

const MAX_BYTES = 2 ** 24;
const PARALLEL = 8;

/** undefined where the folder has no such layout. */
export async function readVoc(
  files: DataFiles,
  entries: readonly DataFileEntry[],
): Promise<AnnotatedFound | undefined> {
  const annotations = folderNamed(entries, "Annotations");
  const pictures = folderNamed(entries, "JPEGImages", "images");
  if (annotations === undefined || pictures === undefined) return undefined;
  const about = (await files.list(annotations)).filter(hasExtension("xml"));
  if (about.length === 0) return undefined;
  const faults = new Faults();
  const byStem = await picturesByStem(files, pictures);
  const read = await mapLimited(about, PARALLEL, async ({ path }): Promise<AnnotatedSample | undefined> => {
    const picture = byStem.get(stemOf(path));
    if (picture === undefined) {
      faults.add("missing", path, `there is no picture ${stemOf(path)} in ${pictures}`);
      return undefined;
    }
    try {
      const text = decodeText(await files.read(path, { maxBytes: MAX_BYTES }), path);
      return {
        name: picture,
        picture: { kind: "file", path: picture },
        unit: "pixels",
        ...readFile(text, path, faults),
      };
    } catch (error) {
      if (!(error instanceof SaccadeError)) throw error;
      faults.add("unreadable", path, error.message);
      return undefined;
    }
  });
  const samples = read.filter((sample) => sample !== undefined);
  const labels = indexLabels(samples.flatMap(({ objects }) => objects.map(({ label }) => label)));
  const { splits, notes } = await readSplits(files, entries);
  const of = (split: SplitName) => samples.filter(({ name }) => splits.get(stemOf(name)) === split);
  const parts: { [S in SplitName]?: AnnotatedPart } =
    splits.size === 0
      ? { train: { samples, labels } }
      : {
          train: { samples: of("train"), labels },
          validation: { samples: of("validation"), labels },
          test: { samples: of("test"), labels },
        };
  const unlisted = splits.size === 0 ? 0 : samples.filter(({ name }) => !splits.has(stemOf(name))).length;
  const kept = Object.fromEntries(Object.entries(parts).filter(([, part]) => part.samples.length > 0));
  return {
    layout: "Pascal VOC annotations",
    parts: kept,
    faults,
    notes: [
      ...notes,
      ...(unlisted === 0
        ? []
        : [`${unlisted} annotated pictures are in none of the lists of splits, and are not used`]),
    ],
  };
}

/** Names of pictures by split, from ImageSets/Main/train.txt and val.txt. */
async function readSplits(files: DataFiles, entries: readonly DataFileEntry[]) {
  const splits = new Map<string, SplitName>();
  const notes: string[] = [];
  const sets = folderNamed(entries, "ImageSets");
  const main = sets === undefined ? undefined : folderNamed(await files.list(sets), "Main");
  if (main === undefined) return { splits, notes };
  for (const { path } of (await files.list(main)).filter(hasExtension("txt"))) {
    const split = splitFromWord(stemOf(path));
    if (split === undefined) continue;
    for (const line of decodeText(await files.read(path, { maxBytes: MAX_BYTES }), path).split(/\r?\n/)) {
      const [name] = line.trim().split(/\s+/);
      if (name === undefined || name === "") continue;
      const other = splits.get(name);
      if (other !== undefined && other !== split)
        notes.push(`${name} is in the lists of two splits: it is ${other} here`);
      else splits.set(name, split);
    }
  }
  return {
    splits,
    notes: notes.length > 3 ? [...notes.slice(0, 3), `and ${notes.length - 3} more are in two lists`] : notes,
  };
}

interface Stated {
  name?: string;
  difficult?: string;
  readonly box: { [side: string]: string };
}

/** Elements of a file that are read, by where they are. */
function readFile(text: string, path: string, faults: Faults): Pick<AnnotatedSample, "size" | "objects"> {
  const size: { [side: string]: string } = {};
  const stated: Stated[] = [];
  const open: string[] = [];
  let isVoc = false;
  // It resolves no entities but XML's five and reads no document types, so a file cannot grow as it is read.
  const parser = new Parser(
    {
      onopentag(name) {
        open.push(name);
        if (open.length === 1) isVoc = name === "annotation";
        if (open.join("/") === "annotation/object") stated.push({ box: {} });
      },
      ontext(value) {
        const place = open.slice(1).join("/");
        const object = stated.at(-1);
        const [, side] = /^size\/(\w+)$/.exec(place) ?? [];
        const [, corner] = /^object\/bndbox\/(\w+)$/.exec(place) ?? [];
        if (side !== undefined) size[side] = (size[side] ?? "") + value;
        else if (object !== undefined && corner !== undefined) object.box[corner] = (object.box[corner] ?? "") + value;
        else if (object !== undefined && place === "object/name") object.name = (object.name ?? "") + value;
        else if (object !== undefined && place === "object/difficult")
          object.difficult = (object.difficult ?? "") + value;
      },
      onclosetag() {
        open.pop();
      },
    },
    { xmlMode: true },
  );
  parser.end(text);
  if (!isVoc) throw new FormatError("XML", `${baseName(path)} is no annotation of Pascal VOC's`);
  const [width, height] = [sizeOf(Number(size.width)), sizeOf(Number(size.height))];
  const extent = width === undefined || height === undefined ? undefined : { width, height };
  const objects = stated.flatMap(({ name, difficult, box }, i): NamedObject[] => {
    const where = `${baseName(path)}: object ${i + 1}`;
    const label = name?.trim();
    if (label === undefined || label === "") {
      faults.add("unknown_class", where, "it has no name");
      return [];
    }
    const sides = ["xmin", "ymin", "xmax", "ymax"].map((side) => numberOf(box[side]));
    const hasBox = Object.keys(box).length > 0;
    const object = checkObject(
      {
        label,
        ...(hasBox ? { box: [sides[0]! - 1, sides[1]! - 1, sides[2], sides[3]] } : {}),
        ...(difficult?.trim() === "1" ? { isIgnored: true } : {}),
      },
      "pixels",
      extent,
      where,
      faults,
    );
    return object === undefined ? [] : [object];
  });
  if (stated.length === 0) faults.add("unannotated", baseName(path));
  return { ...(extent === undefined ? {} : { size: extent }), objects };
}

const numberOf = (text: string | undefined): number =>
  text === undefined || text.trim() === "" ? Number.NaN : Number(text);
