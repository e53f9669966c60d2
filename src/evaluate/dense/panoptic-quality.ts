// Panoptic quality (Kirillov et al., CVPR 2019), counted by the rules of panopticapi.

/** A part of a picture: a thing, or all of one kind of stuff. */
export interface Segment {
  /** As in the map; above 0. */
  readonly id: number;
  readonly category: number;
  /** Stands for many things. */
  readonly crowd?: boolean | undefined;
}

/** Which segment each pixel is of, 0 for none, and what the segments are. */
export interface PanopticMap {
  readonly ids: ArrayLike<number>;
  readonly segments: readonly Segment[];
}

/** Shares, 0..1; undefined where there is nothing to find and nothing was found. */
export interface PanopticMean {
  /** Panoptic quality: `sq` times `rq` of each category. */
  readonly pq: number | undefined;
  /** How well found segments agree, as the mean IoU of those that are right. */
  readonly sq: number | undefined;
  /** How well segments are found, as an F1 score. */
  readonly rq: number | undefined;
  /** Categories that the means are over. */
  readonly categories: number;
}

export interface PanopticCategory {
  readonly category: number;
  readonly pq: number | undefined;
  readonly sq: number | undefined;
  readonly rq: number | undefined;
  /** The sum of the IoU of right ones. */
  readonly iou: number;
  readonly right: number;
  readonly wrong: number;
  readonly missed: number;
}

export interface PanopticMetrics {
  readonly all: PanopticMean;
  readonly things: PanopticMean;
  readonly stuff: PanopticMean;
  readonly categories: readonly PanopticCategory[];
}

/** A pair of segments that are the same: their IoU is above 0.5, which no other pair of either can be. */
export interface PanopticMatch {
  readonly truth: number;
  readonly found: number;
  readonly iou: number;
}

interface Count {
  iou: number;
  right: number;
  wrong: number;
  missed: number;
}

/** Adds up pictures. */
export class PanopticMeter {
  readonly #counts: Count[];

  /** @param isThing by category: whether it is of things that can be counted, or of stuff */
  constructor(readonly isThing: readonly boolean[]) {
    this.#counts = isThing.map(() => ({ iou: 0, right: 0, wrong: 0, missed: 0 }));
  }

  /** One picture: what is there and what was found, pixel by pixel in one order. Returns the pairs that match. */
  add(truth: PanopticMap, found: PanopticMap): PanopticMatch[] {
    const shared = new Map<string, number>();
    const areas = { truth: new Map<number, number>(), found: new Map<number, number>() };
    const count = (map: Map<number, number>, id: number) => map.set(id, (map.get(id) ?? 0) + 1);
    for (let i = 0; i < truth.ids.length; i++) {
      const [there, answer] = [truth.ids[i]!, found.ids[i]!];
      count(areas.truth, there);
      count(areas.found, answer);
      const key = `${there}/${answer}`;
      shared.set(key, (shared.get(key) ?? 0) + 1);
    }
    const sharedBy = (there: number, answer: number) => shared.get(`${there}/${answer}`) ?? 0;
    const answers = new Map(found.segments.map((segment) => [segment.id, segment]));
    const matches: PanopticMatch[] = [];
    const matched = { truth: new Set<number>(), found: new Set<number>() };
    for (const [key, both] of shared) {
      const [there, answer] = key.split("/").map(Number) as [number, number];
      const segment = truth.segments.find(({ id }) => id === there);
      if (segment === undefined || segment.crowd === true) continue;
      if (answers.get(answer)?.category !== segment.category) continue;
      const union = areas.found.get(answer)! + areas.truth.get(there)! - both - sharedBy(0, answer);
      const iou = both / union;
      if (iou <= 0.5) continue;
      matches.push({ truth: there, found: answer, iou });
      matched.truth.add(there);
      matched.found.add(answer);
      const counts = this.#counts[segment.category]!;
      counts.right++;
      counts.iou += iou;
    }
    const crowds = new Map<number, number>();
    for (const { id, category, crowd } of truth.segments) {
      if (crowd === true) crowds.set(category, id);
      else if (!matched.truth.has(id)) this.#counts[category]!.missed++;
    }
    for (const { id, category } of found.segments) {
      if (matched.found.has(id)) continue;
      const crowd = crowds.get(category);
      const excused = sharedBy(0, id) + (crowd === undefined ? 0 : sharedBy(crowd, id));
      if (!(excused / (areas.found.get(id) ?? 0) > 0.5)) this.#counts[category]!.wrong++;
    }
    return matches.sort((a, b) => a.truth - b.truth);
  }

  result(): PanopticMetrics {
    const categories = this.#counts.map((counts, category): PanopticCategory => {
      const { iou, right, wrong, missed } = counts;
      const half = right + wrong / 2 + missed / 2;
      if (half === 0) return { category, pq: undefined, sq: undefined, rq: undefined, ...counts };
      return { category, pq: iou / half, sq: right === 0 ? 0 : iou / right, rq: right / half, ...counts };
    });
    const over = (keep: (category: number) => boolean): PanopticMean => {
      const kept = categories.filter(({ category, pq }) => pq !== undefined && keep(category));
      const mean = (of: "pq" | "sq" | "rq") =>
        kept.length === 0 ? undefined : kept.reduce((sum, one) => sum + one[of]!, 0) / kept.length;
      return { pq: mean("pq"), sq: mean("sq"), rq: mean("rq"), categories: kept.length };
    };
    return {
      all: over(() => true),
      things: over((category) => this.isThing[category]!),
      stuff: over((category) => !this.isThing[category]!),
      categories,
    };
  }
}
