// How well classes of pixels agree: one table of counts, and what is usually read from it.

/** Pixels with this target are left out. */
export const IGNORE = 255;

/** Shares, 0..1; undefined where there is nothing to share. */
export interface SemanticMetrics {
  /** The mean IoU over classes that are in targets or answers. */
  readonly miou: number | undefined;
  /** The same over classes that are in targets: what is only ever answered wrongly does not count. */
  readonly miouOfTargets: number | undefined;
  readonly pixelAccuracy: number | undefined;
  readonly meanAccuracy: number | undefined;
  /** IoU weighted by how many pixels a class has. */
  readonly frequencyWeightedIou: number | undefined;
  /** The mean Dice score over classes that are in targets or answers. */
  readonly dice: number | undefined;
  readonly classes: readonly ClassAgreement[];
  readonly pixels: number;
}

export interface ClassAgreement {
  readonly category: number;
  /** Pixels whose target it is. */
  readonly pixels: number;
  readonly iou: number | undefined;
  readonly dice: number | undefined;
  /** The share of its pixels that are answered rightly. */
  readonly accuracy: number | undefined;
}

/** Adds up maps of classes. */
export class SemanticMeter {
  /** (target, answer), row by row. */
  readonly confusion: Float64Array;
  /** By target: pixels whose answer is none of the classes. */
  readonly #elsewhere: Float64Array;

  constructor(readonly categories: number) {
    this.confusion = new Float64Array(categories * categories);
    this.#elsewhere = new Float64Array(categories);
  }

  /**
   * One picture: the class of each pixel, in one order. Pixels whose target is no class, such as 255, are left out; those whose answer is none are wrong.
   *
   * @returns how many pixels count, and how many of them are right
   */
  add(targets: ArrayLike<number>, answers: ArrayLike<number>): { readonly pixels: number; readonly right: number } {
    let [pixels, right] = [0, 0];
    for (let i = 0; i < targets.length; i++) {
      const [target, answer] = [targets[i]!, answers[i]!];
      if (target >= this.categories) continue;
      pixels++;
      if (target === answer) right++;
      if (answer < this.categories) this.confusion[target * this.categories + answer]!++;
      else this.#elsewhere[target]!++;
    }
    return { pixels, right };
  }

  result(): SemanticMetrics {
    const { categories: count, confusion } = this;
    const indexes = Array.from({ length: count }, (_, i) => i);
    const at = (target: number, answer: number) => confusion[target * count + answer]!;
    const targets = indexes.map(
      (target) => sum(indexes.map((answer) => at(target, answer))) + this.#elsewhere[target]!,
    );
    const answered = indexes.map((answer) => sum(indexes.map((target) => at(target, answer))));
    const pixels = sum(targets);
    const classes = indexes.map((category): ClassAgreement => {
      const right = at(category, category);
      const both = targets[category]! + answered[category]!;
      return {
        category,
        pixels: targets[category]!,
        iou: share(right, both - right),
        dice: share(2 * right, both),
        accuracy: share(right, targets[category]!),
      };
    });
    const frequencies = classes.map(({ iou, pixels: own }) => (iou ?? 0) * own);
    return {
      miou: mean(classes.map(({ iou }) => iou)),
      miouOfTargets: mean(classes.map(({ iou, pixels: own }) => (own === 0 ? undefined : iou))),
      pixelAccuracy: share(sum(indexes.map((category) => at(category, category))), pixels),
      meanAccuracy: mean(classes.map(({ accuracy }) => accuracy)),
      frequencyWeightedIou: share(sum(frequencies), pixels),
      dice: mean(classes.map(({ dice }) => dice)),
      classes,
      pixels,
    };
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const share = (part: number, whole: number): number | undefined => (whole === 0 ? undefined : part / whole);

function mean(values: readonly (number | undefined)[]): number | undefined {
  const there = values.filter((value) => value !== undefined);
  return share(sum(there), there.length);
}
