// How a parameter starts when no checkpoint gives it: descriptions as data, drawn later from an explicit seed. Each parameter's numbers
// depend on the seed and its own name alone, so adding a layer does not change the others.
import { SaccadeError } from "../errors.ts";
import { elementCount } from "../tensor.ts";

export type Initializer =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  | { readonly kind: "constant"; readonly value: number }
  /** Normal, redrawn outside mean +- 2 (absolute bounds, as timm and PyTorch's trunc_normal_ have it). */
  | { readonly kind: "truncatedNormal"; readonly std: number }
  | { readonly kind: "normal"; readonly std: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  /** He et al., fan-out, gain sqrt 2: convolutions. */
  | { readonly kind: "kaimingNormalFanOut" }
  /** Glorot uniform of consecutive matrices laid flat in one vector. */
  | { readonly kind: "xavierUniformBlocks"; readonly blocks: readonly (readonly [fanIn: number, fanOut: number])[] }
  | { readonly kind: "values"; readonly values: ArrayLike<number> };

/** A repeatable stream of numbers (SplitMix-seeded xoshiro128**). */
export class RandomSource {
  readonly #state = new Uint32Array(4);
  #spare: number | undefined;

  constructor(seed: number, stream = "") {
    let h = seed >>> 0;
    for (let i = 0; i < stream.length; i++) h = Math.imul(h ^ stream.charCodeAt(i), 0x01000193) >>> 0;
    for (let i = 0; i < 4; i++) {
      h = (h + 0x9e3779b9) >>> 0;
      let z = h;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[i] = (z ^ (z >>> 16)) >>> 0;
    }
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
  }

  /** 32 random bits. */
  next(): number {
    const s = this.#state;
    const rotate = (x: number, k: number) => ((x << k) | (x >>> (32 - k))) >>> 0;
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotate(s[3]!, 11);
    return result;
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
}

/** The first value of a parameter. Same seed, name and shape: same numbers. */
export function initialize(
  name: string,
  shape: readonly number[],
  initializer: Initializer,
  seed: number,
): Float32Array {
  const out = new Float32Array(elementCount(shape));
  const random = new RandomSource(seed, name);
  switch (initializer.kind) {
    case "zeros":
      return out;
    case "ones":
      return out.fill(1);
    case "constant":
      return out.fill(initializer.value);
    case "truncatedNormal":
      return out.map(() => truncatedNormal(random, initializer.std));
    case "normal":
      return out.map(() => random.normal() * initializer.std);
    case "uniform":
      return out.map(() => initializer.low + (initializer.high - initializer.low) * random.uniform());
    case "kaimingNormalFanOut": {
      const fanOut = (shape[0] ?? 1) * elementCount(shape.slice(2));
      const std = Math.sqrt(2 / fanOut);
      return out.map(() => random.normal() * std);
    }
    case "xavierUniformBlocks": {
      let at = 0;
      for (const [fanIn, fanOut] of initializer.blocks) {
        const bound = Math.sqrt(6 / (fanIn + fanOut));
        for (let i = 0; i < fanIn * fanOut; i++) out[at++] = bound * (2 * random.uniform() - 1);
      }
      if (at !== out.length)
        throw new SaccadeError("graph", `initialiser of "${name}" covers ${at} of ${out.length} values`);
      return out;
    }
    case "values":
      if (initializer.values.length !== out.length)
        throw new SaccadeError(
          "graph",
          `initialiser of "${name}" has ${initializer.values.length} values for ${out.length}`,
        );
      out.set(initializer.values);
      return out;
  }
}

function truncatedNormal(random: RandomSource, std: number): number {
  for (;;) {
    const value = random.normal() * std;
    if (Math.abs(value) <= 2) return value;
  }
}
