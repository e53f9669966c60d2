// SparK against the official code's numbers: maps, reconstruction, loss, gradients and running statistics of one training step (in float64 and in
// WebAssembly, and other families: in the slow suite); that nothing of what is hidden is seen; and the objective.
import { expect, test } from "vitest";
import { Scope } from "../src/graph/scope.ts";
import { Graph } from "../src/graph/tensor.ts";
import { initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { tensor } from "../src/tensor.ts";
import type { DrawnInput } from "../src/train/objective.ts";
import { lamb } from "../src/train/optimizers/lamb.ts";
import { pretextObjective } from "../src/train/pretext/objective.ts";
import { patchGrid, sparseEncoder } from "../src/train/pretext/spark/encoder.ts";
import { hiddenPatchLoss, reconstruction } from "../src/train/pretext/spark/reconstruction.ts";
import { buildTrainStep } from "../src/train/step.ts";
import { goldenCases, hashedValues } from "./golden-case.ts";
import { expectNoLeak, expectSparkParity } from "./spark-parity.ts";
import { onlyLabels } from "./train/labelled-inputs.ts";

test.each(goldenCases("spark"))("%s", (name) => expectSparkParity(name, "cpu", "onnxruntime"));

test.each(["resnet18", "convnext_tiny"])(
  "%s: pixels that are hidden change nothing that is kept, and others do",
  (name) => expectNoLeak(name),
);

test("the objective hides as many patches of each picture as it says; of what it learns, the decoder with its statistics is no part of the model", async () => {
  const fields = { block: "BasicBlock", layers: [1, 1], stem_channels: 8, channels: [8, 16], num_classes: 3 };
  const model = defineModel("resnet", fields);
  const pretext = { objective: "spark", hidden: 0.6 } as const;
  const step = buildTrainStep({
    ...{ model, batch: 2, height: 32, width: 48, classes: 1, optimizer: lamb(), loss: "cross_entropy", ema: false },
    groups: { weightDecay: 0.04, noDecay: ["*mask_tokens*"] },
    objective: pretextObjective(pretext, model),
  });
  const rolesOf = (pattern: RegExp) =>
    new Set(step.state.filter(({ input }) => pattern.test(input)).map(({ role }) => role));
  expect(rolesOf(/^pretext\.spark\./)).toEqual(new Set(["auxiliary"]));
  expect(rolesOf(/^layer\d\..*running/)).toEqual(new Set(["buffer"]));
  expect(rolesOf(/^layer\d\..*weight$/)).toEqual(new Set(["parameter"]));
  expect(rolesOf(/fc\./)).toEqual(new Set());
  expect(step.state.map(({ input }) => input)).toContain("pretext.spark.dense_decoder.dec.0.conv.1.running_mean");
  expect(step.graph.outputs.has("accuracy")).toBe(false);

  // Four times six patches of eight pixels, of which ten are seen: those of the largest numbers drawn.
  const graph = new Graph();
  const pictures = tensor("float32", [2, 3, 32, 48], hashedValues("picture", 2 * 3 * 32 * 48, 1, 0, 0));
  const drawn = tensor("float32", [2, 24], hashedValues("patches", 48, 0.5, 0.5, 0));
  const image = graph.input("image", pictures.shape);
  const scope = new Scope(graph);
  const draw = ({ name, shape }: DrawnInput) => graph.input(name, shape);
  const mode = Mode.training();
  const targets = graph.input("targets", [2, 1]);
  const inputs = {
    scope,
    model,
    image,
    targets,
    mode,
    draw,
    progress: () => graph.input("progress", []),
    ...onlyLabels,
  };
  graph.output("loss", pretextObjective(pretext, model)(inputs).loss);
  const again = reconstruction({
    ...{ encoder: sparseEncoder(model), scope, auxiliary: scope.at("pretext", "spark"), image, mode },
    ...{ visible: graph.input("visible", [2, 1, 4, 6]), decoderWidth: 16 },
  });
  graph.output("expected", hiddenPatchLoss(image, again.picture, graph.inputs.get("visible")!));
  const visible = [0, 1].flatMap((row) => {
    const own = drawn.data.slice(24 * row, 24 * (row + 1));
    const tenth = own.toSorted()[14]!;
    return [...own].map((value) => Number(value >= tenth));
  });
  expect(visible.filter(Boolean)).toHaveLength(20);
  const parameters = initialWeights(graph, 0);
  const bytes = lower(graph, { parameters, target: "onnxruntime", outputs: ["loss", "expected"] });
  await using session = await nodeHost.createSession(bytes, { device: "cpu", threads: 1 });
  const { loss, expected } = await session.run({
    ...{ image: pictures, patches: drawn },
    visible: tensor("float32", [2, 1, 4, 6], Float32Array.from(visible)),
  });
  expect(loss!.data[0]).toBe(expected!.data[0]);
  expect(loss!.data[0]).toBeGreaterThan(0.9);
});

test("what cannot be hidden from is said", () => {
  expect(() => sparseEncoder(defineModel("vit_tiny_patch16_224"))).toThrow(/vit cannot learn from hidden patches/);
  const encoder = sparseEncoder(defineModel("resnet18"));
  expect(() => patchGrid(encoder, { height: 100, width: 96 })).toThrow(/96 x 100 pixels .* 32 x 32/);
  expect(() => patchGrid(encoder, { height: 32, width: 32 })).toThrow(/two or more/);
});
