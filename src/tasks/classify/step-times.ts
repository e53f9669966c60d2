// How long each step of a model takes here: measured as it runs, kept by the size of the batch, which changes what a picture costs.

/** A new measurement's share. Old ones fade: a machine that gets busy is believed after a few runs. */
const NEWEST_SHARE = 0.3;

/** Running means of milliseconds a picture, by step and by batch size in powers of two. */
export class StepTimes {
  readonly #means: readonly Map<number, number>[];

  constructor(steps: number) {
    this.#means = Array.from({ length: steps }, () => new Map());
  }

  /** Whether every step has been measured at some batch size. */
  get isComplete(): boolean {
    return this.#means.every((bySize) => bySize.size > 0);
  }

  add(step: number, pictures: number, milliseconds: number): void {
    const bySize = this.#means[step]!;
    const size = sizeClass(pictures);
    const measured = milliseconds / pictures;
    const before = bySize.get(size);
    bySize.set(size, before === undefined ? measured : before + NEWEST_SHARE * (measured - before));
  }

  /** Expected milliseconds a picture of a step that `pictures` take together, by the nearest size that was measured. */
  perPicture(step: number, pictures: number): number {
    const size = sizeClass(pictures);
    const [nearest] = [...this.#means[step]!].sort(([a], [b]) => Math.abs(a - size) - Math.abs(b - size));
    return nearest?.[1] ?? 0;
  }
}

function sizeClass(pictures: number): number {
  return Math.round(Math.log2(pictures));
}
