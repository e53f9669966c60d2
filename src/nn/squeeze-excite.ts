// Squeeze and excitation (Hu et al., CVPR 2018): what the whole picture shows weighs every channel. Two convolutions on one cell, under the
// names that the model's authors chose.
import { mul, relu, sigmoid } from "../graph/build.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { channelsOf, conv2d } from "./conv.ts";
import { meanOverSeen } from "./visible.ts";

export interface SqueezeExciteOptions {
  /** Channels between the two convolutions. */
  readonly reduced: number;
  /** Names of the two convolutions. */
  readonly names: readonly [reduce: string, expand: string];
  /** Default relu. */
  readonly activation?: (x: Tensor) => Tensor;
  /** Default sigmoid. */
  readonly gate?: (x: Tensor) => Tensor;
}

/** x (N, C, H, W) -> the same shape. */
export function squeezeExcite(scope: Scope, x: Tensor, options: SqueezeExciteOptions): Tensor {
  const { reduced, names, activation = relu, gate = sigmoid } = options;
  return scope.run(() => {
    const pooled = meanOverSeen(scope, x); // (N, C, 1, 1)
    const hidden = activation(conv2d(scope.at(names[0]), pooled, reduced, 1, { bias: true }));
    return mul(x, gate(conv2d(scope.at(names[1]), hidden, channelsOf(x), 1, { bias: true })));
  });
}
