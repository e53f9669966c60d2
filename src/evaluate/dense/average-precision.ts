// Average precision of boxes and masks as COCO counts it (Lin et al., ECCV 2014; the rules of pycocotools' COCOeval with its default parameters).
import { type Box, boxArea, sharedArea } from "../../boxes/box.ts";
import { type Mask, maskArea, sharedMaskArea } from "../../boxes/masks.ts";
import { UsageError } from "../../errors.ts";

/** A thing that is on a picture. */
export interface TrueThing {
  /** Index of its class. */
  readonly category: number;
  readonly box: Box;
  readonly mask?: Mask | undefined;
  /** As annotated, in square pixels: it decides whether a thing counts as small or large. Default: that of what is compared. */
  readonly area?: number | undefined;
  /** Stands for many things of its kind: whatever is found within it is neither right nor wrong. */
  readonly crowd?: boolean | undefined;
}

/** A thing that a model found. */
export interface FoundThing {
  readonly category: number;
  readonly score: number;
  readonly box: Box;
  readonly mask?: Mask | undefined;
}

/** Overlaps (IoU) from which on a thing counts as found: 0.5 to 0.95. */
export const OVERLAPS: readonly number[] = Array.from({ length: 10 }, (_, i) => i * ((0.95 - 0.5) / 9) + 0.5);
const RECALLS = Array.from({ length: 101 }, (_, i) => i * 0.01);
/** What is found beyond so many of a class on a picture does not count. */
const MOST = [1, 10, 100] as const;
/** In square pixels, both ends included. */
const AREAS = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
} as const satisfies Record<string, readonly [number, number]>;
type AreaRange = keyof typeof AREAS;

/** Shares, 0..1; undefined where nothing is there to be found. */
export interface DetectionMetrics {
  /** The mean over overlaps from 0.5 to 0.95 and over categories. */
  readonly ap: number | undefined;
  readonly ap50: number | undefined;
  readonly ap75: number | undefined;
  readonly apSmall: number | undefined;
  readonly apMedium: number | undefined;
  readonly apLarge: number | undefined;
  /** The share that is found with at most so many answers of a class a picture, over the same overlaps. */
  readonly ar1: number | undefined;
  readonly ar10: number | undefined;
  readonly ar100: number | undefined;
  readonly arSmall: number | undefined;
  readonly arMedium: number | undefined;
  readonly arLarge: number | undefined;
  readonly categories: readonly CategoryPrecision[];
  /** One an overlap. */
  readonly byOverlap: readonly {
    readonly overlap: number;
    readonly ap: number | undefined;
    readonly recall: number | undefined;
  }[];
}

export interface CategoryPrecision {
  readonly category: number;
  /** Things there are, crowds left out. */
  readonly things: number;
  readonly ap: number | undefined;
  readonly ap50: number | undefined;
  readonly recall: number | undefined;
  /** Precision at 101 recalls from 0 to 1, by overlap. */
  readonly curves: readonly Float64Array[] | undefined;
}

/** What became of the answers of one category on one picture, within one range of areas. */
interface Judged {
  readonly scores: Float64Array;
  /** By overlap, by answer: 1 right, -1 does not count, 0 wrong. */
  readonly verdicts: readonly Int8Array[];
  /** Things that count. */
  readonly things: number;
}

/**
 * Adds up pictures, and says how good their answers are.
 *
 * @example
 * const meter = new DetectionMeter(80, "box");
 * meter.add([{ category: 0, box: [10, 10, 50, 60] }], [{ category: 0, score: 0.9, box: [12, 11, 50, 58] }]);
 * console.log(meter.result().ap);
 */
export class DetectionMeter {
  readonly #judged = new Map<string, Judged[]>();
  #pictures = 0;

  /** @param compared by what overlap is measured */
  constructor(
    readonly categories: number,
    readonly compared: "box" | "mask",
  ) {}

  get pictures(): number {
    return this.#pictures;
  }

  /** One picture. Throws UsageError for a category that there is not, and for things without masks where masks are compared. */
  add(things: readonly TrueThing[], found: readonly FoundThing[]): void {
    this.#pictures++;
    const byCategory = new Map<number, { things: TrueThing[]; found: FoundThing[] }>();
    const of = (category: number) => {
      if (!(Number.isInteger(category) && category >= 0 && category < this.categories))
        throw new UsageError(`there is no category ${category} among ${this.categories}`);
      const known = byCategory.get(category) ?? { things: [], found: [] };
      byCategory.set(category, known);
      return known;
    };
    for (const thing of things) of(thing.category).things.push(thing);
    for (const one of found) of(one.category).found.push(one);
    for (const [category, { things: own, found: answers }] of byCategory) {
      const best = [...answers].sort((a, b) => b.score - a.score).slice(0, MOST.at(-1));
      const overlaps = best.map((one) => own.map((thing) => overlapOf(one, thing, this.compared)));
      for (const range of Object.keys(AREAS) as AreaRange[]) {
        const key = `${category}/${range}`;
        const list = this.#judged.get(key) ?? [];
        list.push(judge(own, best, overlaps, AREAS[range], this.compared));
        this.#judged.set(key, list);
      }
    }
  }

