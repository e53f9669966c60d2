// Layer normalisation over the last axis, PyTorch's names: `weight` and `bias`.
import { layerNorm as applyLayerNorm } from "../graph/build.ts";
import type { Initializer } from "../graph/initializers.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { fixedWidth } from "./linear.ts";

/** x (…, width) -> the same shape. */
export function layerNorm(
  scope: Scope,
  x: Tensor,
  epsilon: number,
  weightInit: Initializer = { kind: "ones" },
): Tensor {
  return scope.run(() => {
    const width = fixedWidth(x);
    const weight = scope.parameter("weight", [width], weightInit);
    const bias = scope.parameter("bias", [width], { kind: "zeros" });
    return applyLayerNorm(x, weight, bias, epsilon);
  });
}
