// ParaTransCNN: the official code's numbers natively and in WebAssembly, of a network as wide as a ResNet-34.
import { describe, expect, test } from "vitest";
import { fitWeights, inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { goldenCases, loadGolden, maxDifference } from "./golden-case.ts";

const LAYERS = ["SE_1", "SE_2", "SE_3"];

/** Cases hold every 16th channel of the smallest map, means over the larger ones, and of the middle one's every 16th. */
function asStored(name: string, value: TensorData): TensorData {
  const [n = 0, channels = 0, height = 0, width = 0] = value.shape;
  if (name === "logits") return value;
  const step = name === "SE_3" ? 1 : 16;
  const plane = height * width;
  const values = toFloat64(value);
  const planes = Array.from({ length: (n * channels) / step }, (_, i) =>
    values.subarray(step * i * plane, (step * i + 1) * plane),
  );
  if (name === "SE_1")
    return tensor("float32", [n, channels / step, height, width], Float32Array.from(planes.flatMap((p) => [...p])));
  const means = planes.map((each) => each.reduce((a, b) => a + b, 0) / plane);
  return tensor("float32", [n, channels / step], Float32Array.from(means));
}

describe.each(goldenCases("paratranscnn"))("%s", (name) => {
  test.each(["cpu", "wasm"] as const)("%s", async (device) => {
    const golden = loadGolden(name)!;
    const [, , height, width] = golden.image.shape as [number, number, number, number];
    const definition = defineModel("paratranscnn", { ...golden.config, img_size: [height, width] });
    const graph = inferenceGraph(definition, {}, { layers: LAYERS });
    const adopted = definition.architecture.adoptWeights(golden.weights, definition.config);
    const parameters = fitWeights(graph, adopted, name);
    await using session = await nodeHost.createSession(lower(graph, { parameters, target: "onnxruntime" }), { device });
    const outputs = await session.run({ image: golden.image });
    const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
    for (const [output, expected] of golden.outputs)
      expect(maxDifference(asStored(output, outputs[output]!), expected), output).toBeLessThan(
        1e-4 + 4 * errors[output]!,
      );
  });
});
