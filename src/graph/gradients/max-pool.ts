// The gradient of maxPool goes to the first maximum of each window, as in PyTorch; windows may overlap.
//
// Pooling is undone axis by axis: the first maximum in reading order lies in the first row that reaches the window's maximum, and is that
// row's first. Along one axis a window has few cells, and each but the last needs one comparison: "below the maximum" leaves the gradient to
// the cells that follow. In ONNX Runtime, for 3 x 3 windows with stride 2 over (64, 32, 32, 32) on one thread: 28 ms, against 42 ms with
// one-hot convolutions and 40 ms with MaxUnpool over four sets of windows that do not overlap. A scatter is wrong or slow.
import { cast, concat, expandDims, less, maxPool, mul, pad, reshape, slice, sub, transpose } from "../build.ts";
import type { Dim } from "../dimensions.ts";
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
  const axes = attributes.kernel.map((_, i) => i);
  // stages[i] is pooled over the axes from i on: stages[0] is the node itself, the last its input.
  const stages = axes.map((first) => (first === 0 ? (node as unknown as Tensor) : pooledFrom(node, first)));
  stages.push(node.inputs[0]!);
  const gradient = axes.reduce((g, i) => {
    const axis = {
      at: i + 2,
      kernel: attributes.kernel[i]!,
      stride: attributes.strides[i]!,
      before: attributes.padsBefore[i]!,
    };
    return alongAxis(stages[i + 1]!, stages[i]!, g, axis);
  }, upstream);
  return [gradient];
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
  if (at === x.shape.length - 1) {
    // Every other element of a row is slow to cut out, every other row is not: channels go last. Swapping the last two axes instead moves many
    // small blocks, which two threads do at half the rate of one.
    const last = x.shape.length - 1;
    const inner = Array.from({ length: last - 1 }, (_, i) => i + 2);
    const channelsLast = (t: Tensor) => transpose(t, [0, ...inner, 1]);
    const along = alongAxis(channelsLast(x), channelsLast(y), channelsLast(g), { ...axis, at: at - 1 });
    return transpose(along, [0, last, ...inner.map((i) => i - 1)]);
  }
  const size = fixedSize(x.shape[at]!, "maxPool");
  const count = fixedSize(y.shape[at]!, "maxPool");
  const none = x.shape.map(() => 0);
  const after = Math.max(0, (count - 1) * stride + kernel - before - size);
  const padded = pad(x, none.with(at, before), none.with(at, after), Number.NEGATIVE_INFINITY);
  // What each window gives to its cells in turn; what is left over goes to the last.
  let left = g;
  const shares = Array.from({ length: kernel }, (_, offset) => {
    if (offset === kernel - 1) return left;
    const cells = slice(padded, at, offset, offset + (count - 1) * stride + 1, stride);
    const passed = mul(left, cast(less(cells, y), g.dtype));
    const share = sub(left, passed);
    left = passed;
    return share;
  });
  return placed(shares, x.shape, at, stride, before);
}

/** Puts the share for each offset at window * stride + offset, adding where windows overlap, and cuts the padding off. */
function placed(shares: readonly Tensor[], shape: readonly Dim[], at: number, stride: number, before: number): Tensor {
  const count = fixedSize(shares[0]!.shape[at]!, "maxPool");
  const size = fixedSize(shape[at]!, "maxPool");
  // Cells in groups of a stride: the offset says which cell of its group, and how many groups further.
  const groups = Math.max(count + Math.ceil(shares.length / stride) - 1, Math.ceil((before + size) / stride));
  const none = shape.map(() => 0);
  const cells = Array.from({ length: stride }, (_, cell) => {
    const own = shares.flatMap((share, offset) =>
      offset % stride === cell ? [{ share, shift: (offset - cell) / stride }] : [],
    );
    const parts = own.map(({ share, shift }) =>
      pad(share, none.with(at, shift), none.with(at, groups - count - shift)),
    );
    return parts.length === 0 ? undefined : expandDims(parts.reduce(plus), at + 1);
  });
  const filled = cells.map((cell) => cell ?? zeros(shares[0]!.graph, cells[0]!.shape, shares[0]!.dtype));
  const joined = reshape(concat(filled, at + 1), shape.with(at, groups * stride));
  return slice(joined, at, before, before + size);
}
