// Group normalisation (Wu and He, ECCV 2018) with one group: a whole map is normalised by its own mean and variance, then every channel has its scale.
// PyTorch's names: `weight` and `bias`.
import { add, div, mul, reduceMean, reshape, sqrt, sub } from "../graph/build.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { channelsOf } from "./conv.ts";

/** x (N, C, H, W) -> the same shape. Biased variance, epsilon inside the root. */
export function mapNorm(scope: Scope, x: Tensor, epsilon: number): Tensor {
  return scope.run(() => {
    const channels = channelsOf(x);
    const perChannel = (name: string, kind: "ones" | "zeros") =>
      reshape(scope.parameter(name, [channels], { kind }), [1, channels, 1, 1]);
    const whole = (map: Tensor) => reduceMean(map, [1, 2, 3], { keepDims: true }); // (N, 1, 1, 1)
    const centred = sub(x, whole(x));
    const deviation = sqrt(add(whole(mul(centred, centred)), epsilon));
    // One factor a channel and picture, so that the map is gone over twice and not three times.
    const scale = div(perChannel("weight", "ones"), deviation); // (N, C, 1, 1)
    return add(mul(centred, scale), perChannel("bias", "zeros"));
  });
}
