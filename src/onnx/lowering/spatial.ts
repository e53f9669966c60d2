// Convolution, pooling, sampling and resizing over (N, C, …).
import type { SpatialOps } from "../../graph/ops.ts";
import type { Attributes } from "../emitter.ts";
import { gatherGridSample } from "./grid-sample.ts";
import { resize } from "./resize.ts";
import type { LoweringRules } from "./rule.ts";

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

function convAttributes(
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
function kernelOf(weight: { readonly shape: readonly (number | string)[] }): number[] {
  return weight.shape.slice(2).map(Number);
}

export const spatialLowering: LoweringRules<keyof SpatialOps> = {
  conv: (context, inputs, node) =>
    context.emit("Conv", inputs, convAttributes(kernelOf(node.inputs[1]!), node.attributes)),
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
    const volumetric = node.shape.length === 5;
    // Before 20 the operator knew pictures only, and called its mode "bilinear".
    if (context.gridSample === "gather" || (volumetric && context.opset < 20))
      return gatherGridSample(context, inputs, node);
    return context.emit("GridSample", inputs, {
      mode: { string: context.opset < 20 ? "bilinear" : "linear" },
      padding_mode: { string: node.attributes.padding },
      align_corners: { int: 0 },
    });
  },
  resize,
};