  result(): DetectionMetrics {
    const indexes = Array.from({ length: this.categories }, (_, category) => category);
    const curvesOf = (range: AreaRange, most: number) =>
      indexes.map((category) => curves(this.#judged.get(`${category}/${range}`) ?? [], most));
    const all = curvesOf("all", 100);
    const precision = (of: readonly Curves[], at?: number) =>
      mean(
        of
          .flatMap(({ precisions }) => (precisions ?? []).filter((_, i) => at === undefined || i === at))
          .flatMap((row) => [...row]),
      );
    const recall = (of: readonly Curves[], at?: number) =>
      mean(of.flatMap(({ recalls }) => (recalls ?? []).filter((_, i) => at === undefined || i === at)));
    const [small, medium, large] = [curvesOf("small", 100), curvesOf("medium", 100), curvesOf("large", 100)];
    return {
      ap: precision(all),
      ap50: precision(all, 0),
      ap75: precision(all, 5),
      apSmall: precision(small),
      apMedium: precision(medium),
      apLarge: precision(large),
      ar1: recall(curvesOf("all", 1)),
      ar10: recall(curvesOf("all", 10)),
      ar100: recall(all),
      arSmall: recall(small),
      arMedium: recall(medium),
      arLarge: recall(large),
      categories: all.map((of, category) => ({
        category,
        things: of.things,
        ap: precision([of]),
        ap50: precision([of], 0),
        recall: recall([of]),
        curves: of.precisions,
      })),
      byOverlap: OVERLAPS.map((overlap, i) => ({ overlap, ap: precision(all, i), recall: recall(all, i) })),
    };
  }
}

const mean = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;

function areaOf({ box, mask }: Pick<FoundThing, "box" | "mask">, compared: "box" | "mask"): number {
  return compared === "box" ? boxArea(box) : maskArea(requireMask(mask));
}

function requireMask(mask: Mask | undefined): Mask {
  if (mask === undefined) throw new UsageError("masks are compared, and a thing has none");
  return mask;
}

/** IoU; of a crowd the share of what was found that lies within it. */
function overlapOf(found: FoundThing, thing: TrueThing, compared: "box" | "mask"): number {
  const shared =
    compared === "box"
      ? sharedArea(found.box, thing.box)
      : sharedMaskArea(requireMask(found.mask), requireMask(thing.mask));
  if (shared === 0) return 0;
  const own = areaOf(found, compared);
  return shared / (thing.crowd === true ? own : own + areaOf(thing, compared) - shared);
}

function judge(
  things: readonly TrueThing[],
  found: readonly FoundThing[],
  overlaps: readonly (readonly number[])[],
  [least, most]: readonly [number, number],
  compared: "box" | "mask",
): Judged {
  const isOutside = (area: number) => area < least || area > most;
  const isLeftOut = things.map((thing) => thing.crowd === true || isOutside(thing.area ?? areaOf(thing, compared)));
  // What does not count is taken only when nothing else fits.
  const order = things.map((_, i) => i).sort((a, b) => Number(isLeftOut[a]) - Number(isLeftOut[b]));
  const verdicts = OVERLAPS.map((threshold) => {
    const isTaken = new Uint8Array(things.length);
    return Int8Array.from(found, (one, i) => {
      let best = Math.min(threshold, 1 - 1e-10);
      let match = -1;
      for (const at of order) {
        if (isTaken[at] === 1 && things[at]!.crowd !== true) continue;
        if (match >= 0 && !isLeftOut[match]! && isLeftOut[at]!) break;
        if (overlaps[i]![at]! < best) continue;
        best = overlaps[i]![at]!;
        match = at;
      }
      if (match < 0) return isOutside(areaOf(one, compared)) ? -1 : 0;
      isTaken[match] = 1;
      return isLeftOut[match]! ? -1 : 1;
    });
  });
  return {
    scores: Float64Array.from(found, ({ score }) => score),
    verdicts,
    things: isLeftOut.filter((leftOut) => !leftOut).length,
  };
}

interface Curves {
  readonly things: number;
  /** Undefined where there is nothing to find. */
  readonly precisions: readonly Float64Array[] | undefined;
  readonly recalls: readonly number[] | undefined;
}

/** Of one category and range, over all pictures. */
function curves(judged: readonly Judged[], most: number): Curves {
  const things = judged.reduce((sum, { things: count }) => sum + count, 0);
  if (things === 0) return { things, precisions: undefined, recalls: undefined };
  const answers = judged.flatMap(({ scores, verdicts }) =>
    Array.from(scores.subarray(0, most), (score, i) => ({
      score,
      verdict: (overlap: number) => verdicts[overlap]![i]!,
    })),
  );
  answers.sort((a, b) => b.score - a.score);
  const each = OVERLAPS.map((_, overlap) =>
    curve(
      answers.map(({ verdict }) => verdict(overlap)),
      things,
    ),
  );
  return { things, precisions: each.map(({ precision }) => precision), recalls: each.map(({ recall }) => recall) };
}

/** Precision that never rises with recall, read at 101 recalls. @param verdicts the surest answer's first */
function curve(
  verdicts: readonly number[],
  things: number,
): { readonly precision: Float64Array; readonly recall: number } {
  const recalls: number[] = [];
  const precisions: number[] = [];
  let [right, wrong] = [0, 0];
  for (const verdict of verdicts) {
    if (verdict > 0) right++;
    else if (verdict === 0) wrong++;
    recalls.push(right / things);
    precisions.push(right / (right + wrong + Number.EPSILON));
  }
  for (let i = precisions.length - 2; i >= 0; i--) precisions[i] = Math.max(precisions[i]!, precisions[i + 1]!);
  let at = 0;
  const precision = Float64Array.from(RECALLS, (recall) => {
    while (at < recalls.length && recalls[at]! < recall) at++;
    return precisions[at] ?? 0;
  });
  return { precision, recall: recalls.at(-1) ?? 0 };
}
