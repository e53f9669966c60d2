// A golden case with values from inside the model against every engine: each of its outputs is an output of ours or a layer.
import { expect } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { fitWeights, inferenceGraph } from "../src/models/graph.ts";
import type { ModelDefinition } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, maxDifference } from "./golden-case.ts";

/** Where an output of a case is found: our output or layer, and where its first element stands in ours, by axis. */
export interface Place {
  readonly name: string;
  /** Ours has what comes before not at all: these first entries of the case's are left out. Default: none. */
  readonly skip?: readonly number[];
}

export interface LayerCase {
  readonly golden: GoldenCase;
  readonly definition: ModelDefinition;
  readonly place: (output: string) => Place;
  /** How far the interpreter may be off, where constants are rounded to float32 and what follows enlarges that. Default: what storing rounds, 4e-6. */
  readonly interpreterTolerance?: (output: string) => number;
}

const OUTPUTS = ["logits", "features"];

/** The graph with the layers that the case asks for, and weights that fit with nothing missing and nothing left over. */
function graphOf({ golden, definition, place }: LayerCase) {
  const names = [...golden.outputs.keys()].map((output) => place(output).name);
  const graph = inferenceGraph(definition, {}, { layers: names.filter((name) => !OUTPUTS.includes(name)) });
  const adopted = definition.architecture.adoptWeights(golden.weights, definition.config);
  return { graph, names, weights: fitWeights(graph, adopted, golden.name) };
}

/** The interpreter computes in float64, as the goldens were: only their storage rounds. */
export function expectInterpreterLayers(wanted: LayerCase): void {
  const { graph, names, weights } = graphOf(wanted);
  const outputs = interpret(graph, { inputs: { image: wanted.golden.image }, parameters: weights, outputs: names });
  expectLayers(wanted, (name) => outputs.get(name)!, wanted.interpreterTolerance ?? (() => 4e-6));
}

export async function expectSessionLayers(wanted: LayerCase, device: "cpu" | "wasm"): Promise<void> {
  const { graph, names, weights } = graphOf(wanted);
  const bytes = lower(graph, { parameters: weights, target: "onnxruntime" });
  await using session = await nodeHost.createSession(bytes, { device });
  const outputs = await session.run({ image: wanted.golden.image }, { outputs: names });
  const errors = wanted.golden.json.float32_errors as Readonly<Record<string, number>>;
  expectLayers(
    wanted,
    (name) => outputs[name]!,
    (output) => 1e-4 + 4 * errors[output]!,
  );
}

function expectLayers(
  { golden, place }: LayerCase,
  find: (name: string) => TensorData,
  tolerance: (output: string) => number,
): void {
  for (const [output, value] of golden.outputs) {
    const { name, skip = value.shape.map(() => 0) } = place(output);
    const shape = value.shape.map((size, axis) => size - skip[axis]!);
    const expected = block(value, skip, shape);
    // Of large values cases hold the first rows or channels only.
    const actual = block(
      find(name),
      shape.map(() => 0),
      shape,
    );
    expect(maxDifference(actual, expected), output).toBeLessThan(tolerance(output));
  }
}

/** The part of that shape that begins there. */
function block(value: TensorData, starts: readonly number[], shape: readonly number[]): TensorData {
  const all = toFloat64(value);
  const part = new Float32Array(elementCount(shape));
  for (let i = 0; i < part.length; i++) {
    let [rest, at, stride] = [i, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += ((rest % shape[axis]!) + starts[axis]!) * stride;
      rest = Math.floor(rest / shape[axis]!);
      stride *= value.shape[axis]!;
    }
    part[i] = all[at]!;
  }
  return tensor("float32", shape, part);
}
