// gridSample without the GridSample operator: the four (in volumes eight) cells around each point are gathered and weighted with plain
// arithmetic, to the kernel's values. For engines whose kernel is missing, slow or wrong.
import { type Dim, multiplyDims } from "../../graph/dimensions.ts";
import type { GraphDType } from "../../graph/ops.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { tensor } from "../../tensor.ts";
import type { Value } from "../emitter.ts";
import { reshapeOperand } from "./layout.ts";
import { cast, type LoweringContext, scalar } from "./rule.ts";

/** One of the two cells around each point along one axis. */
interface Side {
  /** What the cell adds to the row of the table of cells: whole numbers (N, P). */
  readonly offset: Value;
  /** Its share of the value: float (N, P). */
  readonly weight: Value;
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
  for (let corner = 0; corner < 1 << rank; corner++) {
    const sides = axes.map((axis, i) => axis[(corner >> i) & 1]!);
    const row = sides.map(({ offset }) => offset).reduce((a, b) => context.emit("Add", [a, b]));
    const weight = sides.map((side) => side.weight).reduce((a, b) => context.emit("Mul", [a, b]));
    const cells = context.emit("Gather", [table, row], { axis: { int: 0 } }); // (N, P, C)
    const share = context.emit("Mul", [cells, context.emit("Unsqueeze", [weight, context.emitter.int64s([2])])]);
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

/** For x, y[, z], the lower and the upper cell beside each point. All axes are computed together, and taken apart at the end. */
function sidesOfAxes(
  context: LoweringContext,
  flat: Value,
  source: Tensor,
  node: Tensor<"gridSample">,
): (readonly [low: Side, high: Side])[] {
  const { dtype } = node;
  const border = node.attributes.padding === "border";
  const emit = (opType: string, ...inputs: Value[]) => context.emit(opType, inputs);
  const number = (value: number) => scalar(context, value, dtype);
  const spatial = source.shape.slice(2).reverse(); // the grid's order: x first
  const size = floats(context, spatial, dtype);
  const last = emit("Sub", size, number(1));
  const within = (value: Value) => emit("Max", emit("Min", value, last), number(0));
  // ((coordinate + 1) * size - 1) / 2: -1 and 1 are the outer edges of the first and last cell.
  const centred = emit("Sub", emit("Mul", emit("Add", flat, number(1)), emit("Mul", size, number(0.5))), number(0.5));
  const position = border ? within(centred) : centred;
  const low = emit("Floor", position);
  const high = emit("Add", low, number(1));
  const towardsHigh = emit("Sub", position, low);
  const towardsLow = emit("Sub", number(1), towardsHigh);
  const strides = whole(context, context.sizes.shape(spatial.map((_, i) => multiplyDims(1, ...spatial.slice(0, i)))));
  const side = (cell: Value, share: Value) => {
    const nearest = within(cell);
    // Beyond the border the features are zero. Where, not a product: far away the share may be infinite.
    const weight = border ? share : emit("Where", emit("Equal", cell, nearest), share, number(0));
    return { offset: emit("Mul", cast(context, nearest, indexType(context)), strides), weight };
  };
  const sides = [side(low, towardsLow), side(high, towardsHigh)] as const;
  const base = firstRows(context, source);
  return spatial.map((_, axis) => {
    const index = scalar(context, axis, "int64");
    const column = (value: Value) => context.emit("Gather", [value, index], { axis: { int: 2 } }); // (N, P)
    const part = ({ offset, weight }: Side): Side => {
      const own = column(offset);
      return { offset: axis === 0 && base !== undefined ? emit("Add", own, base) : own, weight: column(weight) };
    };
    return [part(sides[0]), part(sides[1])];
  });
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
