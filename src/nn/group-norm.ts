// Group normalisation (Wu and He, ECCV 2018): a map's channels in groups, each normalised by its own mean and variance in each picture, then every channel
// has its scale. PyTorch's names: `weight` and `bias`.
import { add, div, mul, reduceMean, reshape, sqrt, sub } from "../graph/build.ts";
import type { Dim } from "../graph/dimensions.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { channelsOf } from "./conv.ts";

/** x (N, C, H, W) -> the same shape. `groups` must divide the channels. Biased variance, epsilon inside the root. */
export function groupNorm(scope: Scope, x: Tensor, groups: number, epsilon = 1e-5): Tensor {
  return scope.run(() => {
    const channels = channelsOf(x);
    const [n, , height, width] = x.shape as [Dim, Dim, Dim, Dim];
    const perChannel = (name: string, kind: "ones" | "zeros") =>
      reshape(scope.parameter(name, [channels], { kind }), [1, groups, channels / groups, 1, 1]);
    const whole = (map: Tensor) => reduceMean(map, [2, 3, 4], { keepDims: true }); // (N, groups, 1, 1, 1)
    const grouped = reshape(x, [n, groups, channels / groups, height, width]);
    const centred = sub(grouped, whole(grouped));
    const deviation = sqrt(add(whole(mul(centred, centred)), epsilon));
    // One factor a channel and picture, so that the map is gone over twice and not three times.
    const scale = div(perChannel("weight", "ones"), deviation); // (N, groups, C / groups, 1, 1)
    return reshape(add(mul(centred, scale), perChannel("bias", "zeros")), x.shape);
  });
}

/** All channels of a map as one group. x (N, C, H, W) -> the same shape. */
export function mapNorm(scope: Scope, x: Tensor, epsilon: number): Tensor {
  return groupNorm(scope, x, 1, epsilon);
}
