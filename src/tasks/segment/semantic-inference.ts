// From masks with classes to a class for each pixel, as Mask2Former has it (facebookresearch/Mask2Former, mask2former/maskformer_model.py semantic_inference): the largest
// sum over queries of class probability times mask probability. Most blocks of pixels are decided by bounds; in the others only what can decide is added up.
import type { PictureSize } from "../../image/raw-image.ts";
import { classProbabilities, NO_PAUSE, NOTHING, type Pause, type Queries, sigmoid } from "./query-inference.ts";
import { ScoreBlocks, type Span } from "./score-blocks.ts";
import { UNSEEN } from "./score-grid.ts";

/** Each pixel's class, row by row; `UNSEEN` where the view does not show the picture. */
export async function semanticInference(
  queries: Queries,
  picture: PictureSize,
  pause: Pause = NO_PAUSE,
): Promise<Uint16Array> {
  const map = new Uint16Array(picture.width * picture.height).fill(UNSEEN);
  const decider = new BlockDecider(queries, picture, map);
  for (const row of decider.blocks.rows) {
    for (const column of decider.blocks.columns) decider.decide(row, column);
    await pause();
  }
  return map;
}

/** Classes of a query that are likelier are looked at one by one. */
const LIKELY = 1e-3;
/** Queries whose mask is less likely than so much of the likeliest one's are left out where they cannot decide. */
const HERE = 1e-4;
/** Bounds are of rounded numbers. */
const MARGIN = 1e-6;

class BlockDecider {
  readonly blocks: ScoreBlocks;
  readonly #map: Uint16Array;
  readonly #width: number;
  readonly #queries: number;
  readonly #classes: number;
  /** (queries, classes + 1) */
  readonly #table: Float64Array;
  /** By query: classes that are likely, the likeliest of all, and the likeliest of the others. */
  readonly #likely: readonly Int32Array[];
  readonly #largest: Float64Array;
  readonly #rest: Float64Array;
  readonly #upper: Float64Array;
  readonly #lower: Float64Array;
  readonly #high: Float64Array;
  readonly #chances: Float64Array;
  readonly #scores: Float64Array;

  constructor(queries: Queries, picture: PictureSize, map: Uint16Array) {
    const { masks, classes } = queries;
    this.blocks = new ScoreBlocks(masks, picture);
    this.#map = map;
    this.#width = picture.width;
    this.#queries = masks.maps;
    this.#classes = classes;
    this.#table = classProbabilities(queries);
    const rows = Array.from({ length: masks.maps }, (_, query) =>
      this.#table.subarray(query * (classes + 1), query * (classes + 1) + classes),
    );
    this.#likely = rows.map((row) => Int32Array.from(row.keys()).filter((c) => row[c]! >= LIKELY));
    this.#largest = Float64Array.from(rows, (row) => row.reduce((a, b) => Math.max(a, b), 0));
    this.#rest = Float64Array.from(rows, (row) => row.reduce((a, b) => (b < LIKELY ? Math.max(a, b) : a), 0));
    this.#upper = new Float64Array(classes);
    this.#lower = new Float64Array(classes);
    this.#high = new Float64Array(masks.maps);
    this.#chances = new Float64Array(masks.maps);
    this.#scores = new Float64Array(classes);
  }

  decide(row: Span, column: Span): void {
    const { blocks } = this;
    blocks.enter(row, column);
    const high = this.#high;
    let highest = 0;
    for (let query = 0; query < this.#queries; query++) {
      const most = blocks.most(query);
      high[query] = most < NOTHING ? 0 : sigmoid(most);
      highest = Math.max(highest, high[query]!);
    }
    const here: number[] = [];
    /** What queries that are left out may add to a score. */
    let left = 0;
    for (let query = 0; query < this.#queries; query++)
      if (high[query]! > 0 && high[query]! >= HERE * highest) here.push(query);
      else left += high[query]! * this.#largest[query]!;
    const { candidates, isDecided } = this.#candidates(here, left);
    // Where all scores are nothing, the first class is the first of equal ones.
    const everywhere = highest === 0 ? 0 : isDecided ? candidates[0]! : undefined;
    if (everywhere !== undefined) {
      for (let y = row.start; y < row.end; y++)
        this.#map.fill(everywhere, y * this.#width + column.start, y * this.#width + column.end);
      return;
    }
    for (let y = row.start; y < row.end; y++)
      for (let x = column.start; x < column.end; x++)
        this.#map[y * this.#width + x] = this.#classAt(x, y, here, left, candidates);
  }

  /** Those of the classes that are likely here that may be the largest somewhere in the block, and whether one is it everywhere. */
  #candidates(
    here: readonly number[],
    left: number,
  ): { readonly candidates: readonly number[]; readonly isDecided: boolean } {
    const { blocks } = this;
    const [upper, lower] = [this.#upper, this.#lower];
    const touched = new Set<number>();
    /** What may come to any score beside what is looked at. */
    let slack = left + MARGIN;
    for (const query of here) {
      const least = blocks.least(query);
      const low = least < NOTHING ? 0 : sigmoid(least);
      slack += this.#rest[query]! * this.#high[query]!;
      for (const c of this.#likely[query]!) {
        if (!touched.has(c)) [upper[c], lower[c]] = [0, 0];
        touched.add(c);
        const chance = this.#table[query * (this.#classes + 1) + c]!;
        upper[c]! += chance * this.#high[query]!;
        lower[c]! += chance * low;
      }
    }
    let lead = 0;
    for (const c of touched) lead = Math.max(lead, lower[c]!);
    const candidates = [...touched].filter((c) => upper[c]! + slack >= lead).sort((a, b) => a - b);
    // Where no class is certain of more than what may come, any may be it.
    return { candidates, isDecided: candidates.length === 1 && lead > slack };
  }

  #classAt(x: number, y: number, here: readonly number[], left: number, candidates: readonly number[]): number {
    const chances = this.#chances;
    const columns = this.#classes + 1;
    /** What classes that are no candidates may have. */
    let others = left;
    for (const query of here) {
      const logit = this.blocks.at(query, x, y);
      chances[query] = logit < NOTHING ? 0 : Math.fround(sigmoid(logit));
      others += this.#rest[query]! * chances[query]!;
    }
    let [best, first, second] = [0, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const c of candidates) {
      let score = 0;
      for (const query of here) score += this.#table[query * columns + c]! * chances[query]!;
      if (score > first) [best, first, second] = [c, score, first];
      else if (score > second) second = score;
    }
    // All classes are candidates, or none of the others can reach it.
    const isSure = first - second > left && (first > others || candidates.length === this.#classes);
    return isSure ? best : this.#exactClassAt(x, y);
  }

  /** Everything added up; the first of equal ones. */
  #exactClassAt(x: number, y: number): number {
    const [scores, classes] = [this.#scores, this.#classes];
    scores.fill(0);
    for (let query = 0; query < this.#queries; query++) {
      const logit = this.blocks.at(query, x, y);
      if (logit < NOTHING) continue;
      const chance = Math.fround(sigmoid(logit));
      const start = query * (classes + 1);
      for (let c = 0; c < classes; c++) scores[c]! += this.#table[start + c]! * chance;
    }
    let best = 0;
    for (let c = 1; c < classes; c++) if (scores[c]! > scores[best]!) best = c;
    return best;
  }
}
