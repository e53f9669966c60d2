// From what a layer gives for a picture (a vector, tokens, a map) to one vector.
import { UsageError } from "../../errors.ts";
import { elementCount, type TensorData, toFloat32 } from "../../tensor.ts";

export const POOLINGS = ["mean", "max", "first", "none"] as const;
/**
 * What becomes of tokens (N, tokens, width) and of maps (N, channels, height, width).
 *
 * - "mean", "max": of all tokens or places, (N, width) or (N, channels)
 * - "first": the first token, which in many transformers is the class token
 * - "none": all values one after the other; the width then depends on the picture's size where the layer's does
 */
export type Pooling = (typeof POOLINGS)[number];

/** How a layer's values lie: `groups` of `places` numbers, or `places` groups of `width` numbers. */
interface Layout {
  readonly width: number;
  readonly places: number;
  /** Whether the numbers of a place lie side by side (tokens), or the places of a channel (maps). */
  readonly isByPlace: boolean;
}

/** The shape that pooling starts from: one vector needs none. */
export function effectivePooling(shape: readonly unknown[] | undefined, pooling: Pooling): Pooling {
  return shape !== undefined && shape.length <= 2 ? "none" : pooling;
}

/**
 * Numbers in a vector that is pooled from a layer; undefined where that depends on sizes that are free.
 *
 * @param shape of the layer, (N, …)
 */
export function pooledWidth(shape: readonly (number | string)[] | undefined, pooling: Pooling): number | undefined {
  if (shape === undefined) return undefined;
  const [, ...sizes] = shape;
  const wanted = pooling === "none" ? sizes : sizes.length === 3 ? [sizes[0]!] : sizes.slice(-1);
  return wanted.every((size) => typeof size === "number") ? elementCount(wanted) : undefined;
}

/**
 * One vector a picture.
 *
 * @param value (N, …)
 * @param count N
 * @param layer for messages
 * @throws UsageError for values that are not one for each picture, and where tokens or maps are wanted and there are none
 */
export function poolFeatures(value: TensorData, count: number, pooling: Pooling, layer: string): Float32Array[] {
  const { shape } = value;
  if (shape[0] !== count)
    throw new UsageError(
      `layer "${layer}" gives [${shape.join(", ")}] for ${count} pictures: its first size does not count them`,
      "take another layer",
    );
  const size = elementCount(shape) / count;
  const data = toFloat32(value);
  const rows = Array.from({ length: count }, (_, i) => data.subarray(i * size, (i + 1) * size));
  if (pooling === "none" || shape.length <= 2) return rows.map((row) => row.slice());
  const layout = layoutOf(shape, pooling, layer);
  return rows.map((row) => pooled(row, layout, pooling));
}

function layoutOf(shape: readonly number[], pooling: Pooling, layer: string): Layout {
  const [, ...sizes] = shape;
  if (sizes.length === 2) return { places: sizes[0]!, width: sizes[1]!, isByPlace: true };
  if (sizes.length === 3 && pooling !== "first")
    return { width: sizes[0]!, places: sizes[1]! * sizes[2]!, isByPlace: false };
  throw new UsageError(
    `layer "${layer}" gives [${shape.join(", ")}], of which there is no ${pooling}`,
    sizes.length === 3
      ? "maps have a mean and a max"
      : 'tokens (N, tokens, width) and maps (N, channels, h, w) have; or take pooling "none"',
  );
}

function pooled(
  row: Float32Array,
  { width, places, isByPlace }: Layout,
  pooling: "mean" | "max" | "first" | "none",
): Float32Array {
  if (pooling === "first") return row.slice(0, width);
  const out = new Float32Array(width);
  const [acrossWidth, acrossPlaces] = isByPlace ? [1, width] : [places, 1];
  for (let i = 0; i < width; i++) {
    let sum = 0;
    let most = Number.NEGATIVE_INFINITY;
    let hasNan = false;
    for (let place = 0; place < places; place++) {
      const x = row[i * acrossWidth + place * acrossPlaces]!;
      sum += x;
      if (x > most) most = x;
      hasNan ||= Number.isNaN(x);
    }
    out[i] = pooling === "mean" ? sum / places : hasNan ? Number.NaN : most;
  }
  return out;
}
