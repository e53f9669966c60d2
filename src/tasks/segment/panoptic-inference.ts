// From masks with classes to one segment a pixel, as Mask2Former has it (facebookresearch/Mask2Former, mask2former/maskformer_model.py panoptic_inference).
import type { PictureSize } from "../../image/raw-image.ts";
import { classProbabilities, NO_PAUSE, NOTHING, type Pause, type Queries, sigmoid } from "./query-inference.ts";
import { ScoreBlocks } from "./score-blocks.ts";

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

/** A query that is sure of its class. */
interface Kept {
  readonly query: number;
  readonly index: number;
  readonly chance: number;
}

/** What became of a query's pixels. */
interface Owned {
  /** Of its mask, whoever has them. */
  whole: number;
  /** That it has. */
  all: number;
  /** That it has, and of its mask. */
  sure: number;
}

/** Every pixel in at most one segment: 0 for none, row by row. Stuff of one class is one segment. */
export async function panopticInference(
  queries: Queries,
  picture: PictureSize,
  { isThing, threshold = 0.8, overlap = 0.8 }: PanopticChoice,
  pause: Pause = NO_PAUSE,
): Promise<{ readonly ids: Int32Array; readonly segments: PanopticSegment[] }> {
  const kept = sureQueries(queries, threshold);
  const { owners, owned } = await ownersOf(queries, picture, kept, pause);
  const segments: PanopticSegment[] = [];
  /** By place in `kept`, from 1: the segment's id; 0 for none. */
  const idOf = new Int32Array(kept.length + 1);
  const stuff = new Map<number, number>();
  for (const [i, { index, chance }] of kept.entries()) {
    const { all, sure, whole } = owned[i]!;
    if (all === 0 || whole === 0 || sure === 0 || all / whole < overlap) continue;
    const known = isThing(index) ? undefined : stuff.get(index);
    idOf[i + 1] = known ?? segments.length + 1;
    if (known !== undefined) {
      const segment = segments[known - 1]!;
      segments[known - 1] = { ...segment, score: Math.max(segment.score, chance) };
      continue;
    }
    segments.push({ id: segments.length + 1, index, isThing: isThing(index), score: chance });
    if (!isThing(index)) stuff.set(index, segments.length);
  }
  for (let at = 0; at < owners.length; at++) owners[at] = idOf[owners[at]!]!;
  return { ids: owners, segments };
}

function sureQueries(queries: Queries, threshold: number): Kept[] {
  const columns = queries.classes + 1;
  const probabilities = classProbabilities(queries);
  return Array.from({ length: queries.masks.maps }, (_, query) => query).flatMap((query) => {
    const row = probabilities.subarray(query * columns, (query + 1) * columns);
    const index = row.indexOf(row.reduce((a, b) => Math.max(a, b)));
    return index !== queries.classes && row[index]! > threshold ? [{ query, index, chance: row[index]! }] : [];
  });
}

/** Bounds are of rounded numbers. */
const MARGIN = 1e-6;

/**
 * Which query has each pixel: the one whose class probability times mask probability is the largest.
 *
 * @returns `owners`, row by row: place in `kept` from 1 where the pixel is of the owner's mask, else 0
 */
async function ownersOf(
  { masks }: Queries,
  picture: PictureSize,
  kept: readonly Kept[],
  pause: Pause,
): Promise<{ readonly owners: Int32Array; readonly owned: readonly Owned[] }> {
  const { width } = picture;
  const blocks = new ScoreBlocks(masks, picture);
  const owners = new Int32Array(width * picture.height);
  const owned = kept.map((): Owned => ({ whole: 0, all: 0, sure: 0 }));
  const upper = new Float64Array(kept.length);
  const here = new Int32Array(kept.length);
  for (const row of blocks.rows) {
    for (const column of blocks.columns) {
      blocks.enter(row, column);
      let [count, lead] = [0, 0];
      for (const [i, { query, chance }] of kept.entries()) {
        const most = blocks.most(query);
        if (most < NOTHING) continue;
        upper[i] = chance * sigmoid(most);
        const least = blocks.least(query);
        if (least >= NOTHING) lead = Math.max(lead, chance * sigmoid(least));
        here[count++] = i;
      }
      // Those that have no pixel of the block may still have it in their mask.
      let rivals = 0;
      for (let j = 0; j < count; j++)
        if (upper[here[j]!]! >= lead - MARGIN || blocks.most(kept[here[j]!]!.query) >= 0) here[rivals++] = here[j]!;
      const [only] = here;
      if (rivals === 1 && blocks.least(kept[only!]!.query) >= 0) {
        const area = (row.end - row.start) * (column.end - column.start);
        const own = owned[only!]!;
        own.whole += area;
        own.all += area;
        own.sure += area;
        for (let y = row.start; y < row.end; y++)
          owners.fill(only! + 1, y * width + column.start, y * width + column.end);
        continue;
      }
      for (let y = row.start; y < row.end; y++)
        for (let x = column.start; x < column.end; x++) {
          let [best, owner, ownLogit] = [0, -1, NOTHING];
          for (let j = 0; j < rivals; j++) {
            const i = here[j]!;
            const { query, chance } = kept[i]!;
            const logit = blocks.at(query, x, y);
            if (logit >= 0) owned[i]!.whole++;
            if (logit < NOTHING || (owner >= 0 && logit <= ownLogit && chance <= kept[owner]!.chance)) continue;
            const product = chance * sigmoid(logit);
            if (product <= best) continue;
            [best, owner, ownLogit] = [product, i, logit];
          }
          if (owner < 0) continue;
          owned[owner]!.all++;
          if (ownLogit < 0) continue;
          owned[owner]!.sure++;
          owners[y * width + x] = owner + 1;
        }
    }
    await pause();
  }
  return { owners, owned };
}
