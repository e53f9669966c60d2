// Every gradient against central differences of the float64 interpreter, along random directions.
import { expect, test } from "vitest";
import { type CaseInput, type OpCase, opCases } from "../../../test/op-cases.ts";
import { ShapeError } from "../../errors.ts";
import { RandomSource } from "../../random.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../../tensor.ts";
import * as g from "../build.ts";
import { evaluateDim, isStatic, type Shape } from "../dimensions.ts";
import { interpret } from "../interpreter/interpret.ts";
import type { Op } from "../ops.ts";
import { Graph } from "../tensor.ts";
import { differentiate } from "./differentiate.ts";

const SIZES = new Map(Object.entries({ batch: 2, height: 7, width: 5, tokens: 3 }));
const random = new RandomSource(7);
const isFloat = (spec: CaseInput) => (spec.dtype ?? "float32") === "float32";

function draw(spec: CaseInput, shape: readonly number[]): TensorData {
  const length = elementCount(shape);
  const low = spec.low ?? (isFloat(spec) ? -2 : 0);
  const high = spec.high ?? (isFloat(spec) || spec.dtype === "bool" ? 2 : 5);
  const integer = () => low + random.integer(high - low);
  switch (spec.dtype ?? "float32") {
    case "float32":
      return tensor(
        "float64",
        shape,
        Float64Array.from({ length }, () => low + random.uniform() * (high - low)),
      );
    case "int64":
      return tensor(
        "int64",
        shape,
        BigInt64Array.from({ length }, () => BigInt(integer())),
      );
    case "int32":
      return tensor("int32", shape, Int32Array.from({ length }, integer));
    case "bool":
      return tensor("bool", shape, Uint8Array.from({ length }, integer));
    default:
      throw new Error(`gradient cases have no ${spec.dtype} inputs`);
  }
}

const noise = (shape: readonly number[]) =>
  tensor(
    "float64",
    shape,
    Float64Array.from({ length: elementCount(shape) }, () => random.normal()),
  );

/** The values with one of them moved along a direction. */
function moved(inputs: Record<string, TensorData>, name: string, direction: TensorData, step: number) {
  const value = inputs[name]!;
  const data = toFloat64(value).map((x, i) => x + step * (direction.data[i] as number));
  return { ...inputs, [name]: tensor("float64", value.shape, data) };
}

/** The case's graph, with numbers for sizes as training graphs have them, or with the sizes left free. */
function built({ inputs, sizes, build }: OpCase, free: boolean) {
  const known = new Map([...SIZES, ...Object.entries(sizes ?? {})]);
  const concrete = (shape: Shape) => shape.map((size) => evaluateDim(size, known));
  const graph = new Graph();
  const entries = Object.entries(inputs).map(([name, spec]) => {
    const shape = concrete(spec.shape);
    return { name, spec, tensor: graph.input(name, free ? spec.shape : shape, spec.dtype), value: draw(spec, shape) };
  });
  const y = build(Object.fromEntries(entries.map(({ name, tensor }) => [name, tensor])), graph);
  return { graph, entries, y, shape: concrete(y.shape) };
}

/** Some cases speak of free sizes in what they build. */
function ready(opCase: OpCase): ReturnType<typeof built> {
  try {
    const fixed = built(opCase, false);
    if (isStatic(fixed.y.shape)) return fixed;
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
  }
  return built(opCase, true);
}

/** Compares the gradient of sum(projection * y) with its slope along a random direction of each float input. */
function check(opCase: OpCase): void {
  const { graph, entries, y, shape } = ready(opCase);
  if (y.dtype !== "float32") return;
  const projected = g.mul(y, graph.input("projection", y.shape));
  const loss = g.reduceSum(
    projected,
    y.shape.map((_, i) => i),
  );
  const leaves = entries.filter(({ spec }) => isFloat(spec));
  try {
    differentiate(
      loss,
      leaves.map(({ tensor }) => tensor),
    ).forEach((gradient, i) => {
      graph.output(leaves[i]!.name, gradient);
    });
  } catch (error) {
    // Where a gradient needs to know sizes it says so.
    expect(isStatic(y.shape), String(error)).toBe(false);
    expect(String(error)).toContain("needs fixed sizes");
    return;
  }
  graph.output("loss", loss);
  const parameters = new Map([...graph.parameters.values()].map(({ name, shape }) => [name, noise(shape)]));
  const run = (inputs: Record<string, TensorData>, outputs: string[]) =>
    interpret(graph, { inputs, parameters, outputs, precision: "float64" });
  const inputs = { ...Object.fromEntries(entries.map(({ name, value }) => [name, value])), projection: noise(shape) };
  const gradients = run(
    inputs,
    leaves.map(({ name }) => name),
  );
  for (const { name, value } of leaves) {
    const direction = noise(value.shape);
    const lossAt = (step: number) => run(moved(inputs, name, direction, step), ["loss"]).get("loss")!.data[0] as number;
    const slope = (lossAt(STEP) - lossAt(-STEP)) / (2 * STEP);
    const predicted = toFloat64(gradients.get(name)!).reduce((sum, d, i) => sum + d * (direction.data[i] as number), 0);
    const error = Math.abs(predicted - slope) / Math.max(1, Math.abs(slope));
    expect(error, `d ${name}: predicted ${predicted}, measured ${slope}`).toBeLessThan(1e-6);
  }
}

const STEP = 1e-5;
/** Their gradients are meant to differ from their slopes. */
const EXCEPTIONS: readonly Op[] = ["stopGradient", "clampGradient"];
const differentiable = (opCase: OpCase) => {
  const specs = Object.values(opCase.inputs);
  return specs.some(isFloat) && specs.every(({ dtype }) => dtype !== "float16");
};

test.each(
  (Object.keys(opCases) as Op[]).flatMap((op) =>
    (EXCEPTIONS.includes(op) ? [] : opCases[op])
      .filter(differentiable)
      .map((opCase) => [op, opCase.title, opCase] as const),
  ),
)("%s: %s", (_op, _title, opCase) => check(opCase));
