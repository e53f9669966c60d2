// Gradients of conv and convTranspose, in any number of spatial dimensions. Each is the other's adjoint, and both have the same kind of
// weight gradient: a convolution of the larger map with the smaller one, in which batch and channels have changed places.
import {
  type ConvOptions,
  concat,
  conv,
  convTranspose,
  gemm,
  pad,
  reduceSum,
  reshape,
  slice,
  transpose,
} from "../build.ts";
import { addDims, type Dim, multiplyDims, subtractDims } from "../dimensions.ts";
import type { SpatialOps } from "../ops.ts";
import type { Tensor } from "../tensor.ts";
import { fixedSize, type GradientRule, matrixConstant, sumOver } from "./rule.ts";

type Window = SpatialOps["conv"];

/** (N, groups * C, …) to (C, groups * N, …): a group's channels become the batch, its pictures the channels. */
function channelsAsBatch(x: Tensor, groups: number): Tensor {
  const [batch, channels, ...spatial] = x.shape as readonly [Dim, Dim, ...Dim[]];
  const perGroup = fixedSize(channels, "conv") / groups;
  const axes = spatial.map((_, i) => i + 3);
  const split = reshape(x, [batch, groups, perGroup, ...spatial]);
  return reshape(transpose(split, [2, 1, 0, ...axes]), [perGroup, multiplyDims(groups, batch), ...spatial]);
}

/** (N, groups * O, …) to (groups * O, N, …). */
function batchAsChannels(x: Tensor): Tensor {
  return transpose(x, [1, 0, ...x.shape.slice(2).map((_, i) => i + 2)]);
}

/**
 * What a weight (O, C / groups, …) contributed, where conv took `large` (N, C, …) to a map of which `small` (N, O, …) is the gradient.
 * Strides and dilations change places: the smaller map is laid over the larger one, its cells a stride apart.
 */
function weightGradient(large: Tensor, small: Tensor, weight: Tensor, window: Window): Tensor {
  const { strides, dilations, padsBefore, groups } = window;
  if (groups === 1 && isPointwise(weight, window)) return pointwiseWeightGradient(large, small, weight, strides);
  const kernel = kernelOf(weight);
  // The padding after that makes exactly as many positions as the kernel has. Less than none: cells that no window reached; cut off.
  const padsAfter = kernel.map((k, i) => {
    const size = fixedSize(large.shape[i + 2]!, "conv");
    const count = fixedSize(small.shape[i + 2]!, "conv");
    return dilations[i]! * (k - 1) + strides[i]! * (count - 1) + 1 - size - padsBefore[i]!;
  });
  const reached = padsAfter.reduce((map, after, i) => (after < 0 ? slice(map, i + 2, 0, after) : map), large);
  if (isDense(window) && unfoldedSize(small, weight) <= UNFOLDED_LIMIT) {
    const none = [0, 0];
    const padded = pad(reached, [...none, ...padsBefore], [...none, ...padsAfter.map((after) => Math.max(0, after))]);
    return unfoldedWeightGradient(padded, small, weight);
  }
  const swapped = {
    strides: dilations,
    dilations: strides,
    padsBefore,
    padsAfter: padsAfter.map((n) => Math.max(0, n)),
  };
  if (groups === 1 && isPictureLarge(small, weight)) return gradientOfPictures(reached, small, weight, swapped);
  const product = conv(channelsAsBatch(reached, groups), batchAsChannels(small), undefined, { ...swapped, groups }); // (C / groups, O, …)
  return batchAsChannels(product);
}

/** Enough cells for products of single pictures to be as fast as a joint one, and few enough weights for one set a picture. */
function isPictureLarge(small: Tensor, weight: Tensor): boolean {
  const [batch, outputs, ...spatial] = small.shape;
  const cells = Number(multiplyDims(1, ...spatial));
  const weights = Number(multiplyDims(1, ...weight.shape));
  return typeof batch === "number" && cells >= 1024 && weights <= Number(outputs) * cells;
}

/**
 * Every picture is a group of its own, and their contributions are added. In ONNX Runtime as fast as the joint convolution on one thread; but
 * `small` is used as it lies, and there is work for more threads than the picture has channels.
 */
function gradientOfPictures(large: Tensor, small: Tensor, weight: Tensor, window: ConvOptions): Tensor {
  const [outputs, channels, ...kernel] = weight.shape as readonly [Dim, Dim, ...Dim[]];
  const [batch, , ...spatial] = small.shape as readonly [number, Dim, ...Dim[]];
  const kernels = reshape(small, [multiplyDims(batch, outputs), 1, ...spatial]);
  const product = conv(batchAsChannels(large), kernels, undefined, { ...window, groups: batch }); // (C, N * O, …)
  const sum = reduceSum(reshape(product, [channels, batch, outputs, ...kernel]), 1);
  return batchAsChannels(sum);
}

const kernelOf = (weight: Tensor) => weight.shape.slice(2).map((size) => fixedSize(size, "conv"));

/** Every cell of the map begins a window, and a window has no gaps. */
function isDense({ strides, dilations, groups }: Window): boolean {
  return groups === 1 && [...strides, ...dilations].every((step) => step === 1);
}

/** Elements that unfolding may take, 64 MiB: with more, memory matters more than time. */
const UNFOLDED_LIMIT = 2 ** 24;

function unfoldedSize(small: Tensor, weight: Tensor): number {
  const [batch, , ...spatial] = small.shape as readonly [Dim, Dim, ...Dim[]];
  const rows = multiplyDims(batch, ...spatial, weight.shape[1]!, ...kernelOf(weight));
  return typeof rows === "number" ? rows : Number.POSITIVE_INFINITY;
}

