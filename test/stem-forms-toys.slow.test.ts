// One model, four graphs: the stem's features of the whole picture or only where they are sampled, from normalised floats or from bytes.
// All give the same answers, at any size and with points anywhere: on borders, in corners, far outside of the picture.
import { describe, expect, test } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { type InferenceForm, inferenceGraph, initialWeights } from "../src/models/graph.ts";
import type { PixelNormalization } from "../src/models/pixels.ts";
import { defineModel, type ModelDefinition } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { type TensorData, tensor, toFloat32 } from "../src/tensor.ts";
import { maxDifference } from "./golden-case.ts";

const NORMALIZATION: PixelNormalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

function model(padding: "zeros" | "border", firstRelease = false): ModelDefinition {
  return defineModel("sparseformer", {
    conv_dim: 8,
    num_latent_tokens: 5,
    num_sampling_points: 6,
    same_token_embedding: false,
    width_configs: [16, 24, 24],
    repeats: [2, 1, 1],
    ops_list: [
      ["ATTN", "ROI_ADJ", "SAMPLING_M", "MLP"],
      ["ATTN", "ROI_ADJ", "SAMPLING_M", "MLP"],
      ["ATTN", "MLP"],
    ],
    attn_head_dim: 8,
    proj_dim: 7,
    compatible_config: {
      type_op_adjust: 1,
      mixing_bias: true,
      transition_ln: true,
      min_out_points: 6,
      first_release_numerics: firstRelease,
      grid_sample_config: { padding_mode: padding },
    },
  });
}

/** Random weights; `spread` is how far regions and points start from where they should: from 1 on, most are outside of the picture. */
function weightsOf(definition: ModelDefinition, spread: number): Map<string, TensorData> {
  const weights = initialWeights(inferenceGraph(definition), 3);
  for (const [name, value] of weights) {
    const { shape } = value;
    const data = toFloat32(value);
    if (!data.every((value) => value === 0) && !name.startsWith("initial_roi")) continue;
    const random = new RandomSource(4, name);
    const size = name.includes("roi_offset") ? spread : name.includes("roi_adjust") ? 0.05 : 0.3;
    const own = name.startsWith("initial_roi")
      ? Array.from(data, (value) => value + random.between(-spread, spread))
      : Array.from(data, () => random.between(-size, size));
    weights.set(name, tensor("float32", shape, Float32Array.from(own)));
  }
  return weights;
}

/** Bytes (batch, height, width, 3), and the same pictures normalised (batch, 3, height, width). */
function pictures(batch: number, height: number, width: number): { bytes: TensorData; image: TensorData } {
  const random = new RandomSource(5, `${height}x${width}`);
  const bytes = Uint8Array.from({ length: batch * height * width * 3 }, () => Math.floor(random.between(0, 256)));
  const image = new Float32Array(bytes.length);
  const plane = height * width;
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < plane; i++)
      for (let c = 0; c < 3; c++)
        image[(n * 3 + c) * plane + i] =
          (bytes[(n * plane + i) * 3 + c]! / 255 - NORMALIZATION.mean[c]!) / NORMALIZATION.std[c]!;
  return {
    bytes: tensor("uint8", [batch, height, width, 3], bytes),
    image: tensor("float32", [batch, 3, height, width], image),
  };
}

const FORMS: readonly (readonly [string, InferenceForm])[] = [
  ["floats, where sampled", { onlyWhereSampled: true }],
  ["bytes, whole picture", { pixels: NORMALIZATION }],
  ["bytes, where sampled", { pixels: NORMALIZATION, onlyWhereSampled: true }],
  ["blocks of bytes, where sampled", { pixels: NORMALIZATION, pixelBlock: 4, onlyWhereSampled: true }],
];

const OUTPUTS = ["logits", "token_roi", "gaze.2.points"];

