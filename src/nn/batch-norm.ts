// Batch normalisation (Ioffe and Szegedy, 2015), PyTorch's names and numbers (torch.nn.BatchNorm2d, BatchNorm3d): `weight`, `bias`, and the buffers
// `running_mean` and `running_var`. At inference the running statistics normalise. In training those of the batch do, with gradients through
// them, and the running ones move a tenth of the way towards them (the unbiased variance); see Mode. Where a part of each picture is hidden, the
// batch's statistics are those of what is seen.
import { SaccadeError } from "../errors.ts";
import {
  add,
  batchNorm as applyBatchNorm,
  div,
  mul,
  reduceMean,
  reduceSum,
  reshape,
  sub,
  where,
} from "../graph/build.ts";
import { sizeOf } from "../graph/dimensions.ts";
import type { Initializer } from "../graph/initializers.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { channelsOf } from "./conv.ts";
import type { Mode } from "./mode.ts";
import { visiblePlaces } from "./visible.ts";

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
    const places = visiblePlaces(scope, x);
    const { mean, variance, unbiased } = places === undefined ? batchStatistics(x) : statisticsOfSeen(x, places);
    const now = mode.usesThemNow(runningMean);
    const either = (moving: Tensor, kept: Tensor) => (now === undefined ? moving : where(now, moving, kept));
    const moved = (current: Tensor, found: Tensor) => either(add(current, mul(sub(found, current), MOMENTUM)), current);
    mode.updateBuffer(runningMean, (current) => moved(current, mean));
    mode.updateBuffer(runningVariance, (current) => moved(current, unbiased));
    const ofBatch = applyBatchNorm(x, weight, bias, mean, variance, epsilon, { ofBatch: places === undefined });
    return now === undefined
      ? ofBatch
      : either(ofBatch, applyBatchNorm(x, weight, bias, runningMean, runningVariance, epsilon));
  });
}

interface Statistics {
  /** (C) */
  readonly mean: Tensor;
  /** Biased (C): the mean of squares. */
  readonly variance: Tensor;
  /** Unbiased variance (C). */
  readonly unbiased: Tensor;
}

/** Statistics over batch and space. */
function batchStatistics(x: Tensor): Statistics {
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
  const mean = reduceMean(x, allButChannels);
  const centred = sub(x, reshape(mean, [1, channels!, ...space.map(() => 1)]));
  const variance = reduceMean(mul(centred, centred), allButChannels);
  return { mean, variance, unbiased: mul(variance, count / (count - 1)) };
}

/** Statistics of x (N, C, H, W) where `places` (N, 1, H, W) are 1. */
function statisticsOfSeen(x: Tensor, places: Tensor): Statistics {
  const count = reduceSum(places, [0, 1, 2, 3]);
  const mean = div(reduceSum(mul(x, places), [0, 2, 3]), count);
  const centred = mul(sub(x, reshape(mean, [1, channelsOf(x), 1, 1])), places);
  const squares = reduceSum(mul(centred, centred), [0, 2, 3]); // (C)
  return { mean, variance: div(squares, count), unbiased: div(squares, sub(count, 1)) };
}
