// How fast the machine multiplies matrices: the limit that every model has, measured in the same rounds as the models, with the same engine.
// A model's share of it says how much of its time goes into the products that it is made of.
import { gemm, slice } from "../../graph/build.ts";
import { trace } from "../../graph/scope.ts";
import { lower } from "../../onnx/lower.ts";
import { RandomSource } from "../../random.ts";
import { tensor } from "../../tensor.ts";

export interface ProductProbe {
  /** Rows and columns of the square matrices. */
  readonly size: number;
  /** Products of one run, each of the result before it. */
  readonly products: number;
}

/** Large enough for an engine's best rate, small enough that a run takes a moment. Which one is fastest depends on the caches. */
export const NATIVE_PROBES: readonly ProductProbe[] = [
  { size: 1024, products: 4 },
  { size: 1536, products: 2 },
  { size: 2048, products: 1 },
];

/** Where products are slow, the smallest alone. */
export const SLOW_PROBES: readonly ProductProbe[] = [{ size: 1024, products: 1 }];

/** An ONNX model with the input `x` (size, size), which multiplies by a weight again and again and gives one number, `corner`. */
export function productModel({ size, products }: ProductProbe): Uint8Array {
  const graph = trace((scope) => {
    const weight = scope.parameter("weight", [size, size], { kind: "zeros" });
    let x = scope.graph.input("x", [size, size]);
    for (let i = 0; i < products; i++) x = gemm(x, weight);
    return { corner: slice(slice(x, 0, 0, 1), 1, 0, 1) };
  });
  const random = new RandomSource(0, "bench/products");
  // Deviation 1 / sqrt(size), so that products neither grow nor fade.
  const bound = Math.sqrt(3 / size);
  const weight = Float32Array.from({ length: size * size }, () => random.between(-bound, bound));
  return lower(graph, { parameters: new Map([["weight", tensor("float32", [size, size], weight)]]) });
}

/** What `productModel` takes. */
export function productInput({ size }: ProductProbe): { x: { dtype: "float32"; shape: number[]; data: Float32Array } } {
  const data = new Float32Array(size * size);
  for (let i = 0; i < data.length; i++) data[i] = ((i * 7919) % 1000) / 500 - 1;
  return { x: { dtype: "float32", shape: [size, size], data } };
}

/** Multiplications and additions of one run. */
export function productFlops({ size, products }: ProductProbe): number {
  return 2 * size ** 3 * products;
}
