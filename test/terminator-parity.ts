// What the Terminator goldens hold that its description determines: the slow nets' global kernels, and the loss between them. The rest of a block is this project's reading of it.
import { expect } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { trace } from "../src/graph/scope.ts";
import type { Graph } from "../src/graph/tensor.ts";
import { defineModel } from "../src/models/registry.ts";
import type { TerminatorConfig } from "../src/models/terminator/config.ts";
import { globalKernels } from "../src/models/terminator/model.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import type { TensorData } from "../src/tensor.ts";
import { slowNeuralLoss } from "../src/train/terminator/objective.ts";
import { loadGolden, maxDifference } from "./golden-case.ts";
import { expectInterpreterLayers, expectSessionLayers, type LayerCase } from "./layer-parity.ts";

/** A case with its model, and the graph of kernels and loss alone. Of kernels with many channels cases hold the first. */
function terminatorCase(name: string) {
  const golden = loadGolden(name)!;
  const { channels: _, ...config } = golden.config;
  const definition = defineModel("terminator", config);
  const graph = trace((scope) => {
    const kernels = globalKernels(scope, definition.config as TerminatorConfig);
    return {
      slow_loss: slowNeuralLoss(kernels),
      ...Object.fromEntries(kernels.map((kernel, i) => [`kernel.${i}`, kernel])),
    };
  });
  return { golden, definition, graph };
}

/** Answers and blocks. Names that fit are a part of it: with nothing missing and nothing left over. */
function answersOf(name: string): LayerCase {
  const { golden, definition } = terminatorCase(name);
  const outputs = new Map([...golden.outputs].filter(([output]) => output === "logits" || output.startsWith("block.")));
  return {
    golden: { ...golden, outputs },
    definition,
    // Places of cells are float32 here and float64 there; waves and products of five blocks enlarge that.
    interpreterTolerance: (output) => 4e-6 + Number((golden.json.float32_errors as Record<string, number>)[output]),
    place: (output) => ({ name: output.replace(/^block\.(\d)$/, (_, block) => `bottleneck.${Number(block) + 1}`) }),
  };
}

export function expectTerminator(name: string): void {
  expectInterpreterLayers(answersOf(name));
}

export function expectTerminatorSession(name: string, device: "cpu" | "wasm"): Promise<void> {
  return expectSessionLayers(answersOf(name), device);
}

export async function expectTerminatorKernels(name: string, on: "interpreter" | "cpu" | "wasm"): Promise<void> {
  const { golden, graph } = terminatorCase(name);
  const parameters = new Map([...graph.parameters.keys()].map((key) => [key, golden.weights.get(key)!]));
  const outputs = on === "interpreter" ? inFloat64(graph, parameters) : await inSession(graph, parameters, on);
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  for (const output of graph.outputs.keys()) {
    const expected = golden.outputs.get(output)!;
    const actual = firstChannels(outputs.get(output)!, expected);
    // The loss is a sum of ten means over up to 150,000 numbers: in float32 it is right to five digits.
    const size = output === "slow_loss" ? Number(expected.data[0]) : 1;
    const tolerance = on === "interpreter" ? 4e-6 : 1e-4 * size + 4 * errors[output]!;
    expect(maxDifference(actual, expected), output).toBeLessThan(tolerance);
  }
}

function inFloat64(graph: Graph, parameters: ReadonlyMap<string, TensorData>): ReadonlyMap<string, TensorData> {
  return interpret(graph, { inputs: {}, parameters, outputs: [...graph.outputs.keys()] });
}

async function inSession(graph: Graph, parameters: ReadonlyMap<string, TensorData>, device: "cpu" | "wasm") {
  await using session = await nodeHost.createSession(lower(graph, { parameters, target: "portable" }), { device });
  return new Map(Object.entries(await session.run({})));
}

/** (1, channels, H, W), or a scalar, in the shape of what a case holds of it. */
function firstChannels(value: TensorData, { shape }: TensorData): TensorData {
  const size = shape.reduce((product, side) => product * side, 1);
  return { ...value, shape, data: value.data.slice(0, size) } as TensorData;
}
