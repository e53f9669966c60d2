// Resizing, as PyTorch's interpolate() does it: half-pixel centres unless corners are aligned, nearest by flooring.
import { resizeTaps } from "../../graph/resize-taps.ts";
import { tensor } from "../../tensor.ts";
import type { Attributes, Value } from "../emitter.ts";
import type { LoweringContext, LoweringRule } from "./rule.ts";

export const resize: LoweringRule<"resize"> = (context, inputs, node) =>
  cubicProducts(context, inputs, node) ?? kernel(context, inputs, node);

const kernel: LoweringRule<"resize"> = (context, [x], node) => {
  const { mode, alignCorners } = node.attributes;
  const [source] = node.inputs;
  const attributes: Attributes = {
    mode: { string: mode },
    coordinate_transformation_mode: {
      string: mode === "nearest" ? "asymmetric" : alignCorners ? "align_corners" : "half_pixel",
    },
    ...(mode === "nearest" ? { nearest_mode: { string: "floor" } } : {}),
    ...(mode === "cubic" ? { cubic_coeff_a: { float: -0.75 } } : {}),
  };
  const nearby = [{ value: x!, shape: source!.shape }];
  // Not by `axes`, which the operator has from 18 on: ONNX Runtime 1.30 forgets them when it moves a Transpose past a Resize, and refuses the file.
  return context.emit("Resize", [x!, "", "", context.sizes.shape(node.shape, nearby)], attributes);
};

/** Larger matrices take more memory than the products are worth. */
const MAX_MATRIX = 2 ** 20;

/**
 * Pictures of fixed size, cubic: rows and then columns by a product with a constant matrix each. ONNX Runtime's cubic kernel takes more than
 * ten times as long. Undefined where that cannot be.
 */
function cubicProducts(
  context: LoweringContext,
  [x]: readonly Value[],
  node: Parameters<LoweringRule<"resize">>[2],
): Value | undefined {
  const { sizes, mode, alignCorners } = node.attributes;
  const from = node.inputs[0]!.shape.slice(2);
  if (mode !== "cubic" || node.dtype !== "float32" || from.length !== 2) return undefined;
  const axes = from.map((size, i) => ({ size, newSize: sizes[i]! }));
  const fits = axes.every(
    ({ size, newSize }) => typeof size === "number" && typeof newSize === "number" && size * newSize <= MAX_MATRIX,
  );
  if (!fits) return undefined;
  const [rows, columns] = axes.map(({ size, newSize }) => mixingMatrix(Number(size), Number(newSize), alignCorners));
  const down = context.emit("MatMul", [context.emitter.constant(rows!), x!]); // (N, C, new height, width)
  return context.emit("MatMul", [down, context.emitter.constant(transposed(columns!))]);
}

/** (new size, size): what each new cell mixes. */
function mixingMatrix(size: number, newSize: number, alignCorners: boolean) {
  const shares = new Float64Array(newSize * size);
  for (const [i, taps] of resizeTaps(size, newSize, "cubic", alignCorners).entries())
    for (const { cell, share } of taps) shares[i * size + cell]! += share;
  return tensor("float32", [newSize, size], Float32Array.from(shares));
}

function transposed({ shape, data }: ReturnType<typeof mixingMatrix>) {
  const [rows = 0, columns = 0] = shape;
  return tensor(
    "float32",
    [columns, rows],
    data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!),
  );
}
