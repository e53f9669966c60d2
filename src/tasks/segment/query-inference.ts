// From masks with classes to segments, in the three ways of Mask2Former (facebookresearch/Mask2Former, mask2former/maskformer_model.py semantic_inference,
// panoptic_inference, instance_inference). Masks are first brought to the picture's pixels, then become probabilities.
import { type Mask, maskWhere } from "../../boxes/masks.ts";
import type { PictureSize } from "../../image/raw-image.ts";
import { blendRows, type ScoreGrid, tapsOf, UNSEEN } from "./score-grid.ts";

/** What a model says of one view. */
export interface Queries {
  /** (queries, classes + 1), the last one "nothing". */
  readonly classLogits: Float32Array;
  /** One map a query. */
  readonly masks: ScoreGrid;
  readonly classes: number;
}

/** Below it a mask's probability is below what single precision tells from nothing: 1 / (1 + e^17) = 4e-8. */
const NOTHING = -17;

/** (queries, classes + 1), each row adding up to 1. */
export function classProbabilities({ classLogits, classes }: Queries): Float64Array {
  const columns = classes + 1;
  const probabilities = new Float64Array(classLogits.length);
  for (let start = 0; start < classLogits.length; start += columns) {
    const row = classLogits.subarray(start, start + columns);
    const largest = row.reduce((a, b) => Math.max(a, b));
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += probabilities[start + c] = Math.exp(row[c]! - largest);
    for (let c = 0; c < columns; c++) probabilities[start + c]! /= sum;
  }
  return probabilities;
}

/**
 * Walks through a picture row by row with the mask logits of some queries at its pixels.
 *
 * @param visit gets a row's number, a query, its logits along the row, and the pixels that the view shows: from `start` to before `end`
 */
function eachMaskRow(
  masks: ScoreGrid,
  queries: readonly number[],
  picture: PictureSize,
  visit: (row: number, query: number, logits: Float32Array, start: number, end: number) => void,
): void {
  const { x, y } = tapsOf(masks, picture);
  const cells = new Float32Array(masks.width);
  const logits = new Float32Array(picture.width);
  for (let row = y.start; row < y.end; row++)
    for (const query of queries) {
      blendRows(masks, query, row, y, cells);
      let [start, end] = [picture.width, 0];
      for (let i = x.start; i < x.end; i++) {
        const left = cells[x.from[i]!]!;
        logits[i] = left + x.shares[i]! * (cells[x.to[i]!]! - left);
        if (logits[i]! < NOTHING) continue;
        start = Math.min(start, i);
        end = i + 1;
      }
      if (start < end) visit(row, query, logits, start, end);
    }
}

const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Classes of a query that are likelier are added up for every pixel; the others only where they could decide. */
const LIKELY = 1e-3;

/**
 * Each pixel's class by the sum over queries of class probability times mask probability.
 *
 * @param onRow gets all scores of a row, (classes, width), in the same array each time; without it, most of them need not be known
 */
export function semanticInference(
  queries: Queries,
  picture: PictureSize,
  onRow?: (row: number, scores: Float64Array) => void,
): Uint16Array {
  const { masks, classes } = queries;
  const { width, height } = picture;
  const least = onRow === undefined ? LIKELY : 0;
  const table = classProbabilities(queries);
  const ofQuery = (query: number) => table.subarray(query * (classes + 1), query * (classes + 1) + classes);
  const likely = upTo(masks.maps).map((query) => upTo(classes).filter((c) => ofQuery(query)[c]! >= least));
  const unlikeliest = upTo(masks.maps).map((query) => Math.max(0, ...ofQuery(query).filter((p) => p < least)));
  const map = new Uint16Array(width * height).fill(UNSEEN);
  const { x, y } = tapsOf(masks, picture);
  const scores = new Float64Array(classes * width);
  /** How much a score may be above what was added up. */
  const bounds = new Float64Array(width);
  const chances = new Float32Array(masks.maps * width);
  const exact = (i: number) => {
    for (let c = 0; c < classes; c++) {
      let sum = 0;
      for (let query = 0; query < masks.maps; query++)
        sum += table[query * (classes + 1) + c]! * chances[query * width + i]!;
      scores[c * width + i] = sum;
    }
  };
  const finish = (row: number) => {
    onRow?.(row, scores);
    for (let i = x.start; i < x.end; i++) {
      let [best, lead] = leader(scores, i, width, classes);
      if (lead <= bounds[i]!) {
        exact(i);
        [best, lead] = leader(scores, i, width, classes);
      }
      map[row * width + i] = best;
    }
    scores.fill(0);
    bounds.fill(0);
    chances.fill(0);
  };
  let current = y.start;
  eachMaskRow(masks, upTo(masks.maps), picture, (row, query, logits, start, end) => {
    for (; current < row; current++) finish(current);
    const own = query * width;
    for (let i = start; i < end; i++) {
      chances[own + i] = sigmoid(logits[i]!);
      bounds[i]! += unlikeliest[query]! * chances[own + i]!;
    }
    for (const c of likely[query]!) {
      const probability = table[query * (classes + 1) + c]!;
      for (let i = start; i < end; i++) scores[c * width + i]! += probability * chances[own + i]!;
    }
  });
  for (; current < y.end; current++) finish(current);
  return map;
}

/** The class with the largest score of a pixel, the first of equal ones, and by how much it leads. */
function leader(scores: Float64Array, i: number, width: number, classes: number): [best: number, lead: number] {
  let [best, first, second] = [0, scores[i]!, Number.NEGATIVE_INFINITY];
  for (let c = 1; c < classes; c++) {
    const score = scores[c * width + i]!;
    if (score > first) [best, first, second] = [c, score, first];
    else if (score > second) second = score;
  }
  return [best, first - second];
}

