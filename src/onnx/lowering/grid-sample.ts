// gridSample without the GridSample operator: the cells around each point (of a picture one, four or sixteen) are gathered and weighted with plain
// arithmetic, to PyTorch's values. For engines whose kernel is missing, slow or wrong.
import { type Dim, multiplyDims } from "../../graph/dimensions.ts";
import type { GraphDType, SpatialOps } from "../../graph/ops.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { tensor } from "../../tensor.ts";
import type { Value } from "../emitter.ts";
import { reshapeOperand } from "./layout.ts";
import { cast, type LoweringContext, scalar } from "./rule.ts";

/** One of the cells around each point along one axis. */
interface Side {
  /** What the cell adds to the row of the table of cells: whole numbers (N, P). */
  readonly offset: Value;
  /** Its share of the value: float (N, P); undefined for all of it. */
  readonly weight: Value | undefined;
}

export function gatherGridSample(
  context: LoweringContext,
  [features, grid]: readonly Value[],
  node: Tensor<"gridSample">,
): Value {
  const [source, points] = node.inputs as readonly [Tensor, Tensor];
  const rank = source.shape.length - 2;
  const flat = context.emit("Reshape", [grid!, context.emitter.int64s([0, -1, rank])]); // (N, P, rank)
  const axes = sidesOfAxes(context, flat, source, node);
  const table = tableOfCells(context, features!, rank); // (N * cells, C)
  let sum: Value | undefined;
  for (const sides of combinations(axes)) {
    const row = sides.map(({ offset }) => offset).reduce((a, b) => context.emit("Add", [a, b]));
    const cells = context.emit("Gather", [table, row], { axis: { int: 0 } }); // (N, P, C)
    const share = weighted(
      context,
      cells,
      sides.flatMap(({ weight }) => weight ?? []),
    );
    sum = sum === undefined ? share : context.emit("Add", [sum, share]);
  }
  const channelsFirst = context.emit("Transpose", [sum!], { perm: { ints: [0, 2, 1] } }); // (N, C, P)
  const [batch, channels, ...places] = node.shape as readonly [Dim, Dim, ...Dim[]];
  const from = [batch, channels, multiplyDims(...places)];
  const nearby = { value: grid!, shape: points.shape };
  return context.emit("Reshape", [channelsFirst, reshapeOperand(context, from, node.shape, [nearby])]);
}

/** (N, C, …) as a table with one row a cell: (N * cells, C). */
function tableOfCells(context: LoweringContext, features: Value, rank: number): Value {
  const axes = Array.from({ length: rank }, (_, i) => i + 2);
  const channelsLast = context.emit("Transpose", [features], { perm: { ints: [0, ...axes, 1] } });
  return context.emit("Flatten", [channelsLast], { axis: { int: rank + 1 } });
}

/** cells (N, P, C) times every weight (N, P). */
function weighted(context: LoweringContext, cells: Value, weights: readonly Value[]): Value {
  if (weights.length === 0) return cells;
  const weight = weights.reduce((a, b) => context.emit("Mul", [a, b]));
  return context.emit("Mul", [cells, context.emit("Unsqueeze", [weight, context.emitter.int64s([2])])]);
}

/** One side of every axis, in all combinations; the first axis changes fastest. */
function combinations(axes: readonly (readonly Side[])[]): Side[][] {
  return axes.reduce<Side[][]>((lists, axis) => axis.flatMap((side) => lists.map((list) => [...list, side])), [[]]);
}

/** For x, y[, z], the cells around each point. All axes are computed together, and taken apart at the end. */
function sidesOfAxes(
  context: LoweringContext,
  flat: Value,
  source: Tensor,
  node: Tensor<"gridSample">,
): (readonly Side[])[] {
  const { dtype } = node;
  const emit = (opType: string, ...inputs: Value[]) => context.emit(opType, inputs);
  const number = (value: number) => scalar(context, value, dtype);
  const spatial = source.shape.slice(2).reverse(); // the grid's order: x first
  const size = floats(context, spatial, dtype);
  const padding = new Padding(context, size, node.attributes, dtype);
  const strides = whole(context, context.sizes.shape(spatial.map((_, i) => multiplyDims(1, ...spatial.slice(0, i)))));
  const sides = tapsOf(context, flat, size, padding, node).map(({ cell, share }) => {
    const nearest = padding.within(cell);
    // Beyond the border the features are zero. Where, not a product: far away the share may be infinite.
    const isZero = node.attributes.padding === "zeros";
    const weight = isZero ? emit("Where", emit("Equal", cell, nearest), share ?? number(1), number(0)) : share;
    return { offset: emit("Mul", cast(context, nearest, indexType(context)), strides), weight };
  });
  const base = firstRows(context, source);
  return spatial.map((_, axis) => {
    const index = scalar(context, axis, "int64");
    const column = (value: Value) => context.emit("Gather", [value, index], { axis: { int: 2 } }); // (N, P)
    return sides.map(({ offset, weight }): Side => {
      const own = column(offset);
      return {
        offset: axis === 0 && base !== undefined ? emit("Add", own, base) : own,
        weight: weight && column(weight),
      };
    });
  });
}

/** A cell around each point, a whole number as a float, and its share (undefined: all), both (N, P, rank). */
interface Tap {
  readonly cell: Value;
  readonly share: Value | undefined;
}

