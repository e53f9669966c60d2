// The gradient of maxPool goes to the first maximum of each window, as in PyTorch; windows may overlap.
//
// Pooling is undone axis by axis: the first maximum in reading order lies in the first row that reaches the window's maximum, and is that
// row's first. Along one axis a window has few cells, and each but the last needs one comparison: "below the maximum" leaves the gradient to
// the cells that follow. In ONNX Runtime one-hot convolutions, and MaxUnpool over sets of windows that do not overlap, take about twice as long
// (3 x 3 windows with stride 2). A scatter is wrong or slow.
import { cast, concat, expand, less, maxPool, mul, pad, reshape, scalar, slice, sub, transpose } from "../build.ts";
import { multiplyDims } from "../dimensions.ts";
import type { Tensor } from "../tensor.ts";
import { fixedSize, type GradientRule, plus, zeros } from "./rule.ts";

interface Axis {
  readonly at: number;
  readonly kernel: number;
  readonly stride: number;
  readonly before: number;
}

export const maxPoolRule: GradientRule<"maxPool"> = (node, upstream) => {
  const { attributes } = node;
  // stages[i] is pooled over the spatial axes from i on: stages[0] is the node itself, the last its input.
  const stages = attributes.kernel.map((_, i) => (i === 0 ? (node as unknown as Tensor) : pooledFrom(node, i)));
  stages.push(node.inputs[0]!);
  // Cells are cut out and put together along every axis, the last one too: channels go last, so that what is moved is never a single number.
  const rank = upstream.shape.length;
  const spatial = attributes.kernel.map((_, i) => i);
  const channelsLast = (x: Tensor) => transpose(x, [0, ...spatial.map((i) => i + 2), 1]);
  const gradient = spatial.reduce((g, i) => {
    const axis = {
      at: i + 1,
      kernel: attributes.kernel[i]!,
      stride: attributes.strides[i]!,
      before: attributes.padsBefore[i]!,
    };
    return alongAxis(channelsLast(stages[i + 1]!), channelsLast(stages[i]!), g, axis);
  }, channelsLast(upstream));
  return [transpose(gradient, [0, rank - 1, ...spatial.map((i) => i + 1)])];
};

function pooledFrom({ inputs, attributes }: Tensor<"maxPool">, first: number): Tensor {
  const from = (list: readonly number[], neutral: number) => list.map((value, i) => (i < first ? neutral : value));
  return maxPool(inputs[0]!, from(attributes.kernel, 1), {
    strides: from(attributes.strides, 1),
    padsBefore: from(attributes.padsBefore, 0),
    padsAfter: from(attributes.padsAfter, 0),
  });
}

/** The gradient of x where y is the maximum of x over windows along one axis, and g the gradient of y. */
function alongAxis(x: Tensor, y: Tensor, g: Tensor, axis: Axis): Tensor {
  const { at, kernel, stride, before } = axis;
  if (kernel === 1 && stride === 1 && before === 0) return g;
  const size = fixedSize(x.shape[at]!, "maxPool");
  const outer = multiplyDims(1, ...x.shape.slice(0, at));
  const inner = fixedSize(multiplyDims(1, ...x.shape.slice(at + 1)), "maxPool");
  // A row for each group of a stride's cells. The cell at an offset into a window is the same cell of its group in every window.
  const groups = Math.ceil(size / stride);
  const filled = pad(
    reshape(x, [outer, size, inner]),
    [0, 0, 0],
    [0, groups * stride - size, 0],
    Number.NEGATIVE_INFINITY,
  );
  const grouped = reshape(filled, [outer, groups, stride * inner]);
  const count = fixedSize(y.shape[at]!, "maxPool");
  const highest = reshape(y, [outer, count, inner]);
  // What each window gives to its cells in turn; what is left over goes to the last.
  let left = reshape(g, [outer, count, inner]);
  const shares = Array.from({ length: kernel }, (_, offset) => {
    const group = Math.floor((offset - before) / stride);
    const cell = offset - before - group * stride;
    if (offset === kernel - 1) return { group, cell, share: left };
    const ofGroups = stride === 1 ? grouped : slice(grouped, 2, cell * inner, (cell + 1) * inner);
    const cells = moved(ofGroups, -group, count, Number.NEGATIVE_INFINITY);
    const passed = mul(left, cast(less(cells, highest), g.dtype));
    const share = sub(left, passed);
    left = passed;
    return { group, cell, share };
  });
  const cells = Array.from({ length: stride }, (_, cell) => {
    const own = shares.filter((part) => part.cell === cell);
    if (own.length === 0) return zeros(x.graph, [outer, groups, inner], g.dtype);
    return own.map(({ group, share }) => moved(share, group, groups, 0)).reduce(plus);
  });
  const joined = reshape(concat(cells, 2), [outer, groups * stride, inner]);
  return reshape(cut(joined, 0, size), x.shape);
}

/** Shifts x by some places along axis 1 and cuts or fills it up to a size. */
function moved(x: Tensor, places: number, size: number, fill: number): Tensor {
  const start = Math.max(0, -places);
  const end = Math.min(x.shape[1] as number, size - places);
  if (start >= end) return expand(scalar(x.graph, fill, x.dtype), x.shape.with(1, size));
  return pad(cut(x, start, end), [0, Math.max(0, places), 0], [0, Math.max(0, size - places - end), 0], fill);
}

function cut(x: Tensor, start: number, end: number): Tensor {
  return start === 0 && end === x.shape[1] ? x : slice(x, 1, start, end);
}
