// Cross-entropy, top-1 and top-5, added up over batches of logits.

export class ScoreSums {
  #count = 0;
  #loss = 0;
  #top1 = 0;
  #top5 = 0;

  /** logits (rows, classes), laid flat; rows whose label is -1 do not count. */
  add(logits: Float32Array, labels: Int32Array): void {
    const classes = logits.length / labels.length;
    labels.forEach((label, row) => {
      if (label < 0) return;
      const { rank, crossEntropy } = scoreRow(logits.subarray(row * classes, (row + 1) * classes), label);
      this.#count += 1;
      this.#loss += crossEntropy;
      if (rank < 1) this.#top1 += 1;
      if (rank < 5) this.#top5 += 1;
    });
  }

  /** Fractions, 0..1, and the mean cross-entropy. */
  means() {
    return { loss: this.#loss / this.#count, top1: this.#top1 / this.#count, top5: this.#top5 / this.#count };
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
