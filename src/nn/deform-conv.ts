// Deformable convolution: each tap of the kernel reads where an offset, one for each place of the output, moves it (Dai et al., ICCV 2017), and with a mask is
// weighted there (v2: Zhu et al., CVPR 2019). A composition of gridSample and a product, which has gradients and runs on every engine. Channel order and
// borders as in torchvision's deform_conv2d and mmcv.
import {
  add,
  type ConvOptions,
  cast,
  concat,
  div,
  gridSample,
  iota,
  matMul,
  mul,
  type Operand,
  reshape,
  sizeValue,
  slice,
  sub,
  values,
} from "../graph/build.ts";
import { type Dim, divideDims, multiplyDims } from "../graph/dimensions.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { fixedDim } from "./linear.ts";

export interface DeformConvOptions extends Pick<ConvOptions, "strides" | "padding" | "dilations" | "groups"> {
  /** What each tap's value is multiplied by (v2), (N, G * kh * kw, h, w). Default: v1, nothing. */
  readonly mask?: Tensor;
}

/**
 * @param x (N, C, H, W)
 * @param offsets in cells, (N, G * kh * kw * 2, h, w): for each of G groups of channels and each tap, row by row, how far it moves down and then to the
 *   right. (h, w) is the size of the output, which the plain convolution would have.
 * @param weight (O, C / groups, kh, kw)
 * @param bias (O)
 * @returns (N, O, h, w); what lies beyond the map is zero
 */
export function deformConv2d(
  x: Tensor,
  offsets: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  options: DeformConvOptions = {},
): Tensor {
  const [out, , kernelHeight, kernelWidth] = weight.shape as [number, number, number, number];
  const [n, channels, height, width] = x.shape as [Dim, Dim, Dim, Dim];
  const [, , h, w] = offsets.shape as [Dim, Dim, Dim, Dim];
  const { strides = [1, 1], padding = [0, 0], dilations = [1, 1], groups = 1, mask } = options;
  const taps = kernelHeight * kernelWidth;
  const shared = fixedDim(offsets, 1) / (2 * taps); // G
  const rows = multiplyDims(n, shared);
  const places = multiplyDims(h, w);
  const moved = reshape(offsets, [rows, taps, 2, h, w]);
  const along = (axis: 0 | 1, kernel: readonly number[]) => {
    const [count, size] = axis === 0 ? [h, height] : [w, width];
    const plain = add(mul(iota(x.graph, count), strides[axis]!), -padding[axis]!);
    const base = add(
      reshape(plain, axis === 0 ? [1, 1, h, 1] : [1, 1, 1, w]),
      mul(values(x.graph, [1, taps, 1, 1], kernel), dilations[axis]!),
    ); // (1, taps, h, 1) or (1, taps, 1, w)
    const position = add(reshape(slice(moved, 2, axis, axis + 1), [rows, taps, h, w]), base); // in cells
    return reshape(fromCells(position, size), [rows, taps, places, 1]);
  };
  const tapRows = Array.from({ length: taps }, (_, i) => Math.floor(i / kernelWidth));
  const tapColumns = Array.from({ length: taps }, (_, i) => i % kernelWidth);
  const grid = concat([along(1, tapColumns), along(0, tapRows)], 3); // (N * G, taps, h * w, 2)
  const features = reshape(x, [rows, divideDims(channels, shared) ?? channels, height, width]);
  const read = gridSample(features, grid, { padding: "zeros" }); // (N * G, C / G, taps, h * w)
  const weighted = mask === undefined ? read : mul(read, reshape(mask, [rows, 1, taps, places]));
  const perGroup = fixedDim(weight, 1) * taps;
  const columns = reshape(weighted, groups === 1 ? [n, perGroup, places] : [n, groups, perGroup, places]);
  const matrix = reshape(weight, groups === 1 ? [out, perGroup] : [groups, out / groups, perGroup]);
  const product = reshape(matMul(matrix, columns), [n, out, h, w]);
  return bias === undefined ? product : add(product, reshape(bias, [1, out, 1, 1]));
}

/** Positions in cells, 0 for the first one's centre, as gridSample has them: -1 and 1 are the outer edges of `size` cells. */
export function fromCells(position: Tensor, size: Dim): Tensor {
  return sub(div(add(mul(position, 2), 1), sizeOperand(position.graph, size)), 1);
}

function sizeOperand(graph: Graph, size: Dim): Operand {
  return typeof size === "number" ? size : cast(sizeValue(graph, size), "float32");
}
