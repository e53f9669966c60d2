// Runs a graph in plain TypeScript, slowly and simply: what engines are checked against. Floats are computed in float64, so that its
// rounding stays far below theirs; every node's actual shape is checked against the shape the graph promised.
import { SaccadeError } from "../../errors.ts";
import type { TensorData } from "../../tensor.ts";
import { type Dim, evaluateDim, printShape } from "../dimensions.ts";
import type { Op, OpAttributes } from "../ops.ts";
import type { Graph, Tensor } from "../tensor.ts";
import { kernels } from "./index.ts";
import { fromTensorData, type Kernel, type Run, toTensorData, type Value } from "./value.ts";

export interface InterpretOptions {
  /** By name. Floats may be given as float64. */
  readonly inputs: Readonly<Record<string, TensorData>>;
  /** By name; a float32 parameter may be given as float64. */
  readonly parameters: ReadonlyMap<string, TensorData>;
  /** Which outputs to compute; all by default. */
  readonly outputs?: readonly string[];
  /** "float64" returns floats unrounded, for finite differences. Default "float32". */
  readonly precision?: "float32" | "float64";
}

/**
 * Computes a graph's outputs.
 *
 * Named sizes take their values from the inputs' actual shapes. Throws a SaccadeError ("graph") for inputs that are missing, unknown or do
 * not fit their declared shapes, and for a node whose result has not the shape that its shape rule promised.
 *
 * @example
 * const graph = trace(({ graph }) => ({ twice: mul(graph.input("x", ["batch"]), 2) }));
 * interpret(graph, { inputs: { x: tensor("float32", [2], Float32Array.of(1, 2)) }, parameters: new Map() }).get("twice");
 */
export function interpret(graph: Graph, options: InterpretOptions): Map<string, TensorData> {
  const wanted = new Map((options.outputs ?? [...graph.outputs.keys()]).map((name) => [name, outputOf(graph, name)]));
  const feeds = {
    ...sizesOf(bindSizes(graph, options.inputs)),
    input: (name: string) => feed("input", name, options.inputs[name], graph.inputs.get(name)),
    parameter: (name: string) => feed("parameter", name, options.parameters.get(name), graph.parameters.get(name)),
  };
  const known = new Map<number, Value>();
  for (const node of graph.needed(wanted.values())) {
    const inputs = node.inputs.map((input) => known.get(input.id)!);
    known.set(node.id, compute(node, inputs, { ...feeds, node }));
  }
  const precision = options.precision ?? "float32";
  return new Map([...wanted].map(([name, node]) => [name, toTensorData(known.get(node.id)!, precision)]));
}

/**
 * The values of tensors that no input reaches: weights, and what is computed from weights alone. Floats come unrounded, as float64.
 *
 * @throws SaccadeError ("graph") for a parameter without a value, and for a tensor that depends on an input or a named size.
 */
export function evaluate(tensors: readonly Tensor[], parameters: ReadonlyMap<string, TensorData>): TensorData[] {
  const { graph } = tensors[0] ?? { graph: undefined };
  if (graph === undefined) return [];
  const feeds = {
    ...sizesOf(new Map()),
    input: (name: string) => feed("input", name, undefined, graph.inputs.get(name)),
    parameter: (name: string) => feed("parameter", name, parameters.get(name), graph.parameters.get(name)),
  };
  const known = new Map<number, Value>();
  for (const node of graph.needed(tensors)) {
    const inputs = node.inputs.map((input) => known.get(input.id)!);
    known.set(node.id, compute(node, inputs, { ...feeds, node }));
  }
  return tensors.map((node) => toTensorData(known.get(node.id)!, "float64"));
}

/** The named sizes of a run: those of its inputs, and those that turn out on the way. */
function sizesOf(known: Map<string, number>): Pick<Run, "size" | "define"> {
  return {
    size: (dim) => evaluateDim(dim, known),
    define(name, size) {
      const before = known.get(name);
      if (before !== undefined && before !== size)
        throw new SaccadeError("graph", `the size named "${name}" is ${before} in one place and ${size} in another`);
      known.set(name, size);
    },
  };
}

function outputOf(graph: Graph, name: string): Tensor {
  const node = graph.outputs.get(name);
  if (node !== undefined) return node;
  throw new SaccadeError("graph", `the graph has no output "${name}"`, {
    hint: `its outputs are ${[...graph.outputs.keys()].join(", ")}`,
  });
}

function feed(
  kind: "input" | "parameter",
  name: string,
  value: TensorData | undefined,
  declared: { readonly dtype: Tensor["dtype"] } | undefined,
): Value {
  if (value === undefined) throw new SaccadeError("graph", `${kind} "${name}" was not given a value`);
  return fromTensorData(value, declared!.dtype, `${kind} "${name}"`);
}

function compute(node: Tensor, inputs: readonly Value[], run: Run): Value {
  // The kernel under a node's op takes that op's attributes; the union over all ops cannot say so.
  const kernel = kernels[node.op] as Kernel<Op>;
  const value = kernel(inputs, node.attributes as OpAttributes[Op], run);
  const promised = node.shape.map((d) => run.size(d));
  const same = promised.length === value.shape.length && promised.every((d, i) => d === value.shape[i]);
  if (!same || value.dtype !== node.dtype) {
    const at = node.path === "" ? "" : ` at ${node.path}`;
    throw new SaccadeError(
      "graph",
      `${node.op}${at}: promised ${node.dtype}${printShape(node.shape)} = ${printShape(promised)}, ` +
        `computed ${value.dtype}${printShape(value.shape)}`,
      { data: { op: node.op, path: node.path, promised, computed: value.shape } },
    );
  }
  return value;
}

/** What each named size is in this run, from the shapes of the inputs that were given. */
export function bindSizes(graph: Graph, inputs: Readonly<Record<string, TensorData>>): Map<string, number> {
  const sizes = new Map<string, number>();
  const given: [string, readonly Dim[], readonly number[]][] = [];
  for (const [name, value] of Object.entries(inputs)) {
    const declared = graph.inputs.get(name);
    if (declared === undefined)
      throw new SaccadeError("graph", `the graph has no input "${name}"`, {
        hint: `its inputs are ${[...graph.inputs.keys()].join(", ")}`,
      });
    const misfit = `input "${name}" is ${printShape(value.shape)} but was declared ${printShape(declared.shape)}`;
    if (declared.shape.length !== value.shape.length) throw new SaccadeError("graph", misfit);
    given.push([misfit, declared.shape, value.shape]);
    declared.shape.forEach((d, i) => {
      if (typeof d === "string" && /^\w+$/.test(d) && !sizes.has(d)) sizes.set(d, value.shape[i]!);
    });
  }
  // Only now is every name known that an expression such as "2*batch" may use.
  for (const [misfit, declared, actual] of given)
    declared.forEach((d, i) => {
      const expected = evaluateDim(d, sizes);
      if (expected !== actual[i]) throw new SaccadeError("graph", `${misfit}: dimension ${i} must be ${expected}`);
    });
  return sizes;
}
