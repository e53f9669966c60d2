// Cross-entropy, top-1 and top-5, added up over batches of logits, and what each picture got.
import type { PictureScores } from "./epoch-choice.ts";

export class ScoreSums {
  readonly #right: number[] = [];
  readonly #losses: number[] = [];
  #count = 0;
  #loss = 0;
  #top1 = 0;
  #top5 = 0;

  /** logits (rows, classes), laid flat; rows whose label is -1 do not count. */
  add(logits: Float32Array, labels: Int32Array): void {
    const classes = logits.length / labels.length;
    labels.forEach((label, row) => {
      if (label < 0) {
        this.#right.push(Number.NaN);
        this.#losses.push(Number.NaN);
        return;
      }
      const { rank, crossEntropy } = scoreRow(logits.subarray(row * classes, (row + 1) * classes), label);
      this.#count += 1;
      this.#loss += crossEntropy;
      this.#right.push(rank < 1 ? 1 : 0);
      this.#losses.push(crossEntropy);
      if (rank < 1) this.#top1 += 1;
      if (rank < 5) this.#top5 += 1;
    });
  }

  /** Fractions, 0..1, and the mean cross-entropy, of so many pictures. */
  means() {
    const count = this.#count;
    return { loss: this.#loss / count, top1: this.#top1 / count, top5: this.#top5 / count, pictures: count };
  }

  /** What each picture got, in the order in which they came. */
  pictures(): PictureScores {
    return { right: Float32Array.from(this.#right), losses: Float32Array.from(this.#losses) };
  }
}

/** How many classes are ahead of the label, and its cross-entropy. Scores that are not numbers are wrong answers. */
function scoreRow(logits: Float32Array, label: number): { rank: number; crossEntropy: number } {
  const own = logits[label]!;
  const largest = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  let sum = 0;
  let rank = 0;
  for (const [c, value] of logits.entries()) {
    sum += Math.exp(value - largest);
    if (!(value < own) && (value !== own || c < label)) rank += 1;
  }
  return { rank, crossEntropy: Math.log(sum) + largest - own };
}