/** Feeds of a form; undefined where its blocks do not fit the width. */
function feedOf({ pixels, pixelBlock }: InferenceForm, { bytes, image }: ReturnType<typeof pictures>) {
  if (pixels === undefined) return image;
  const [batch, height, width] = bytes.shape as [number, number, number];
  if (pixelBlock === undefined) return bytes;
  return width % pixelBlock === 0
    ? { ...bytes, shape: [batch, height, width / pixelBlock, 3 * pixelBlock] }
    : undefined;
}

describe.each([
  ["zeros around the map, points inside", model("zeros"), 0.05],
  ["zeros around the map, points far outside", model("zeros"), 1.5],
  ["the map's border repeated, points far outside", model("border"), 1.5],
  ["first release", model("zeros", true), 0.3],
] as const)("%s", (_, definition, spread) => {
  const weights = weightsOf(definition, spread);

  // Every remainder by 4, of both sides; the smallest map that has two cells each way.
  test.each([
    [61, 94],
    [64, 48],
    [30, 95],
    [35, 41],
    [8, 9],
  ])("%i x %i pixels in the interpreter", (height, width) => {
    const given = pictures(1, height, width);
    const run = (form: InferenceForm, image: TensorData) =>
      interpret(inferenceGraph(definition, {}, form), { inputs: { image }, parameters: weights, outputs: OUTPUTS });
    const expected = run({}, given.image);
    for (const [name, form] of FORMS) {
      const feed = feedOf(form, given);
      if (feed === undefined) continue;
      const actual = run(form, feed);
      for (const output of OUTPUTS)
        expect(maxDifference(actual.get(output), expected.get(output)!), `${name}: ${output}`).toBeLessThan(1e-6);
    }
  });

  test.skipIf(spread < 1).each([
    ["sizes that are free", 97, 130],
    ["fixed sizes", 96, 132],
  ] as const)("natively, in batches, with %s", async (kind, height, width) => {
    const given = pictures(3, height, width);
    const expected = interpret(inferenceGraph(definition), {
      inputs: { image: given.image },
      parameters: weights,
      outputs: OUTPUTS,
    });
    for (const [name, form] of [["floats, whole picture", {}] as const, ...FORMS]) {
      const feed = feedOf(form, given);
      if (feed === undefined) continue;
      const size = kind === "fixed sizes" ? { batch: 3, height, width: width / (form.pixelBlock ?? 1) } : {};
      const bytes = lower(inferenceGraph(definition, size, form), { parameters: weights, outputs: OUTPUTS });
      await using session = await nodeHost.createSession(bytes, { device: "cpu" });
      const actual = await session.run({ image: feed });
      for (const output of OUTPUTS)
        expect(maxDifference(actual[output], expected.get(output)!), `${name}: ${output}`).toBeLessThan(1e-4);
    }
  });
});

test("where features are sampled only, nothing but the picture itself is as large as the picture", () => {
  for (const form of [FORMS[0]![1], FORMS[2]![1]]) {
    const graph = inferenceGraph(model("zeros"), {}, form);
    const large = graph.needed().filter(({ shape }) => /height|width/.test(shape.join()));
    expect(new Set(large.map(({ op }) => op))).toEqual(new Set(["input", "reshape"]));
  }
});

test("weights that are no numbers give answers that are none, in every form", async () => {
  const definition = model("zeros");
  const weights = weightsOf(definition, 0.1);
  const bias = weights.get("layers.0.roi_offset_bias")!;
  weights.set("layers.0.roi_offset_bias", {
    ...bias,
    data: new Float32Array(bias.data.length).fill(Number.NaN),
  } as TensorData);
  const given = pictures(1, 40, 48);
  for (const form of [{}, ...FORMS.map(([, form]) => form)]) {
    const bytes = lower(inferenceGraph(definition, {}, form), { parameters: weights, outputs: ["logits"] });
    await using session = await nodeHost.createSession(bytes, { device: "cpu" });
    const { logits } = await session.run({ image: feedOf(form, given)! });
    expect(toFloat32(logits!).every(Number.isNaN)).toBe(true);
  }
});
