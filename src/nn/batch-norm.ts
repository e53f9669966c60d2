// Batch normalisation (Ioffe and Szegedy, 2015), PyTorch's names and numbers (torch.nn.BatchNorm2d, BatchNorm3d): `weight`, `bias`, and the buffers
// `running_mean` and `running_var`. At inference the running statistics normalise. In training those of the batch do, with gradients through
// them, and the running ones move a tenth of the way towards them (the unbiased variance); see Mode.
import { SaccadeError } from "../errors.ts";
import { add, batchNorm as applyBatchNorm, mul, reduceMean, reshape, sub } from "../graph/build.ts";
import { sizeOf } from "../graph/dimensions.ts";
import type { Initializer } from "../graph/initializers.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { channelsOf } from "./conv.ts";
import type { Mode } from "./mode.ts";

export interface BatchNormOptions {
  /** Default 1e-5. */
  readonly epsilon?: number;
  /** Default ones. Zeros make a residual block start as the identity. */
  readonly weightInit?: Initializer;
}

/** The share of the batch's statistics in the next running ones. */
const MOMENTUM = 0.1;

/** x (N, C, [T,] H, W) -> the same shape. */
export function batchNorm(scope: Scope, x: Tensor, mode: Mode, options: BatchNormOptions = {}): Tensor {
  const { epsilon = 1e-5, weightInit = { kind: "ones" } } = options;
  return scope.run(() => {
    const channels = [channelsOf(x)];
    const weight = scope.parameter("weight", channels, weightInit);
    const bias = scope.parameter("bias", channels, { kind: "zeros" });
    const runningMean = scope.buffer("running_mean", channels, { kind: "zeros" });
    const runningVariance = scope.buffer("running_var", channels, { kind: "ones" });
    if (!mode.usesBatchStatistics(runningMean))
      return applyBatchNorm(x, weight, bias, runningMean, runningVariance, epsilon);
    const { mean, variance, count } = batchStatistics(x);
    const moved = (current: Tensor, seen: Tensor) => add(current, mul(sub(seen, current), MOMENTUM));
    mode.updateBuffer(runningMean, (current) => moved(current, mean));
    mode.updateBuffer(runningVariance, (current) => moved(current, mul(variance, count / (count - 1))));
    return applyBatchNorm(x, weight, bias, mean, variance, epsilon, { ofBatch: true });
  });
}

/** Mean and biased variance (C) over batch and space, and how many values each is over. */
function batchStatistics(x: Tensor): { mean: Tensor; variance: Tensor; count: number } {
  const [batch, channels, ...space] = x.shape;
  const count = sizeOf([batch!, ...space]);
  if (typeof count !== "number" || count < 2)
    throw new SaccadeError(
      "graph",
      `batch statistics need more than one value a channel, and sizes that are known; got ${count}`,
      {
        hint: "train with larger pictures or more than one in a batch, or freeze the running statistics",
      },
    );
  const allButChannels = [0, ...space.map((_, i) => i + 2)];
  const mean = reduceMean(x, allButChannels); // (C)
  const centred = sub(x, reshape(mean, [1, channels!, ...space.map(() => 1)]));
  return { mean, variance: reduceMean(mul(centred, centred), allButChannels), count };
}
