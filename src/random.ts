// Randomness from an explicit seed and a name, and from nothing else: every part of the library that draws numbers takes one of these, so that
// what was drawn once can be drawn again, whatever was drawn elsewhere in between.
import { SaccadeError } from "./errors.ts";

/**
 * A repeatable stream of numbers (SplitMix-seeded xoshiro128**). Streams of one seed with different names are independent.
 *
 * @example const random = new RandomSource(1, "augment/epoch 3/picture 17");
 */
export class RandomSource {
  /** Signed, because engines are faster with 31 bits and a sign than with 32 bits. */
  readonly #state = new Int32Array(4);
  #spare: number | undefined;

  constructor(seed: number, stream = "") {
    let h = seed >>> 0;
    for (let i = 0; i < stream.length; i++) h = Math.imul(h ^ stream.charCodeAt(i), 0x01000193) >>> 0;
    for (let i = 0; i < 4; i++) {
      h = (h + 0x9e3779b9) >>> 0;
      let z = h;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[i] = z ^ (z >>> 16);
    }
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
  }

  /** 32 random bits. */
  next(): number {
    const state = this.#state;
    const s1 = state[1]!;
    const five = Math.imul(s1, 5);
    const result = Math.imul((five << 7) | (five >>> 25), 9);
    const s2 = state[2]! ^ state[0]!;
    const s3 = state[3]! ^ s1;
    state[1] = s1 ^ s2;
    state[0] = state[0]! ^ s3;
    state[2] = s2 ^ (s1 << 9);
    state[3] = (s3 << 11) | (s3 >>> 21);
    return result >>> 0;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.next() >>> 5) * 67108864 + (this.next() >>> 6)) / 9007199254740992;
  }

  /** Integer in [0, bound). */
  integer(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** Standard normal (Box-Muller). */
  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** True with this probability: never for 0, always for 1. */
  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** One of the values, all equally likely. */
  choice<T>(values: readonly T[]): T {
    if (values.length === 0) throw new SaccadeError("random", "there is nothing to choose from");
    return values[this.integer(values.length)]!;
  }

  /** Puts the values in a random order, in place (Fisher and Yates). Every order is equally likely. */
  shuffle<T extends unknown[] | Int32Array>(values: T): T {
    for (let last = values.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const kept = values[last]!;
      values[last] = values[other]!;
      values[other] = kept;
    }
    return values;
  }

  /** Beta distribution, both shapes above 0. */
  beta(a: number, b: number): number {
    const x = this.#gamma(a);
    const y = this.#gamma(b);
    // Tiny shapes can make both underflow; then one of the ends is as good as the other.
    return x + y === 0 ? Number(this.chance(0.5)) : x / (x + y);
  }

  /** Gamma distribution with scale 1 (Marsaglia and Tsang, 2000). */
  #gamma(shape: number): number {
    if (shape < 1) return this.#gamma(shape + 1) * (1 - this.uniform()) ** (1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - this.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  }
}
