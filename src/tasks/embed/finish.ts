// What becomes of a picture's features after the model: the same arithmetic whether they come from it or from the cache.
import { UsageError } from "../../errors.ts";
import type { DigestHost } from "../../platform/host.ts";
import { DIGEST_DIGITS } from "./space.ts";

type Numbers = Float64Array | Float32Array;

/** An affine map of vectors to fewer numbers, such as principal components and their whitening: `scale[k] * components[k] · (x - mean)`. Plain data. */
export interface Projection {
  /** (width) */
  readonly mean: Numbers;
  /** (components, width), row by row. */
  readonly components: Numbers;
  /** (components): 1 where nothing is whitened. */
  readonly scale: Numbers;
}

export interface Finishing {
  readonly projection?: Projection | undefined;
  readonly power: boolean;
  readonly normalize: boolean;
}

/** Throws UsageError for a projection whose sizes do not go together, or that is for vectors of another width. */
export function requireProjection({ mean, components, scale }: Projection, width: number): void {
  if (mean.length !== width)
    throw new UsageError(
      `the projection is for vectors of ${mean.length} numbers, and the layer gives ${width}`,
      "fit it to features of this model and layer",
    );
  if (scale.length === 0 || components.length !== scale.length * width)
    throw new UsageError(
      `a projection from ${width} to ${scale.length} numbers has ${scale.length * width} components, not ${components.length}`,
    );
}

/** 16 hexadecimal digits: equal for equal numbers. */
export async function projectionDigest(host: DigestHost, { mean, components, scale }: Projection): Promise<string> {
  const numbers = new Float64Array(mean.length + components.length + scale.length);
  numbers.set(mean);
  numbers.set(components, mean.length);
  numbers.set(scale, mean.length + components.length);
  return (await host.sha256(new Uint8Array(numbers.buffer))).slice(0, DIGEST_DIGITS);
}

/** Features of unit length are projected; then each number becomes the root of its size, and the vector as long as 1, as far as these are wanted. */
export function finish(features: Float32Array, { projection, power, normalize }: Finishing): Float32Array {
  const projected = projection === undefined ? features : project(unit(features), projection);
  const rooted = power ? projected.map((x) => Math.sign(x) * Math.sqrt(Math.abs(x))) : projected;
  return normalize ? unit(rooted) : rooted;
}

function project(x: Float32Array, { mean, components, scale }: Projection): Float32Array {
  const width = x.length;
  return Float32Array.from(scale, (factor, k) => {
    let dot = 0;
    for (let i = 0; i < width; i++) dot += components[k * width + i]! * (x[i]! - mean[i]!);
    return factor * dot;
  });
}

/** Scaled to length 1; a vector of zeros stays one. */
export function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** Of vectors of one width, at least one. */
export function meanVector(vectors: readonly Float32Array[]): Float32Array {
  const [first] = vectors as readonly [Float32Array, ...Float32Array[]];
  if (vectors.length === 1) return first;
  return first.map((_, i) => vectors.reduce((sum, vector) => sum + vector[i]!, 0) / vectors.length);
}
