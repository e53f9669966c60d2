// SparseFormer-T at full size and on large pictures: all forms of its graph give one answer, to 1e-3.
import { expect, test } from "vitest";
import { fitWeights, type InferenceForm, inferenceGraph } from "../src/models/graph.ts";
import type { PixelNormalization } from "../src/models/pixels.ts";
import { defineModel } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type TensorData, tensor } from "../src/tensor.ts";
import { loadGolden, maxDifference } from "./golden-case.ts";

const NORMALIZATION: PixelNormalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

function picture(height: number, width: number): { bytes: TensorData; image: TensorData } {
  const bytes = new Uint8Array(3 * height * width);
  const image = new Float32Array(bytes.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        const byte = Math.round(128 + 60 * Math.sin((9 * x) / width + c) + 60 * Math.cos((7 * y) / height - c));
        bytes[(y * width + x) * 3 + c] = byte;
        image[(c * height + y) * width + x] = (byte / 255 - NORMALIZATION.mean[c]!) / NORMALIZATION.std[c]!;
      }
  return {
    bytes: tensor("uint8", [1, height, width, 3], bytes),
    image: tensor("float32", [1, 3, height, width], image),
  };
}

const golden = loadGolden("sparseformer/sparseformer_v1_tiny");
if (golden === undefined)
  console.log("skipped: the goldens of full size are not beside this repository (../shared/goldens)");

test.skipIf(golden === undefined).each([
  [1023, 1201],
  [2048, 2048],
])(
  "%i x %i",
  async (height, width) => {
    const definition = defineModel("sparseformer", golden!.config);
    const parameters = fitWeights(
      inferenceGraph(definition),
      definition.architecture.adoptWeights(golden!.weights, definition.config),
      "SparseFormer-T",
    );
    const given = picture(height, width);
    const run = async (form: InferenceForm) => {
      const graph = inferenceGraph(definition, { height, width }, form);
      const model = lower(graph, { parameters, target: "onnxruntime", outputs: ["logits"] });
      await using session = await nodeHost.createSession(model, { device: "cpu" });
      return (await session.run({ image: form.pixels === undefined ? given.image : given.bytes })).logits!;
    };
    const expected = await run({});
    for (const form of [
      { onlyWhereSampled: true },
      { pixels: NORMALIZATION },
      { pixels: NORMALIZATION, onlyWhereSampled: true },
    ])
      expect(maxDifference(await run(form), expected), JSON.stringify(form)).toBeLessThan(1e-3);
  },
  300_000,
);
