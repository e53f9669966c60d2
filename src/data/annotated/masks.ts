// Pictures with a mask beside each: folders images/ and masks/ (or annotations/, SegmentationClass/, …) with files of the same names, each perhaps with
// train/ and val/ in it, or the other way round. Masks are PNGs whose values are classes; classes.txt names them, from 0 on.
import { FormatError } from "../../errors.ts";
import { baseName, isHidden } from "../../image/picture-files.ts";
import type { DataFileEntry, DataFiles } from "../files.ts";
import { findLabelNames, type SplitName, splitFromWord } from "../samples.ts";
import type { AnnotatedFound, AnnotatedPart, AnnotatedSample } from "./annotated-part.ts";
import { Faults } from "./faults.ts";
import { hasExtension, isPicture, stemOf } from "./picture-folders.ts";

const PICTURE_FOLDERS = /^(images?|img|imgs|pictures|JPEGImages)$/i;
const MASK_FOLDERS = /^(masks?|annotations|labels|segmentations?|SegmentationClass|gt|ground_?truth)$/i;

/** A folder of pictures and that of their masks. */
interface Pair {
  readonly split: SplitName;
  readonly pictures: string;
  readonly masks: string;
}

/**
 * undefined where the folder has no such layout.
 *
 * @throws FormatError for masks without names of classes
 */
export async function readMasks(
  files: DataFiles,
  path: string,
  entries: readonly DataFileEntry[],
): Promise<AnnotatedFound | undefined> {
  const pairs = await findPairs(files, entries);
  if (pairs.length === 0) return undefined;
  const labels = await findLabelNames(files, path);
  if (labels === undefined)
    throw new FormatError("masks", `${path} has masks, and nothing says what their values mean`, {
      hint: "write classes.txt beside the folders: one name a line, the first for the value 0; 255 means that nothing is known of a pixel",
    });
  const faults = new Faults();
  const parts: { [S in SplitName]?: AnnotatedPart } = {};
  for (const pair of pairs) {
    const samples = await readPair(files, pair, labels.length, faults);
    parts[pair.split] = { labels, samples: [...(parts[pair.split]?.samples ?? []), ...samples] };
  }
  return { layout: "pictures with masks", parts, faults, notes: [] };
}

async function findPairs(files: DataFiles, entries: readonly DataFileEntry[]): Promise<readonly Pair[]> {
  const here = await pairIn(files, entries);
  if (here !== undefined) return here;
  const pairs: Pair[] = [];
  for (const folder of entries.filter(({ isDirectory }) => isDirectory)) {
    const split = splitFromWord(baseName(folder.path));
    if (split === undefined) continue;
    const inside = (await files.list(folder.path)).filter((entry) => !isHidden(entry));
    const found = await pairIn(files, inside);
    pairs.push(...(found ?? []).map((pair) => ({ ...pair, split })));
  }
  return pairs;
}

/** images/ and masks/ among these, with splits in them or not. */
async function pairIn(files: DataFiles, entries: readonly DataFileEntry[]): Promise<readonly Pair[] | undefined> {
  const folders = entries.filter(({ isDirectory }) => isDirectory);
  const pictures = folders.find(({ path }) => PICTURE_FOLDERS.test(baseName(path)));
  const candidates = folders.filter(({ path }) => MASK_FOLDERS.test(baseName(path)));
  if (pictures === undefined) return undefined;
  const inPictures = await files.list(pictures.path);
  for (const masks of candidates) {
    const inMasks = await files.list(masks.path);
    if (inMasks.some(isPng)) return [{ split: "train", pictures: pictures.path, masks: masks.path }];
    const pairs: Pair[] = [];
    for (const folder of inMasks.filter(({ isDirectory }) => isDirectory)) {
      const split = splitFromWord(baseName(folder.path));
      const twin = inPictures.find(({ path, isDirectory }) => isDirectory && baseName(path) === baseName(folder.path));
      if (split === undefined || twin === undefined || !(await files.list(folder.path)).some(isPng)) continue;
      pairs.push({ split, pictures: twin.path, masks: folder.path });
    }
    if (pairs.length > 0) return pairs;
  }
  return undefined;
}

const isPng = hasExtension("png");

async function readPair(
  files: DataFiles,
  { pictures, masks }: Pair,
  classes: number,
  faults: Faults,
): Promise<readonly AnnotatedSample[]> {
  const byStem = new Map((await files.list(masks)).filter(isPng).map(({ path }) => [stemOf(path), path]));
  const found = (await files.list(pictures)).filter(isPicture);
  const samples = found.flatMap(({ path }): AnnotatedSample[] => {
    const mask = byStem.get(stemOf(path));
    if (mask === undefined) {
      faults.add("no_mask", path, `there is no mask ${stemOf(path)}.png in ${masks}`);
      return [];
    }
    byStem.delete(stemOf(path));
    return [
      {
        name: path,
        picture: { kind: "file", path },
        unit: "pixels",
        objects: [],
        semantic: { picture: { kind: "file", path: mask }, name: mask, classes },
      },
    ];
  });
  for (const mask of byStem.values()) faults.add("unknown_picture", mask, `there is no picture to it in ${pictures}`);
  return samples;
}
