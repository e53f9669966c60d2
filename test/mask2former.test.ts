// Mask2Former and ECO-M2F: the official numbers of the head (on other engines and at full widths: in the slow suite), and a gate whose stages give what the whole model gives.
import { describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { exportOnnx, exportStages } from "../src/model-folder/compile.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { changedModel, defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { GatedSession } from "../src/runtime/gated-session.ts";
import { loadSegmenter } from "../src/tasks/segment/segmenter.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { goldenCases, hashedValues, isToy, maxDifference } from "./golden-case.ts";
import { expectMask2formerParity } from "./mask2former-parity.ts";
import { toyOf } from "./registry-toys.ts";

const cases = goldenCases("mask2former", ["ms_deform_attn", "mask2former_inference"]).filter(isToy);

describe.each(cases)("%s", (name) => {
  test("the official numbers", () => expectMask2formerParity(name, "cpu"));
});

/** A toy with a gate, whose encoder has `layers` layers, with weights under which exits differ. */
function gatedToy(layers: number) {
  const toy = toyOf("eco_m2f_swin_tiny_coco_panoptic");
  const definition = defineModel("eco_m2f_swin_tiny_coco_panoptic", { ...toy.config, encoder_layers: layers });
  const weights = initialWeights(inferenceGraph(definition), 0);
  for (const [name, value] of weights)
    weights.set(name, { ...value, data: noisy(name, value.data as Float32Array) } as TensorData);
  const shape = [1, 3, toy.height!, toy.width!];
  const picture = (seed: number) =>
    tensor("float32", shape, hashedValues(`picture.${seed}`, elementCount(shape), 1.5, 0, 0));
  return { model: nativeModel(definition, weights, { name: "toy" }), picture };
}

function noisy(name: string, data: Float32Array): Float32Array {
  const noise = hashedValues(name, data.length, 0.3, 0, 1);
  return data.map((value, i) => value + noise[i]!);
}

describe("a gate", () => {
  const ANSWER = ["class_logits", "mask_logits"];

  test("its stages, one after another, give what the whole model gives; what is left out takes no time", async () => {
    const { model, picture } = gatedToy(4);
    const { steps, files, macs } = exportStages(model, { target: "onnxruntime", kind: "gated" });
    expect(steps).toEqual(["look", "layer.3", "layer.4", "answer"]);
    expect(macs.every((count) => count > 0)).toBe(true);
    const bytes = exportOnnx(model, { target: "onnxruntime", outputs: [...ANSWER, "exit"] });
    await using whole = await nodeHost.createSession(bytes, { device: "cpu" });
    const gated = new GatedSession(steps, await nodeHost.createStagedSession(files, { device: "cpu" }));
    try {
      for (const seed of [0, 1, 2]) {
        const image = picture(seed);
        const expected = await whole.run({ image });
        const { outputs, exit, milliseconds } = await gated.runOne({ image }, { outputs: ANSWER });
        expect(exit).toBe(Number(expected.exit!.data[0]));
        expect(milliseconds.length).toBe(exit + 2);
        for (const name of ANSWER) expect(maxDifference(outputs[name], expected[name]!), name).toBeLessThan(1e-4);
      }
      // A fixed exit is a model of its own, with fewer weights.
      const fixed = changedModel("mask2former", model.definition.config, { exit: 3 });
      const kept = fixed.architecture.adoptWeights(model.weights, fixed.config);
      expect(kept.size).toBeLessThan(model.weights.size);
      const early = exportOnnx(nativeModel(fixed, kept, { name: "early" }), { outputs: ANSWER });
      await using session = await nodeHost.createSession(early, { device: "cpu" });
      const image = picture(0);
      const expected = await session.run({ image });
      const { outputs } = await gated.runOne({ image }, { exit: 1, outputs: ANSWER });
      for (const name of ANSWER) expect(maxDifference(outputs[name], expected[name]!), name).toBeLessThan(1e-4);
      await expect(gated.runOne({ image }, { exit: 3, outputs: ANSWER })).rejects.toThrow(/no exit 3/);
    } finally {
      await gated.dispose();
    }
  });

  test("a segmenter leaves out what the gate says, and tells how much was run", async () => {
    const { model } = gatedToy(4);
    await using segmenter = await loadSegmenter(nodeHost, model, { device: "cpu", threads: 1 });
    const pictures = [1, 2, 3].map((seed) => ({
      width: 90,
      height: 75,
      data: Uint8Array.from(hashedValues(`noise.${seed}`, 90 * 75 * 3, 127, 128, 0)),
    }));
    const results = await segmenter.segment(pictures, { kind: "semantic" });
    for (const { exit, map } of results) {
      expect([0, 1, 2]).toContain(exit);
      expect(map!.ids.length).toBe(90 * 75);
    }
    // A fixed exit is no choice.
    const fixed = changedModel("mask2former", model.definition.config, { exit: 3 });
    const kept = fixed.architecture.adoptWeights(model.weights, fixed.config);
    await using other = await loadSegmenter(nodeHost, nativeModel(fixed, kept, { name: "fixed" }), { device: "cpu" });
    expect((await other.segment(pictures[0]!)).exit).toBeUndefined();
  });

  test("each picture of a batch has its own exit", async () => {
    const { model, picture } = gatedToy(4);
    const bytes = exportOnnx(model, { outputs: [...ANSWER, "exit", "gate_logits"] });
    await using session = await nodeHost.createSession(bytes, { device: "cpu" });
    const [one, other] = [picture(0), picture(1)];
    const both = tensor("float32", [2, ...one.shape.slice(1)], Float32Array.from([...one.data, ...other.data]));
    const together = await session.run({ image: both });
    for (const [i, image] of [one, other].entries()) {
      const alone = await session.run({ image });
      for (const name of [...ANSWER, "exit"]) {
        const { shape, data } = alone[name]!;
        const size = elementCount(shape);
        const own = Float64Array.from(together[name]!.data.slice(i * size, (i + 1) * size), Number);
        const expected = tensor("float64", shape, Float64Array.from(data, Number));
        expect(maxDifference(tensor("float64", shape, own), expected), name).toBeLessThan(1e-4);
      }
    }
  });

  test("models without one have no such stages", () => {
    const { model } = gatedToy(3);
    const fixed = nativeModel(changedModel("mask2former", model.definition.config, { exit: 2 }), model.weights, {
      name: "fixed",
    });
    expect(() => exportStages(fixed, { kind: "gated" })).toThrow(/no gate/);
  });
});

test.each([
  [{ nheads: 3 }, /nheads must divide/],
  [{ exit: 7 }, /exit must be at most/],
  [{ gate: true, encoder_layers: 2 }, /a gate needs more/],
  [{ things: [133] }, /things must be below/],
  [{ img_size: 16 }, /img_size must be at least/],
  [{ backbone: { embed_dim: 10 } }, /num_heads must divide/],
])("a configuration that cannot be: %o", (config, message) => {
  expect(() => defineModel("mask2former_swin_tiny_coco_panoptic", config)).toThrow(UsageError);
  expect(() => defineModel("mask2former_swin_tiny_coco_panoptic", config)).toThrow(message);
});

test("official files: what follows from the configuration and what belongs to the loss is left out, the first name of query_feat is known", () => {
  const { architecture, config } = defineModel("mask2former_swin_tiny_coco_panoptic", {});
  const tiny = tensor("float32", [1], new Float32Array(1));
  const given = [
    "backbone.layers.0.blocks.1.attn.relative_position_index",
    "criterion.empty_weight",
    "sem_seg_head.predictor.static_query.weight",
    "sem_seg_head.pixel_decoder.transformer.encoder.gt.head.bias",
  ];
  const adopted = architecture.adoptWeights(new Map(given.map((name) => [name, tiny])), config);
  expect([...adopted.keys()]).toEqual(["sem_seg_head.predictor.query_feat.weight"]);
});

test("where windows fit the maps, the backbone is the Swin that classifies", () => {
  const shape = { embed_dim: 8, depths: [2, 2, 2, 2], num_heads: [1, 2, 2, 4], window_size: 2, drop_path_rate: 0 };
  const size = { img_size: 64 }; // maps of 16, 8, 4; the last of 2 would be one window, where timm shifts nothing
  const swin = defineModel("swin_tiny_patch4_window7_224", { ...shape, ...size, depths: [2, 2, 2, 1] });
  const ours = defineModel("mask2former_swin_tiny_coco_panoptic", {
    ...size,
    backbone: { ...shape, depths: [2, 2, 2, 1] },
    conv_dim: 32,
    nheads: 4,
  });
  const layers = [1, 2, 3, 4].map((stage) => `stage.${stage}`);
  const theirs = inferenceGraph(swin, {}, { layers });
  const weights = initialWeights(theirs, 0);
  for (const [name, value] of weights)
    weights.set(name, { ...value, data: noisy(name, value.data as Float32Array) } as TensorData);
  const image = tensor("float32", [1, 3, 64, 64], hashedValues("picture", 3 * 64 * 64, 1.5, 0, 0));
  const expected = interpret(theirs, { inputs: { image }, parameters: weights, outputs: layers });
  // In timm merging begins a stage, here it ends the one before.
  const renamed = new Map(
    [...weights].map(([name, value]) => [
      `backbone.${name.replace(/^layers\.(\d)\.downsample/, (_, stage: string) => `layers.${Number(stage) - 1}.downsample`)}`,
      value,
    ]),
  );
  const maps = [2, 3, 4, 5].map((level) => `backbone.res${level}`);
  const graph = inferenceGraph(ours, {}, { layers: maps });
  const parameters = new Map([...initialWeights(graph, 0), ...renamed]); // the norm of a map starts as none but a normalisation
  const found = interpret(graph, { inputs: { image }, parameters, outputs: maps });
  maps.forEach((name, i) => {
    expect(maxDifference(found.get(name), normalised(expected.get(layers[i]!)!)), name).toBeLessThan(1e-5);
  });
});

/** Each row of (1, rows, width), normalised. */
function normalised(value: TensorData): TensorData {
  const width = value.shape.at(-1)!;
  const data = toFloat64(value);
  for (let at = 0; at < data.length; at += width) {
    const row = data.subarray(at, at + width);
    const mean = row.reduce((a, b) => a + b, 0) / width;
    const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / width;
    row.forEach((x, i) => {
      row[i] = (x - mean) / Math.sqrt(variance + 1e-5);
    });
  }
  return tensor("float64", value.shape, data);
}
