// The fully connected layer, PyTorch's names: `weight` (out, in) and `bias` (out).
import { gemm, reshape } from "../graph/build.ts";
import { multiplyDims, sizeOf } from "../graph/dimensions.ts";
import type { Initializer } from "../graph/initializers.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";

export interface LinearOptions {
  /** Default true. */
  bias?: boolean;
  /** Default: truncated normal of deviation 0.02, as vision transformers start. */
  weightInit?: Initializer;
  /** Default zeros. */
  biasInit?: Initializer;
}

export const TRUNCATED_NORMAL_002: Initializer = { kind: "truncatedNormal", std: 0.02 };

/** x (…, in) -> (…, out). */
export function linear(scope: Scope, x: Tensor, features: number, options: LinearOptions = {}): Tensor {
  return scope.run(() => {
    const width = fixedWidth(x);
    const weight = scope.parameter("weight", [features, width], options.weightInit ?? TRUNCATED_NORMAL_002);
    const bias =
      options.bias === false ? undefined : scope.parameter("bias", [features], options.biasInit ?? { kind: "zeros" });
    return affine(x, weight, bias);
  });
}

/** x (…, in) times weight (out, in) transposed, plus bias: as one 2-D product, which engines do best. */
export function affine(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  const leading = x.shape.slice(0, -1);
  const rows = reshape(x, [sizeOf(leading), x.shape.at(-1)!]); // (rows, in)
  return reshape(gemm(rows, weight, bias, { transposeB: true }), [...leading, weight.shape[0]!]);
}

/** The last dimension, which layers need as a number. */
export function fixedWidth(x: Tensor): number {
  // Multiplying by one keeps a number a number and gives a shape error elsewhere its readable text.
  const width = multiplyDims(x.shape.at(-1) ?? 0, 1);
  if (typeof width !== "number") throw new TypeError(`a layer needs a fixed width, got ${width}`);
  return width;
}