/** A mask with its class. */
export interface Instance {
  readonly index: number;
  readonly score: number;
  readonly mask: Mask;
}

export interface InstanceChoice {
  /** So many pairs of a query and a class are looked at. */
  readonly topK: number;
  /** Classes that are things; the others are left out after the choice. */
  readonly isThing: (index: number) => boolean;
  /** The least score. Default: all. */
  readonly threshold?: number;
}

/** The surest pairs of a query and a class as masks of their own, which may overlap, best first. A query may be several instances, of different classes. */
export function instanceInference(
  queries: Queries,
  picture: PictureSize,
  { topK, isThing, threshold = 0 }: InstanceChoice,
): Instance[] {
  const { masks, classes } = queries;
  const probabilities = classProbabilities(queries);
  const pairs = upTo(masks.maps)
    .flatMap((query) =>
      upTo(classes).map((index) => ({ query, index, chance: probabilities[query * (classes + 1) + index]! })),
    )
    .sort((a, b) => b.chance - a.chance)
    .slice(0, topK)
    .filter(({ index, chance }) => isThing(index) && chance >= threshold);
  const wanted = [...new Set(pairs.map(({ query }) => query))];
  const found = new Map(
    wanted.map((query) => [query, { pixels: new Uint8Array(picture.width * picture.height), sum: 0, area: 0 }]),
  );
  eachMaskRow(masks, wanted, picture, (row, query, logits, start, end) => {
    const own = found.get(query)!;
    for (let i = start; i < end; i++) {
      if (!(logits[i]! > 0)) continue;
      own.pixels[row * picture.width + i] = 1;
      own.sum += sigmoid(logits[i]!);
      own.area++;
    }
  });
  const maskOf = new Map(
    [...found]
      .filter(([, { area }]) => area > 0)
      .map(([query, { pixels }]) => [query, maskWhere(picture, (at) => pixels[at] === 1)]),
  );
  return pairs
    .flatMap(({ query, index, chance }) => {
      const { sum, area } = found.get(query)!;
      const score = chance * (sum / (area + 1e-6));
      const mask = maskOf.get(query);
      return mask === undefined || score < threshold ? [] : [{ index, score, mask }];
    })
    .sort((a, b) => b.score - a.score);
}

export interface PanopticSegment {
  /** As in the map, from 1. */
  readonly id: number;
  readonly index: number;
  readonly isThing: boolean;
  /** Of its surest query. */
  readonly score: number;
}

export interface PanopticChoice {
  readonly isThing: (index: number) => boolean;
  /** Queries less sure of their class have no segment. Default 0.8. */
  readonly threshold?: number;
  /** A segment that keeps a smaller share of its mask is hidden behind others, and left out. Default 0.8. */
  readonly overlap?: number;
}

/** Every pixel in at most one segment: 0 for none, row by row. Stuff of one class is one segment. */
export function panopticInference(
  queries: Queries,
  picture: PictureSize,
  { isThing, threshold = 0.8, overlap = 0.8 }: PanopticChoice,
): { readonly ids: Int32Array; readonly segments: PanopticSegment[] } {
  const { masks, classes } = queries;
  const probabilities = classProbabilities(queries);
  const kept = upTo(masks.maps).flatMap((query) => {
    const row = probabilities.subarray(query * (classes + 1), (query + 1) * (classes + 1));
    const index = row.indexOf(row.reduce((a, b) => Math.max(a, b)));
    return index !== classes && row[index]! > threshold ? [{ query, index, chance: row[index]! }] : [];
  });
  const byQuery = new Map(kept.map((one) => [one.query, one]));
  const size = picture.width * picture.height;
  const owner = new Int32Array(size).fill(-1);
  const best = new Float64Array(size);
  const ownChance = new Float32Array(size);
  const whole = new Map(kept.map(({ query }) => [query, 0]));
  eachMaskRow(masks, [...byQuery.keys()], picture, (row, query, logits, start, end) => {
    const { chance } = byQuery.get(query)!;
    let above = 0;
    for (let i = start; i < end; i++) {
      const probability = sigmoid(logits[i]!);
      if (probability >= 0.5) above++;
      const at = row * picture.width + i;
      if (chance * probability <= best[at]!) continue;
      best[at] = chance * probability;
      owner[at] = query;
      ownChance[at] = probability;
    }
    whole.set(query, whole.get(query)! + above);
  });
  const owned = new Map(kept.map(({ query }) => [query, { all: 0, sure: 0 }]));
  for (let at = 0; at < size; at++) {
    const counts = owned.get(owner[at]!);
    if (counts === undefined) continue;
    counts.all++;
    if (ownChance[at]! >= 0.5) counts.sure++;
  }
  const segments: PanopticSegment[] = [];
  const idOf = new Map<number, number>();
  const stuff = new Map<number, number>();
  for (const { query, index, chance } of kept) {
    const { all, sure } = owned.get(query)!;
    const of = whole.get(query)!;
    if (all === 0 || of === 0 || sure === 0 || all / of < overlap) continue;
    const known = isThing(index) ? undefined : stuff.get(index);
    const id = known ?? segments.length + 1;
    idOf.set(query, id);
    if (known !== undefined) {
      const segment = segments[known - 1]!;
      segments[known - 1] = { ...segment, score: Math.max(segment.score, chance) };
      continue;
    }
    segments.push({ id, index, isThing: isThing(index), score: chance });
    if (!isThing(index)) stuff.set(index, id);
  }
  const ids = Int32Array.from(owner, (query, at) => (ownChance[at]! >= 0.5 ? (idOf.get(query) ?? 0) : 0));
  return { ids, segments };
}
