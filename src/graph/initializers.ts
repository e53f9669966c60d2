// How a parameter starts when no checkpoint gives it: descriptions as data, drawn later from an explicit seed. Each parameter's numbers
// depend on the seed and its own name alone, so adding a layer does not change the others.
import { SaccadeError } from "../errors.ts";
import { RandomSource } from "../random.ts";
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