function tapsOf(
  context: LoweringContext,
  flat: Value,
  size: Value,
  padding: Padding,
  { attributes: { mode, alignCorners }, dtype }: Tensor<"gridSample">,
): Tap[] {
  const emit = (opType: string, ...inputs: Value[]) => context.emit(opType, inputs);
  const number = (value: number) => scalar(context, value, dtype);
  const fromEdge = emit("Add", flat, number(1)); // 0 to 2
  const halved = (value: Value) => emit("Mul", value, number(0.5));
  const free = alignCorners
    ? emit("Mul", fromEdge, halved(emit("Sub", size, number(1))))
    : emit("Sub", emit("Mul", fromEdge, halved(size)), number(0.5));
  const position = mode === "cubic" ? free : padding.of(free);
  const low = emit("Floor", position);
  const part = emit("Sub", position, low);
  if (mode === "nearest") {
    // Half to even: up from beyond the middle, and from the middle itself where the lower cell is odd.
    const isOdd = emit("Greater", emit("Sub", halved(low), emit("Floor", halved(low))), number(0));
    const isMiddle = emit("Equal", part, number(0.5));
    const isUp = emit("Or", emit("Greater", part, number(0.5)), emit("And", isMiddle, isOdd));
    return [{ cell: emit("Add", low, cast(context, isUp, dtype)), share: undefined }];
  }
  if (mode === "linear")
    return [
      { cell: low, share: emit("Sub", number(1), part) },
      { cell: emit("Add", low, number(1)), share: part },
    ];
  return CUBIC.map(([offset, one, linear, square, cube]) => {
    // Keys' cubic convolution with a = -0.75: a polynomial in how far after `low` the point is.
    const inner = emit(
      "Add",
      emit("Mul", emit("Add", emit("Mul", part, number(cube)), number(square)), part),
      number(linear),
    );
    return {
      cell: padding.of(emit("Add", low, number(offset))),
      share: emit("Add", emit("Mul", inner, part), number(one)),
    };
  });
}

/** Of each cell, counted from the one before the point: the factors of 1, part, part^2 and part^3. */
const CUBIC = [
  [-1, 0, -0.75, 1.5, -0.75],
  [0, 1, 0, -2.25, 1.25],
  [1, 0, 0.75, 1.5, -1.25],
  [2, 0, 0, -0.75, 0.75],
] as const;

/** What is beyond the map; positions and cells, (N, P, rank), counted in cells. */
class Padding {
  readonly #emit: (opType: string, ...inputs: Value[]) => Value;
  readonly #number: (value: number) => Value;
  readonly #size: Value;
  readonly #attributes: SpatialOps["gridSample"];

  constructor(context: LoweringContext, size: Value, attributes: SpatialOps["gridSample"], dtype: GraphDType) {
    this.#emit = (opType, ...inputs) => context.emit(opType, inputs);
    this.#number = (value) => scalar(context, value, dtype);
    this.#size = size;
    this.#attributes = attributes;
  }

  /** Between the first and the last cell's centres. */
  within(value: Value): Value {
    const last = this.#emit("Sub", this.#size, this.#number(1));
    return this.#emit("Max", this.#emit("Min", value, last), this.#number(0));
  }

  /** Zeros leave a position where it is. */
  of(value: Value): Value {
    const { padding } = this.#attributes;
    if (padding === "zeros") return value;
    return this.within(padding === "border" ? value : this.#reflect(value));
  }

  /** There and back between the first and last cell's centres, or (corners not aligned) between their outer edges. */
  #reflect(value: Value): Value {
    const { alignCorners } = this.#attributes;
    const [emit, number] = [this.#emit, this.#number];
    const least = number(alignCorners ? 0 : -0.5);
    // A map of one cell with its corners aligned has no extent; any positive one leads to that cell.
    const span = alignCorners ? emit("Max", emit("Sub", this.#size, number(1)), number(1)) : this.#size;
    const twice = emit("Mul", span, number(2));
    const from = emit("Sub", value, least);
    const along = emit("Sub", from, emit("Mul", emit("Floor", emit("Div", from, twice)), twice)); // 0 to 2 * span
    return emit("Add", emit("Sub", span, emit("Abs", emit("Sub", along, span))), least);
  }
}

/** WebGPU reckons in 32 bits. */
const indexType = (context: LoweringContext) => (context.target === "webgpu" ? "int32" : "int64");

/** Sizes, which are int64, in the type of indices. */
function whole(context: LoweringContext, sizes: Value): Value {
  return indexType(context) === "int64" ? sizes : cast(context, sizes, indexType(context));
}

/** Each picture's first row in the table, (N, 1); undefined when there is one picture only. */
function firstRows(context: LoweringContext, source: Tensor): Value | undefined {
  const [batch, , ...spatial] = source.shape as readonly [Dim, Dim, ...Dim[]];
  if (batch === 1) return undefined;
  const { emitter, sizes } = context;
  const cells = multiplyDims(...spatial);
  if (typeof batch === "number" && typeof cells === "number")
    return whole(
      context,
      emitter.constant(
        tensor(
          "int64",
          [batch, 1],
          BigInt64Array.from({ length: batch }, (_, i) => BigInt(i * cells)),
        ),
      ),
    );
  const zero = scalar(context, 0, "int64");
  const pictures = context.emit("Range", [zero, sizes.scalar(batch), scalar(context, 1, "int64")]);
  const column = context.emit("Unsqueeze", [pictures, emitter.int64s([1])]);
  return whole(context, context.emit("Mul", [column, sizes.scalar(cells)]));
}

/** Sizes as floats, a vector. */
function floats(context: LoweringContext, list: readonly Dim[], dtype: GraphDType): Value {
  const numbers = list.filter((size) => typeof size === "number");
  if (numbers.length === list.length && dtype === "float32")
    return context.emitter.constant(tensor("float32", [numbers.length], Float32Array.from(numbers)));
  return cast(context, context.sizes.shape(list), dtype);
}
