// What a case is, and how it becomes a graph with values.
import { evaluateDim, type Shape } from "../../src/graph/dimensions.ts";
import { initialize } from "../../src/graph/initializers.ts";
import type { GraphDType, Op } from "../../src/graph/ops.ts";
import { Graph, type Tensor } from "../../src/graph/tensor.ts";
import { RandomSource } from "../../src/random.ts";
import { elementCount, numberToHalf, type TensorData, tensor } from "../../src/tensor.ts";

/** An input and the numbers it is drawn from. */
export interface CaseInput {
  readonly shape: Shape;
  /** Default float32. */
  readonly dtype?: GraphDType;
  /** Drawn uniformly from low..high; integers from low to high - 1. Default -2..2, for integers 0..5. */
  readonly low?: number;
  readonly high?: number;
}

export interface OpCase {
  readonly title: string;
  readonly inputs: Readonly<Record<string, CaseInput>>;
  readonly build: (tensors: Readonly<Record<string, Tensor>>, graph: Graph) => Tensor;
  /** What the named sizes are in a run. */
  readonly sizes?: Readonly<Record<string, number>>;
}

/** A case made concrete: a graph with one output "y", and values for everything it is fed. */
export interface ReadyCase {
  readonly graph: Graph;
  readonly inputs: Readonly<Record<string, TensorData>>;
  readonly parameters: ReadonlyMap<string, TensorData>;
  readonly shape: readonly number[];
}

const DEFAULT_SIZES = { batch: 2, height: 7, width: 5, tokens: 3 };

export function readyCase(opCase: OpCase, seed = 1): ReadyCase {
  const graph = new Graph();
  const sizes = new Map(Object.entries({ ...DEFAULT_SIZES, ...opCase.sizes }));
  const tensors: Record<string, Tensor> = {};
  const inputs: Record<string, TensorData> = {};
  for (const [name, spec] of Object.entries(opCase.inputs)) {
    tensors[name] = graph.input(name, spec.shape, spec.dtype);
    inputs[name] = draw(name, spec, sizes, seed);
  }
  const y = opCase.build(tensors, graph);
  graph.output("y", y);
  const parameters = new Map(
    [...graph.parameters.values()].map(({ name, shape, initializer }): [string, TensorData] => [
      name,
      tensor("float32", shape, initialize(name, shape, initializer, seed)),
    ]),
  );
  return { graph, inputs, parameters, shape: y.shape.map((size) => evaluateDim(size, sizes)) };
}

/**
 * Cases side by side in one graph, for engines that take long to open a model: inputs are named "3.x", and "3" is the answer of the case at that place. They must
 * have no parameters, and the same named sizes.
 */
export function readyTogether(list: readonly OpCase[], seed = 1): Pick<ReadyCase, "graph" | "inputs"> {
  const graph = new Graph();
  const inputs: Record<string, TensorData> = {};
  for (const [i, opCase] of list.entries()) {
    const own = Object.entries(opCase.inputs).map(([name, { shape, dtype }]): [string, Tensor] => [
      name,
      graph.input(`${i}.${name}`, shape, dtype),
    ]);
    for (const [name, value] of Object.entries(readyCase(opCase, seed).inputs)) inputs[`${i}.${name}`] = value;
    graph.output(`${i}`, opCase.build(Object.fromEntries(own), graph));
  }
  return { graph, inputs };
}

function draw(name: string, spec: CaseInput, sizes: ReadonlyMap<string, number>, seed: number): TensorData {
  const random = new RandomSource(seed, name);
  const shape = spec.shape.map((size) => evaluateDim(size, sizes));
  const length = elementCount(shape);
  const float = () => (spec.low ?? -2) + random.uniform() * ((spec.high ?? 2) - (spec.low ?? -2));
  const integer = () => (spec.low ?? 0) + random.integer((spec.high ?? 5) - (spec.low ?? 0));
  switch (spec.dtype ?? "float32") {
    case "float32":
      return tensor("float32", shape, Float32Array.from({ length }, float));
    case "float16":
      return tensor(
        "float16",
        shape,
        Uint16Array.from({ length }, () => numberToHalf(float())),
      );
    case "int64":
      return tensor(
        "int64",
        shape,
        BigInt64Array.from({ length }, () => BigInt(integer())),
      );
    case "int32":
      return tensor("int32", shape, Int32Array.from({ length }, integer));
    case "uint8":
      return tensor("uint8", shape, Uint8Array.from({ length }, integer));
    case "int8":
      return tensor("int8", shape, Int8Array.from({ length }, integer));
    case "bool":
      return tensor(
        "bool",
        shape,
        Uint8Array.from({ length }, () => random.integer(2)),
      );
  }
}

export type OpCases<Ops extends Op> = { readonly [O in Ops]: readonly [OpCase, ...OpCase[]] };

export const FLOATS: readonly GraphDType[] = ["float32", "float16"];
export const SIGNED: readonly GraphDType[] = ["int64", "int32", "int8"];
export const NUMERIC: readonly GraphDType[] = [...FLOATS, ...SIGNED, "uint8"];
export const EVERY: readonly GraphDType[] = [...NUMERIC, "bool"];
export const isFloat = (dtype: GraphDType) => FLOATS.includes(dtype);
/** Positive and negative values where the dtype has them. */
export const range = (dtype: GraphDType) => (isFloat(dtype) ? {} : { low: dtype === "uint8" ? 0 : -6, high: 7 });

export const x = (shape: Shape, dtype: GraphDType = "float32"): Record<string, CaseInput> => ({
  x: { shape, dtype, ...range(dtype) },
});
export const indices = (shape: Shape, high: number, dtype: GraphDType = "int64"): CaseInput => ({
  shape,
  dtype,
  low: 0,
  high,
});

export const dynamic3: Shape = ["batch", 3, "width"];

export function cases(list: readonly OpCase[]): readonly [OpCase, ...OpCase[]] {
  const [first, ...rest] = list;
  if (first === undefined) throw new Error("an op without a case");
  return [first, ...rest];
}
