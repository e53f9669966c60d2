// Of several boxes of one thing the surest stays.
import { type Box, boxIou } from "./box.ts";

export interface Candidate {
  readonly box: Box;
  readonly score: number;
  /** Boxes of different classes are never of one thing. */
  readonly index: number;
}

/**
 * The candidates without those that overlap a surer one of their class by more than `overlap` (IoU), best first. Of equal scores the earlier comes first.
 *
 * @param most stop after so many
 */
export function suppress<C extends Candidate>(candidates: readonly C[], overlap: number, most = Infinity): C[] {
  const kept: C[] = [];
  const byClass = new Map<number, C[]>();
  for (const candidate of [...candidates].sort((a, b) => b.score - a.score)) {
    if (kept.length >= most) break;
    const rivals = byClass.get(candidate.index) ?? [];
    if (rivals.some(({ box }) => boxIou(box, candidate.box) > overlap)) continue;
    rivals.push(candidate);
    byClass.set(candidate.index, rivals);
    kept.push(candidate);
  }
  return kept;
}

export interface SoftOptions {
  /** Of the Gaussian by which overlapping boxes lose score. Default 0.5, the paper's. */
  readonly sigma?: number;
  /** What falls below it is gone. Default 0.001. */
  readonly least?: number;
}

/**
 * Soft suppression (Bodla et al., ICCV 2017): what overlaps a surer box of its class loses score, by exp(-IoU^2 / sigma), instead of going at once.
 *
 * @returns candidates with what is left of their scores, best first
 */
export function softSuppress<C extends Candidate>(candidates: readonly C[], options: SoftOptions = {}): C[] {
  const { sigma = 0.5, least = 0.001 } = options;
  const waiting = candidates.map((candidate) => ({ candidate, score: candidate.score }));
  const kept: C[] = [];
  while (waiting.length > 0) {
    const best = waiting.reduce((a, b, i) => (b.score > waiting[a]!.score ? i : a), 0);
    const [{ candidate, score }] = waiting.splice(best, 1) as [(typeof waiting)[number]];
    if (score < least) break;
    kept.push({ ...candidate, score });
    for (const other of waiting)
      if (other.candidate.index === candidate.index)
        other.score *= Math.exp(-(boxIou(candidate.box, other.candidate.box) ** 2) / sigma);
  }
  return kept;
}
