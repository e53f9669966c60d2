// Gradients of ops that move values: layout and indexing.

import { tensor } from "../../tensor.ts";
import {
  add,
  cast,
  concat,
  constant,
  equal,
  expand,
  gather,
  gatherElements,
  iota,
  less,
  matMul,
  pad,
  reshape,
  scatterAdd,
  slice,
  transpose,
  where,
} from "../build.ts";
import { type Dim, multiplyDims, subtractDims, withSize } from "../dimensions.ts";
import type { IndexOps, LayoutOps } from "../ops.ts";
import { isOp, type Tensor } from "../tensor.ts";
import { fixedSize, type GradientRule, type GradientRules, unbroadcast, zeros } from "./rule.ts";

const insert = <T>(list: readonly T[], at: number, ...items: T[]) => [
  ...list.slice(0, at),
  ...items,
  ...list.slice(at),
];

/** Puts step - 1 zeros after every element along an axis. */
function spread(x: Tensor, axis: number, step: number): Tensor {
  if (step === 1) return x;
  const split = reshape(x, insert(x.shape, axis + 1, 1));
  const none = split.shape.map(() => 0);
  const padded = pad(split, none, none.with(axis + 1, step - 1));
  return reshape(padded, x.shape.with(axis, multiplyDims(x.shape[axis]!, step)));
}

/** Where the slice was cut out, its gradient; zero elsewhere. All axes are padded at once. */
const sliceRule: GradientRule<"slice"> = ({ inputs, attributes: { axes, starts, steps } }, upstream) => {
  const x = inputs[0]!;
  const before = x.shape.map(() => 0);
  const after = x.shape.map(() => 0);
  let g = upstream;
  axes.forEach((axis, i) => {
    const size = x.shape[axis]!;
    const start = starts[i]!;
    g = spread(g, axis, steps[i]!);
    before[axis] = start >= 0 ? start : Math.max(0, fixedSize(size, "slice") + start);
    // The zeros after the last element may reach beyond the end.
    const left = fixedSize(subtractDims(subtractDims(size, before[axis]!), g.shape[axis]!), "slice");
    if (left < 0) g = slice(g, axis, 0, left);
    else after[axis] = left;
  });
  return [pad(g, before, after)];
};

