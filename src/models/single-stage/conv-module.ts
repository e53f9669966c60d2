// mmcv's ConvModule, of which everything behind the backbone is made: a convolution `conv` and perhaps a group normalisation `gn`.
import { relu } from "../../graph/build.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { conv2d } from "../../nn/conv.ts";
import { groupNorm } from "../../nn/group-norm.ts";

/** How everything in heads begins. */
export const HEAD_START: Initializer = { kind: "normal", std: 0.01 };

/** What a place says of classes before anything is learnt: each of them is there with probability 0.01. */
export const RARE: Initializer = { kind: "constant", value: -Math.log((1 - 0.01) / 0.01) };

export interface ConvModuleOptions {
  /** Default 3. */
  readonly kernel?: number;
  /** Default 1. */
  readonly stride?: number;
  readonly normGroups: number | null;
  /** Default true. */
  readonly activated?: boolean;
  /** Default: `HEAD_START`. */
  readonly weightInit?: Initializer;
}

/** x (N, in, H, W) -> (N, channels, H / stride, W / stride). */
export function convModule(scope: Scope, x: Tensor, channels: number, options: ConvModuleOptions): Tensor {
  const { kernel = 3, stride = 1, normGroups, activated = true, weightInit = HEAD_START } = options;
  const convolved = conv2d(scope.at("conv"), x, channels, kernel, { stride, bias: normGroups === null, weightInit });
  const normal = normGroups === null ? convolved : groupNorm(scope.at("gn"), convolved, normGroups);
  return activated ? relu(normal) : normal;
}

/** So many of them, one behind another: SCOPE.0, SCOPE.1, … */
export function stackedConvs(
  scope: Scope,
  x: Tensor,
  times: number,
  channels: number,
  normGroups: number | null,
): Tensor {
  return Array.from({ length: times }).reduce<Tensor>(
    (y, _, i) => convModule(scope.at(i), y, channels, { normGroups }),
    x,
  );
}
