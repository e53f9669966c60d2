// Parity of one GFV golden with an engine. The official code takes the glance's frames and the patches' apart, and its cases have others for each: the parts
// are put together here as the model puts them.
import { expect } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { trace } from "../src/graph/scope.ts";
import { type GfvConfig, gfvSchema } from "../src/models/gfv/config.ts";
import { focusOn, glanceAt } from "../src/models/gfv/model.ts";
import { fitWeights, inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, loadGolden, maxDifference, toleranceOf } from "./golden-case.ts";
import { clipsOf, goldenFrames } from "./golden-clips.ts";

/** Fields of official configurations that mean something here. */
const FIELDS = Object.keys(gfvSchema.shape);

/** The case as a model: both networks, and the weights with nothing missing and nothing left over. */
export function gfvCase(name: string) {
  const golden = loadGolden(name)!;
  const { focus_shape: focusShape } = golden.json.input as { readonly focus_shape: readonly number[] };
  const official = Object.fromEntries(Object.entries(golden.config).filter(([field]) => FIELDS.includes(field)));
  const definition = defineModel("gfv", { ...official, input_size: focusShape[2] });
  const adopted = definition.architecture.adoptWeights(golden.weights, definition.config);
  return { golden, definition, weights: fitWeights(inferenceGraph(definition), adopted, name) };
}

/** What the official forward computes, from the frames of the glance and the clips of the focus. */
function forward(name: string) {
  const { golden, definition, weights } = gfvCase(name);
  const config = definition.config as GfvConfig;
  const { glance_shape, focus_shape } = golden.json.input as Record<string, readonly number[]>;
  const glance = goldenFrames(golden, glance_shape);
  const image = clipsOf(goldenFrames(golden, focus_shape), config.num_segments_focuser);
  const clips = image.shape[0]!;
  const graph = trace((scope) => {
    const mode = Mode.inference();
    const seen = glanceAt(scope, scope.graph.input("glance", glance.shape), config, mode);
    const { logits, action, region } = focusOn(scope, scope.graph.input("image", image.shape), seen, config, mode);
    return { logits, action, region, glance_logits: seen.frameLogits, maps: seen.maps };
  });
  return { golden, config, graph, weights, inputs: { glance, image }, clips };
}

function expectOutputs(
  { golden, config, clips }: Pick<ReturnType<typeof forward>, "golden" | "config" | "clips">,
  outputs: (name: string) => TensorData | undefined,
  tolerance?: number,
): void {
  const compare = (name: string, actual: TensorData | undefined) => {
    const expected = golden.outputs.get(name)!;
    const limit = tolerance ?? Math.max(toleranceOf(golden, name), 4 * (errorsOf(golden)[name] ?? 0));
    const shaped = actual === undefined ? undefined : ({ ...actual, shape: expected.shape } as TensorData);
    expect(maxDifference(shaped, expected), `${golden.name}: ${name}`).toBeLessThan(limit);
  };
  compare("logits", outputs("logits"));
  compare("actions", outputs("action"));
  compare("glance_logits", outputs("glance_logits"));
  compare("glance_featmap", firstChannels(outputs("maps")!, golden.outputs.get("glance_featmap")!));
  const { input_size, patch_size } = config;
  const corners = toFloat64(golden.outputs.get("corners")!); // row, column
  const regions = toFloat64(outputs("region")!);
  for (let clip = 0; clip < clips; clip++)
    for (const [at, corner] of [corners[2 * clip + 1]!, corners[2 * clip]!].entries()) {
      expect(regions[4 * clip + at]! * input_size).toBeCloseTo(corner, 3);
      expect(regions[4 * clip + at + 2]! * input_size).toBeCloseTo(corner + patch_size, 3);
    }
}

const errorsOf = (golden: GoldenCase) => golden.json.float32_errors as Readonly<Record<string, number>>;

/** (clips, frames * channels, h, w) -> (clips, frames, so many channels, h, w) */
function firstChannels(maps: TensorData, { shape }: TensorData): TensorData {
  const [clips, frames, kept, height, width] = shape as [number, number, number, number, number];
  const channels = maps.shape[1]! / frames;
  const plane = height * width;
  const data = toFloat64(maps);
  const pieces = Array.from({ length: clips * frames }, (_, i) =>
    data.subarray(i * channels * plane, (i * channels + kept) * plane),
  );
  return tensor("float64", shape, Float64Array.from(pieces.flatMap((piece) => [...piece])));
}

export function expectInterpreterParity(name: string): void {
  const { graph, weights, inputs, ...rest } = forward(name);
  const outputs = interpret(graph, { inputs, parameters: weights });
  expectOutputs(rest, (output) => outputs.get(output), 1e-4);
}

export async function expectSessionParity(
  name: string,
  device: "cpu" | "wasm",
  target: "onnxruntime" | "portable" = "onnxruntime",
): Promise<void> {
  const { graph, weights, inputs, ...rest } = forward(name);
  await using session = await nodeHost.createSession(lower(graph, { parameters: weights, target }), { device });
  const outputs = await session.run(inputs);
  expectOutputs(rest, (output) => outputs[output]);
}
