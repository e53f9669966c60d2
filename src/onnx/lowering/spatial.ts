// Convolution, pooling, sampling and resizing over (N, C, …).
import type { SpatialOps } from "../../graph/ops.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Attributes, Value } from "../emitter.ts";
import { gatherGridSample } from "./grid-sample.ts";
import { resize } from "./resize.ts";
import type { LoweringContext, LoweringRule, LoweringRules } from "./rule.ts";

interface Window {
  readonly strides: readonly number[];
  readonly padsBefore: readonly number[];
  readonly padsAfter: readonly number[];
}

function windowAttributes(kernel: readonly number[], { strides, padsBefore, padsAfter }: Window): Attributes {
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: strides },
    pads: { ints: [...padsBefore, ...padsAfter] },
  };
}

export function convAttributes(
  kernel: readonly number[],
  attributes: Window & { readonly dilations: readonly number[]; readonly groups: number },
): Attributes {
  return {
    ...windowAttributes(kernel, attributes),
    dilations: { ints: attributes.dilations },
    group: { int: attributes.groups },
  };
}

/** Spatial sizes of a convolution's weight; its shape rule has made sure that they are numbers. */
export function kernelOf(weight: { readonly shape: readonly (number | string)[] }): number[] {
  return weight.shape.slice(2).map(Number);
}

/**
 * Channels of zeros that a convolution gets on WebGPU besides its own. With 6, 9, 18, 30 of them (multiples of 3, but not of 4) ONNX Runtime 1.30 reads
 * three at a time there and gives wrong sums without a word; 3 itself is right.
 */
function missingChannels({ target }: LoweringContext, { inputs, attributes }: Tensor<"conv">): number {
  const channels = Number(inputs[1]!.shape[1]);
  const isWrong = channels > 3 && channels % 3 === 0 && channels % 4 !== 0;
  return target === "webgpu" && attributes.groups === 1 && isWrong ? 4 - (channels % 4) : 0;
}

/** Zeros behind the channels, the second axis. */
function padChannels(context: LoweringContext, value: Value, rank: number, count: number): Value {
  const pads = Array.from({ length: 2 * rank }, (_, i) => (i === rank + 1 ? count : 0));
  return context.emit("Pad", [value, context.emitter.int64s(pads)]);
}

/**
 * How WebGPU's kernel may read maps: in float32, linearly, in the ways that this library's models read theirs. Before it is asked for on a device it is
 * compared there with known values in each of them (runtime/kernel-check.ts).
 */
export const TRUSTED_SAMPLING: readonly SpatialOps["gridSample"][] = [
  { mode: "linear", padding: "zeros", alignCorners: false },
  { mode: "linear", padding: "border", alignCorners: false },
];

/** Whether the engine's GridSample is asked for. Before operator set 20 it knew pictures only. */
function hasKernel(context: LoweringContext, { attributes, dtype, shape }: Tensor<"gridSample">): boolean {
  if (context.gridSample === "gather" || (shape.length === 5 && context.opset < 20)) return false;
  if (context.target !== "webgpu") return true;
  const { mode, padding, alignCorners } = attributes;
  const isAlike = (known: SpatialOps["gridSample"]) =>
    known.mode === mode && known.padding === padding && known.alignCorners === alignCorners;
  return context.opset < 20 && dtype === "float32" && TRUSTED_SAMPLING.some(isAlike);
}

const conv: LoweringRule<"conv"> = (context, [x, weight, ...bias], node) => {
  const missing = missingChannels(context, node);
  const padded = (value: Value) =>
    missing === 0 ? value : padChannels(context, value, node.inputs[1]!.shape.length, missing);
  const attributes = convAttributes(kernelOf(node.inputs[1]!), node.attributes);
  return context.emit("Conv", [padded(x!), padded(weight!), ...bias], attributes);
};

export const spatialLowering: LoweringRules<keyof SpatialOps> = {
  conv,
  convTranspose: (context, inputs, node) =>
    context.emit("ConvTranspose", inputs, {
      ...convAttributes(kernelOf(node.inputs[1]!), node.attributes),
      output_padding: { ints: node.attributes.outputPadding },
    }),
  maxPool: (context, inputs, { attributes }) =>
    context.emit("MaxPool", inputs, windowAttributes(attributes.kernel, attributes)),
  averagePool: (context, inputs, { attributes }) =>
    context.emit("AveragePool", inputs, {
      ...windowAttributes(attributes.kernel, attributes),
      count_include_pad: { int: Number(attributes.countIncludesPadding) },
    }),
  gridSample: (context, inputs, node) => {
    const { mode, padding, alignCorners } = node.attributes;
    if (!hasKernel(context, node)) return gatherGridSample(context, inputs, node);
    // Before 20 the operator called its modes otherwise.
    const formerly = { linear: "bilinear", cubic: "bicubic", nearest: "nearest" } as const;
    return context.emit("GridSample", inputs, {
      mode: { string: context.opset < 20 ? formerly[mode] : mode },
      padding_mode: { string: padding },
      align_corners: { int: Number(alignCorners) },
    });
  },
  resize,
};