export const layoutGradients: GradientRules<keyof LayoutOps> = {
  reshape: ({ inputs: [x] }, g) => [reshape(g, x!.shape)],
  transpose: ({ attributes: { permutation } }, g) => [
    transpose(
      g,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
  slice: sliceRule,
  concat: ({ inputs, attributes: { axis } }, g, needed) => {
    let start = 0;
    // The last piece reaches to the end, so only sizes before a needed piece have to be numbers.
    return inputs.map((input, i) => {
      if (!needed.slice(i).includes(true)) return undefined;
      const from = start;
      const last = i === inputs.length - 1;
      if (!last) start += fixedSize(input.shape[axis]!, "concat");
      return needed[i] ? slice(g, axis, from, last ? Number.POSITIVE_INFINITY : start) : undefined;
    });
  },
  pad: ({ attributes: { before, after } }, g) => [
    before.reduce((rest, start, axis) => {
      const end = after[axis]!;
      if (start === 0 && end === 0) return rest;
      return slice(rest, axis, start, end === 0 ? Number.POSITIVE_INFINITY : -end);
    }, g),
  ],
  expand: ({ inputs: [x] }, g) => [unbroadcast(g, x!.shape)],
  where: ({ inputs }, g, needed) => {
    const [condition, a, b] = inputs as readonly [Tensor, Tensor, Tensor];
    return [
      undefined,
      needed[1] ? unbroadcast(where(condition, g, 0), a.shape) : undefined,
      needed[2] ? unbroadcast(where(condition, 0, g), b.shape) : undefined,
    ];
  },
};

/** Rows of a table up to which a product with a one-hot matrix is no slower in ONNX Runtime than scatterAdd, which runs on one thread. */
const LARGEST_ONE_HOT_TABLE = 256;
/** The one-hot matrix itself stays below 16 MB. */
const LARGEST_ONE_HOT = 1 << 22;

/** The numbers of constant indices, counted from the front. */
function constantIndices(indices: Tensor, size: number): readonly number[] | undefined {
  if (!isOp(indices, "constant")) return undefined;
  const data = indices.attributes.value.data as ArrayLike<number | bigint>;
  return Array.from(data, (index) => (Number(index) < 0 ? Number(index) + size : Number(index)));
}

/** Adds each gathered row's gradient to the row it came from. */
const gatherRule: GradientRule<"gather"> = ({ inputs, attributes: { axis } }, upstream) => {
  const [data, indices] = inputs as readonly [Tensor, Tensor];
  const size = fixedSize(data.shape[axis]!, "gather");
  const outer = multiplyDims(1, ...data.shape.slice(0, axis));
  const inner = multiplyDims(1, ...data.shape.slice(axis + 1));
  const count = multiplyDims(1, ...indices.shape);
  const g = reshape(upstream, [outer, count, inner]); // (outer, count, inner)
  const known = constantIndices(indices, size);
  // Each row taken exactly once: a permutation, undone by another.
  if (known?.length === size && new Set(known).size === size) {
    const back = BigInt64Array.from({ length: size }, (_, row) => BigInt(known.indexOf(row)));
    const inverse = constant(data.graph, tensor("int64", [size], back));
    return [reshape(gather(g, inverse, 1), data.shape)];
  }
  if (size <= LARGEST_ONE_HOT_TABLE && typeof count === "number" && count * size <= LARGEST_ONE_HOT) {
    const hot = oneHot(indices, count, size, upstream); // (count, size)
    return [reshape(matMul(hot, g, { transposeA: true }), data.shape)];
  }
  const rows = expand(reshape(positive(indices, size), [1, count, 1]), [outer, count, inner]);
  const base = zeros(data.graph, [outer, size, inner], data.dtype);
  return [reshape(scatterAdd(base, rows, g, 1), data.shape)];
};

/** Indices counted from the front. */
function positive(indices: Tensor, size: number): Tensor {
  const wide = cast(indices, "int64");
  return where(less(wide, 0), add(wide, size), wide);
}

/** 1 at (i, indices[i]), else 0. */
function oneHot(indices: Tensor, count: number, size: number, like: Tensor): Tensor {
  const column = reshape(positive(indices, size), [count, 1]);
  return cast(equal(column, iota(indices.graph, size, "int64")), like.dtype);
}

/** The gradient of each picked element, where it was picked. */
const gatherElementsRule: GradientRule<"gatherElements"> = ({ inputs, attributes: { axis } }, g) => {
  const [data, indices] = inputs as readonly [Tensor, Tensor];
  const size = data.shape[axis]!;
  const one = indices.shape.every((d, i) => (i === axis ? d === 1 : d === data.shape[i]));
  // One element a line (the label of a sample, say): a comparison instead of a scatter.
  if (one && typeof size === "number") {
    const along = reshape(
      iota(data.graph, size, "int64"),
      insert<Dim>(
        data.shape.slice(axis + 1).map((): Dim => 1),
        0,
        size,
      ),
    );
    return [where(equal(along, positive(indices, size)), g, 0)];
  }
  return [scatterAdd(zeros(data.graph, data.shape, data.dtype), indices, g, axis)];
};

export const indexGradients: GradientRules<keyof IndexOps> = {
  gather: gatherRule,
  gatherElements: gatherElementsRule,
  scatterAdd: ({ inputs, attributes: { axis } }, g, needed) => [
    needed[0] ? g : undefined,
    undefined,
    needed[2] ? gatherElements(g, inputs[1]!, axis) : undefined,
  ],
  // Places, not values: they change only in steps.
  topK: "none",
  nonMaxSuppression: "none",
  takeFirst: ({ inputs, attributes: { axis, size } }, g) => {
    const { graph, shape, dtype } = inputs[0]!;
    return [concat([g, zeros(graph, withSize(shape, axis, subtractDims(shape[axis]!, size)), dtype)], axis)];
  },
};