/**
 * The map seen by each of the kernel's elements, side by side, then one long matrix product over the cells of all pictures. In ONNX Runtime it is
 * two times faster than the convolution; against one product a picture and their sum it is as fast for 48 channels of 16 x 16 cells, 2.7 times
 * faster for 256 of 4 x 4, 7 times for 512 of 2 x 2, and it needs no memory for the products. `padded` has just the cells that windows reach.
 */
function unfoldedWeightGradient(padded: Tensor, small: Tensor, weight: Tensor): Tensor {
  const [outputs, channels] = weight.shape as readonly [number, number];
  const [batch, , ...spatial] = small.shape as readonly [Dim, Dim, ...number[]];
  const cells = multiplyDims(batch, ...spatial);
  const views = kernelOf(weight).reduce(
    (maps, size, axis) =>
      maps.flatMap((map) =>
        Array.from({ length: size }, (_, start) => slice(map, axis + 2, start, start + spatial[axis]!)),
      ),
    [batchAsChannels(padded)], // (C, N, …): turned once, before there are many of it
  );
  const unfolded = concat(
    views.map((view) => reshape(view, [channels, cells])),
    0,
  ); // (kernel * C, N * cells)
  const product = gemm(reshape(batchAsChannels(small), [outputs, cells]), unfolded, undefined, { transposeB: true });
  return reshape(transpose(reshape(product, [outputs, views.length, channels]), [0, 2, 1]), weight.shape);
}

function isPointwise(weight: Tensor, { padsBefore, padsAfter }: Window): boolean {
  return weight.shape.slice(2).every((k) => k === 1) && [...padsBefore, ...padsAfter].every((count) => count === 0);
}

/** A 1 x 1 kernel's gradient is one long matrix product over all cells: five times faster than the convolution. */
function pointwiseWeightGradient(large: Tensor, small: Tensor, weight: Tensor, strides: readonly number[]): Tensor {
  const cells = strides.reduce((map, stride, i) => {
    const size = fixedSize(small.shape[i + 2]!, "conv");
    return stride === 1 ? map : slice(map, i + 2, 0, (size - 1) * stride + 1, stride);
  }, large);
  const flat = (x: Tensor) => reshape(batchAsChannels(x), [x.shape[1]!, -1]); // (channels, N * cells)
  return reshape(gemm(flat(small), flat(cells), undefined, { transposeB: true }), weight.shape);
}

const biasGradient = (g: Tensor) => sumOver(g, [0, ...g.shape.slice(2).map((_, i) => i + 2)]);

/** No window lies in the padding alone. */
function isTight(weight: Tensor, { padsBefore, padsAfter }: Window): boolean {
  return kernelOf(weight).every((size, i) => padsBefore[i]! < size && padsAfter[i]! < size);
}

/** With dense windows, the adjoint is a convolution with the mirrored kernel, which engines do two times faster than a transposed one. */
function denseInputGradient(g: Tensor, weight: Tensor, window: Window): Tensor {
  const kernel = kernelOf(weight);
  return conv(g, mirrored(batchAsChannels(weight)), undefined, {
    padsBefore: kernel.map((size, i) => size - 1 - window.padsBefore[i]!),
    padsAfter: kernel.map((size, i) => size - 1 - window.padsAfter[i]!),
  });
}

/** A weight with its kernels the other way round. A product with a permutation's matrix: 2.7 times faster than gathering single elements. */
function mirrored(weight: Tensor): Tensor {
  const size = kernelOf(weight).reduce((product, side) => product * side, 1);
  if (size === 1) return weight;
  const order = Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => Number(i + j === size - 1)),
  );
  const kernels = reshape(weight, [-1, size]); // (O * C, size)
  return reshape(gemm(kernels, matrixConstant(weight.graph, order, weight.dtype)), weight.shape);
}

const convRule: GradientRule<"conv"> = ({ inputs, attributes }, g, needed) => {
  const [x, weight] = inputs as readonly [Tensor, Tensor];
  const dx = () => {
    if (isDense(attributes) && isTight(weight, attributes)) return denseInputGradient(g, weight, attributes);
    const outputPadding = weight.shape.slice(2).map((size, i) => {
      const reach = attributes.dilations[i]! * (fixedSize(size, "conv") - 1) + 1;
      const pads = attributes.padsBefore[i]! + attributes.padsAfter[i]!;
      const reached = addDims(multiplyDims(addDims(g.shape[i + 2]!, -1), attributes.strides[i]!), reach - pads);
      // Cells at the end that no window reached still count in x's size.
      return fixedSize(subtractDims(x.shape[i + 2]!, reached), "conv");
    });
    return convTranspose(g, weight, undefined, { ...attributes, outputPadding });
  };
  return [
    needed[0] ? dx() : undefined,
    needed[1] ? weightGradient(x, g, weight, attributes) : undefined,
    needed[2] ? biasGradient(g) : undefined,
  ];
};

const convTransposeRule: GradientRule<"convTranspose"> = ({ inputs, attributes }, g, needed) => {
  const [x, weight] = inputs as readonly [Tensor, Tensor];
  return [
    needed[0] ? conv(g, weight, undefined, attributes) : undefined,
    needed[1] ? weightGradient(g, x, weight, attributes) : undefined,
    needed[2] ? biasGradient(g) : undefined,
  ];
};

export const convolutionGradients = { conv: convRule, convTranspose: convTransposeRule };
