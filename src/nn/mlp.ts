// The transformer's two-layer perceptron, timm's names: `fc1` and `fc2`.
import { gelu } from "../graph/build.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { fixedWidth, linear } from "./linear.ts";

/** x (…, width) -> the same shape, through `ratio` times the width. */
export function mlp(
  scope: Scope,
  x: Tensor,
  options: { ratio?: number; activation?: (x: Tensor) => Tensor } = {},
): Tensor {
  const width = fixedWidth(x);
  const hidden = linear(scope.at("fc1"), x, width * (options.ratio ?? 4));
  return linear(scope.at("fc2"), (options.activation ?? gelu)(hidden), width);
}
