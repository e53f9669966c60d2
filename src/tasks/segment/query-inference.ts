// From masks with classes to segments, in the three ways of Mask2Former (facebookresearch/Mask2Former, mask2former/maskformer_model.py semantic_inference,
// panoptic_inference, instance_inference). Masks are first brought to the picture's pixels, then become probabilities.
import { type Mask, maskOfColumns } from "../../boxes/masks.ts";
import type { PictureSize } from "../../image/raw-image.ts";
import { ScoreBlocks, type Span } from "./score-blocks.ts";
import type { ScoreGrid } from "./score-grid.ts";

/** Called between pieces of work; whoever stops it throws. */
export type Pause = () => Promise<void>;
export const NO_PAUSE: Pause = async () => {};

/** What a model says of one view. */
export interface Queries {
  /** (queries, classes + 1), the last one "nothing". */
  readonly classLogits: Float32Array;
  /** One map a query. */
  readonly masks: ScoreGrid;
  readonly classes: number;
}

/** Below it a mask's probability is below what single precision tells from nothing: 1 / (1 + e^17) = 4e-8. */
export const NOTHING = -17;

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

export const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

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
export async function instanceInference(
  queries: Queries,
  picture: PictureSize,
  { topK, isThing, threshold = 0 }: InstanceChoice,
  pause: Pause = NO_PAUSE,
): Promise<Instance[]> {
  const { masks, classes } = queries;
  const probabilities = classProbabilities(queries);
  const pairs: { readonly query: number; readonly index: number; readonly chance: number }[] = [];
  for (let query = 0; query < masks.maps; query++)
    for (let index = 0; index < classes; index++)
      pairs.push({ query, index, chance: probabilities[query * (classes + 1) + index]! });
  pairs.sort((a, b) => b.chance - a.chance);
  const chosen = pairs.slice(0, topK).filter(({ index, chance }) => isThing(index) && chance >= threshold);
  const reader = new MaskReader(masks, picture);
  const found = new Map<number, SureMask | undefined>();
  for (const { query } of chosen) {
    if (found.has(query)) continue;
    found.set(query, reader.read(query));
    await pause();
  }
  return chosen
    .flatMap(({ query, index, chance }) => {
      const own = found.get(query);
      if (own === undefined) return [];
      const score = chance * own.sureness;
      return score < threshold ? [] : [{ index, score, mask: own.mask }];
    })
    .sort((a, b) => b.score - a.score);
}

interface SureMask {
  readonly mask: Mask;
  /** The mean probability of its pixels. */
  readonly sureness: number;
}

/** Makes masks of what queries say, one after another. */
class MaskReader {
  readonly #blocks: ScoreBlocks;
  readonly #picture: PictureSize;
  /** Column by column, as masks are; empty between two masks. */
  readonly #pixels: Uint8Array;

  constructor(masks: ScoreGrid, picture: PictureSize) {
    this.#blocks = new ScoreBlocks(masks, picture);
    this.#picture = picture;
    this.#pixels = new Uint8Array(picture.width * picture.height);
  }

  /** Undefined where no pixel is likelier in the mask than not. */
  read(query: number): SureMask | undefined {
    const blocks = this.#blocks;
    let [sum, area, first, last] = [0, 0, this.#picture.width, 0];
    for (const row of blocks.rows)
      for (const column of blocks.columns) {
        blocks.enter(row, column);
        if (!(blocks.most(query) > 0)) continue;
        first = Math.min(first, column.start);
        last = Math.max(last, column.end);
        const own = this.#readBlock(query, row, column);
        sum += own.sum;
        area += own.area;
      }
    if (area === 0) return undefined;
    const { width, height } = this.#picture;
    const mask = maskOfColumns(this.#pixels, this.#picture, first, last);
    this.#pixels.fill(0, first * height, Math.min(width, last) * height);
    return { mask, sureness: sum / (area + 1e-6) };
  }

  #readBlock(query: number, row: Span, column: Span): { readonly sum: number; readonly area: number } {
    const { height } = this.#picture;
    let [sum, area] = [0, 0];
    for (let x = column.start; x < column.end; x++)
      for (let y = row.start; y < row.end; y++) {
        const logit = this.#blocks.at(query, x, y);
        if (!(logit > 0)) continue;
        this.#pixels[x * height + y] = 1;
        sum += sigmoid(logit);
        area++;
      }
    return { sum, area };
  }
}
