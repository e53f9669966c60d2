// The transformer's two-layer perceptron, by default under timm's names, `fc1` and `fc2`.
import { gelu, reshape } from "../graph/build.ts";
import { sizeOf } from "../graph/dimensions.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { fixedWidth, linear } from "./linear.ts";

/** x (…, width) -> the same shape, through `ratio` times the width. */
export function mlp(
  scope: Scope,
  x: Tensor,
  options: { ratio?: number; activation?: (x: Tensor) => Tensor; names?: readonly [string, string] } = {},
): Tensor {
  const width = fixedWidth(x);
  const rows = reshape(x, [sizeOf(x.shape.slice(0, -1)), width]); // one matrix from end to end
  const [first, second] = options.names ?? ["fc1", "fc2"];
  const hidden = linear(scope.at(first), rows, Math.trunc(width * (options.ratio ?? 4)));
  return reshape(linear(scope.at(second), (options.activation ?? gelu)(hidden), width), x.shape);
}
