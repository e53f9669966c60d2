// Calibration: whether a model that is 80 % sure is right in 80 of 100 cases (Guo et al., On Calibration of Modern Neural Networks, 2017).

/** Answers of about one confidence. */
export interface ReliabilityBin {
  /** Confidences above `low`, up to `high`. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Mean confidence; undefined in an empty bin. */
  readonly confidence: number | undefined;
  /** Share of right answers; undefined in an empty bin. */
  readonly accuracy: number | undefined;
}

export interface Calibration {
  /** Expected calibration error: the mean distance between confidence and accuracy, bins weighted by their counts. 0..1. */
  readonly ece: number;
  readonly bins: readonly ReliabilityBin[];
}

/** Gathers the confidence of the first answer of every picture, and whether it was right. */
export class CalibrationMeter {
  readonly #counts: Float64Array;
  readonly #confidences: Float64Array;
  readonly #right: Float64Array;

  /** @param bins of equal width */
  constructor(bins = 15) {
    this.#counts = new Float64Array(bins);
    this.#confidences = new Float64Array(bins);
    this.#right = new Float64Array(bins);
  }

  add(confidence: number, isRight: boolean): void {
    const bins = this.#counts.length;
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
    this.#counts[bin]! += 1;
    this.#confidences[bin]! += confidence;
    this.#right[bin]! += Number(isRight);
  }

  result(): Calibration {
    const total = this.#counts.reduce((sum, count) => sum + count, 0);
    const size = this.#counts.length;
    const bins = Array.from(
      this.#counts,
      (count, i): ReliabilityBin => ({
        low: i / size,
        high: (i + 1) / size,
        count,
        confidence: count === 0 ? undefined : this.#confidences[i]! / count,
        accuracy: count === 0 ? undefined : this.#right[i]! / count,
      }),
    );
    const distance = bins.reduce((sum, _, i) => sum + Math.abs(this.#right[i]! - this.#confidences[i]!), 0);
    return { ece: total === 0 ? 0 : distance / total, bins };
  }
}
