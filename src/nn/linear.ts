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

/** A layer that starts as torch.nn.Linear does: weight and bias uniform within 1 / sqrt(in). */
export function torchLinear(scope: Scope, x: Tensor, features: number): Tensor {
  const start = torchDefault(fixedWidth(x));
  return linear(scope, x, features, { weightInit: start, biasInit: start });
}

/** How PyTorch starts layers that nobody initialises, weights and biases alike. `fanIn`: inputs of one output. */
export function torchDefault(fanIn: number): Initializer {
  const bound = fanIn ** -0.5;
  return { kind: "uniform", low: -bound, high: bound };
}

/** x (…, in) times weight (out, in) transposed, plus bias: as one 2-D product, which engines do best. */
export function affine(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  const leading = x.shape.slice(0, -1);
  const rows = reshape(x, [sizeOf(leading), x.shape.at(-1)!]); // (rows, in)
  return reshape(gemm(rows, weight, bias, { transposeB: true }), [...leading, weight.shape[0]!]);
}

/** The last dimension, which layers need as a number. */
export function fixedWidth(x: Tensor): number {
  return fixedDim(x, -1);
}

/** The dimension at an axis, counted from the end when negative, which layers need as a number. */
export function fixedDim(x: Tensor, axis: number): number {
  // Multiplying by one keeps a number a number and gives a shape error elsewhere its readable text.
  const size = multiplyDims(x.shape.at(axis) ?? 0, 1);
  if (typeof size !== "number") throw new TypeError(`a layer needs a fixed width, got ${size}`);
  return size;
}

/** A last layer that is drawn by its fan-out, as networks from TensorFlow have it. x: (..., in) -> (..., classes) */
export function fanOutLinear(scope: Scope, x: Tensor, classes: number): Tensor {
  const bound = classes ** -0.5;
  return linear(scope, x, classes, { weightInit: { kind: "uniform", low: -bound, high: bound } });
}
