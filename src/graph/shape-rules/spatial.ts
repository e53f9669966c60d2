// Shapes of convolution, pooling, sampling and resizing over (N, C, …).
import { addDims, type Dim, floorDivideDim, multiplyDims } from "../dimensions.ts";
import type { SpatialOps } from "../ops.ts";
import type { Tensor } from "../tensor.ts";
import { FLOATS } from "./dtypes.ts";
import { refuse, requireCount, requireDType, type ShapeRules, type Where } from "./rule.ts";

/** floor((size + padding - dilation * (kernel - 1) - 1) / stride) + 1 */
function windowCount(size: Dim, kernel: number, stride: number, padding: number, dilation: number): Dim {
  return addDims(floorDivideDim(addDims(size, padding - dilation * (kernel - 1) - 1), stride), 1);
}

function spatialRank(where: Where, inputs: readonly Tensor[], lists: readonly (readonly number[])[]): number {
  const rank = inputs[0]!.shape.length - 2;
  if (rank < 1) refuse(where, "needs (N, C, …) with at least one spatial dimension", inputs);
  for (const list of lists)
    if (list.length !== rank) refuse(where, `needs ${rank} values a spatial attribute, got ${list.length}`, inputs);
  return rank;
}

function kernelOf(where: Where, inputs: readonly Tensor[], rank: number): number[] {
  const weight = inputs[1]!;
  const kernel = weight.shape.slice(2).filter((d): d is number => typeof d === "number");
  if (weight.shape.length !== rank + 2 || kernel.length !== rank)
    refuse(where, "the weight's rank must be the input's, with fixed sizes", inputs);
  return kernel;
}

function requireBias(where: Where, inputs: readonly Tensor[], channels: Dim): void {
  const bias = inputs[2];
  if (bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== channels))
    refuse(where, `the bias must be [${channels}]`, inputs);
}

export const spatialShapes: ShapeRules<keyof SpatialOps> = {
  conv: (inputs, { strides, padsBefore, padsAfter, dilations, groups }, where) => {
    requireCount(where, inputs, 2, 3);
    requireDType(where, inputs, FLOATS);
    const [x, weight] = inputs as [Tensor, Tensor];
    const rank = spatialRank(where, inputs, [strides, padsBefore, padsAfter, dilations]);
    const kernel = kernelOf(where, inputs, rank);
    const channels = weight.shape[0]!;
    if (multiplyDims(weight.shape[1]!, groups) !== x.shape[1])
      refuse(where, `${groups} groups: the channels do not fit the weight`, inputs);
    if (typeof channels === "number" && channels % groups !== 0)
      refuse(where, `${channels} output channels in ${groups} groups`, inputs);
    requireBias(where, inputs, channels);
    const spatial = kernel.map((k, i) =>
      windowCount(x.shape[i + 2]!, k, strides[i]!, padsBefore[i]! + padsAfter[i]!, dilations[i]!),
    );
    return { shape: [x.shape[0]!, channels, ...spatial], dtype: x.dtype };
  },
  convTranspose: (inputs, { strides, padsBefore, padsAfter, dilations, outputPadding, groups }, where) => {
    requireCount(where, inputs, 2, 3);
    requireDType(where, inputs, FLOATS);
    const [x, weight] = inputs as [Tensor, Tensor];
    const rank = spatialRank(where, inputs, [strides, padsBefore, padsAfter, dilations, outputPadding]);
    const kernel = kernelOf(where, inputs, rank);
    if (weight.shape[0] !== x.shape[1]) refuse(where, "the channels do not fit the weight", inputs);
    const channels = multiplyDims(weight.shape[1]!, groups);
    requireBias(where, inputs, channels);
    const spatial = kernel.map((k, i) =>
      addDims(
        multiplyDims(addDims(x.shape[i + 2]!, -1), strides[i]!),
        dilations[i]! * (k - 1) + 1 + outputPadding[i]! - padsBefore[i]! - padsAfter[i]!,
      ),
    );
    return { shape: [x.shape[0]!, channels, ...spatial], dtype: x.dtype };
  },
  maxPool: (inputs, { kernel, strides, padsBefore, padsAfter }, where) => {
    requireCount(where, inputs, 1);
    requireDType(where, inputs, FLOATS);
    spatialRank(where, inputs, [kernel, strides, padsBefore, padsAfter]);
    return pooled(inputs[0]!, kernel, strides, padsBefore, padsAfter);
  },
  averagePool: (inputs, { kernel, strides, padsBefore, padsAfter }, where) => {
    requireCount(where, inputs, 1);
    requireDType(where, inputs, FLOATS);
    spatialRank(where, inputs, [kernel, strides, padsBefore, padsAfter]);
    return pooled(inputs[0]!, kernel, strides, padsBefore, padsAfter);
  },
  gridSample: (inputs, { mode }, where) => {
    requireCount(where, inputs, 2);
    requireDType(where, inputs, FLOATS);
    const [features, grid] = inputs as [Tensor, Tensor];
    const rank = features.shape.length - 2;
    if (rank !== 2 && rank !== 3) refuse(where, "features must be (N, C, H, W) or (N, C, D, H, W)", inputs);
    if (grid.shape.length !== rank + 2 || grid.shape.at(-1) !== rank || grid.shape[0] !== features.shape[0])
      refuse(where, `the grid must be (N, ${rank} sizes, ${rank})`, inputs);
    if (mode === "cubic" && rank === 3) refuse(where, "cubic sampling is for pictures, not for volumes", inputs);
    return { shape: [features.shape[0]!, features.shape[1]!, ...grid.shape.slice(1, -1)], dtype: features.dtype };
  },
  resize: (inputs, { sizes }, where) => {
    requireCount(where, inputs, 1);
    requireDType(where, inputs, FLOATS);
    const { shape, dtype } = inputs[0]!;
    if (sizes.length !== shape.length - 2) refuse(where, `needs ${shape.length - 2} sizes`, inputs);
    return { shape: [...shape.slice(0, 2), ...sizes], dtype };
  },
};

function pooled(
  x: Tensor,
  kernel: readonly number[],
  strides: readonly number[],
  padsBefore: readonly number[],
  padsAfter: readonly number[],
) {
  const spatial = kernel.map((k, i) => windowCount(x.shape[i + 2]!, k, strides[i]!, padsBefore[i]! + padsAfter[i]!, 1));
  return { shape: [...x.shape.slice(0, 2), ...spatial], dtype: x.dtype };
}
