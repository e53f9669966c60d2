// What this project adds to SparseFormer: blocks on the stem's map, and early answers.
import { expect, test } from "vitest";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { Scope } from "../../graph/scope.ts";
import { Graph } from "../../graph/tensor.ts";
import { Mode } from "../../nn/mode.ts";
import { RandomSource } from "../../random.ts";
import { type TensorData, tensor } from "../../tensor.ts";
import { fitWeights, inferenceGraph, initialWeights, runsInSteps, stageGraphs } from "../graph.ts";
import { defineModel } from "../registry.ts";
import { sparseformerSchema } from "./config.ts";
import { stem, stemWeights } from "./stem.ts";

const CONFIG = {
  conv_dim: 6,
  num_latent_tokens: 4,
  num_sampling_points: 4,
  same_token_embedding: false,
  width_configs: [8, 12, 12],
  repeats: [2, 1, 1],
  ops_list: [
    ["ATTN", "ROI_ADJ", "SAMPLING_M", "MLP"],
    ["ATTN", "MLP"],
    ["ATTN", "MLP"],
  ],
  attn_head_dim: 4,
  proj_dim: 3,
  compatible_config: { type_op_adjust: 1, mixing_bias: true, transition_ln: true, min_out_points: 4 },
};

const random = new RandomSource(1, "extensions");
const image = tensor(
  "float32",
  [2, 3, 16, 20],
  Float32Array.from({ length: 2 * 3 * 16 * 20 }, () => random.between(-1, 1)),
);

/** Weights that are all random, those that start at zero too. */
function randomWeights(graph: Graph): Map<string, TensorData> {
  const weights = initialWeights(graph, 5);
  for (const [name, { shape, data }] of weights) {
    const own = new RandomSource(2, name);
    if (!name.includes(".blocks.") && data.every((value) => value === 0))
      weights.set(
        name,
        tensor(
          "float32",
          shape,
          Float32Array.from({ length: data.length }, () => own.between(-0.3, 0.3)),
        ),
      );
  }
  return weights;
}

/** Outputs of the model with random weights, unless `change` says otherwise. */
function outputsOf(extension: Record<string, unknown>, change: (weights: Map<string, TensorData>) => void = () => {}) {
  const graph = inferenceGraph(defineModel("sparseformer", { ...CONFIG, ...extension }));
  const weights = randomWeights(graph);
  change(weights);
  return interpret(graph, { inputs: { image }, parameters: weights });
}

const distance = (a: TensorData, b: TensorData) =>
  Math.max(...[...a.data].map((x, i) => Math.abs(Number(x) - Number(b.data[i]))));

test("a model of videos takes blocks from one of pictures, and sees each frame through them as that one does", () => {
  const blocks = { ...CONFIG, stem_blocks: 2 };
  const pictures = randomWeights(inferenceGraph(defineModel("sparseformer", blocks)));
  for (const [name, { shape, data }] of pictures) {
    const own = new RandomSource(4, name);
    if (/blocks\.\d\.conv2\.weight$/.test(name))
      // they start at zero
      pictures.set(
        name,
        tensor(
          "float32",
          shape,
          Float32Array.from({ length: data.length }, () => own.between(-0.5, 0.5)),
        ),
      );
  }
  const media = defineModel("media_sparseformer", { ...blocks, replicates: 2 });
  const videos = media.architecture.adoptWeights(pictures, media.config);
  fitWeights(inferenceGraph(media), videos, "media_sparseformer");

  const through = (picture: TensorData, isVideo: boolean) => {
    const graph = new Graph();
    const [scope, config] = [new Scope(graph, "feat_extractor"), sparseformerSchema.parse(blocks)];
    const input = graph.input("image", picture.shape);
    graph.output("map", stem(scope, input, stemWeights(scope, config, isVideo), config, Mode.inference()));
    return interpret(graph, { inputs: { image: picture }, parameters: isVideo ? videos : pictures }).get("map")!;
  };
  // (frames, channels, h, w) -> (1, channels, frames, h, w)
  const clip = tensor("float32", [1, 3, 2, 16, 20], new Float32Array(image.data.length));
  for (let i = 0; i < clip.data.length; i++) {
    const [channel, frame, cell] = [Math.floor(i / 640), Math.floor(i / 320) % 2, i % 320];
    clip.data[i] = image.data[(frame * 3 + channel) * 320 + cell]!;
  }
  const [frames, alone] = [through(clip, true), through(image, false)];
  expect(frames.shape).toEqual([1, ...alone.shape]);
  expect(distance(frames, alone)).toBeLessThan(1e-5);
});

test("new blocks change nothing but rounding, and learned ones do", () => {
  const plain = outputsOf({}).get("logits")!;
  expect(distance(plain, outputsOf({ stem_blocks: 2 }).get("logits")!)).toBeLessThan(1e-6);
  const learned = outputsOf({ stem_blocks: 2 }, (weights) => {
    const name = "feat_extractor.blocks.1.conv2.weight";
    const { shape, data } = weights.get(name)!;
    const own = new RandomSource(3, name);
    weights.set(
      name,
      tensor(
        "float32",
        shape,
        Float32Array.from({ length: data.length }, () => own.between(-0.5, 0.5)),
      ),
    );
  }).get("logits")!;
  expect(distance(plain, learned)).toBeGreaterThan(1e-4);
});

test("an early answer after the last unit, with the last layer's weights, is the answer; an earlier one is another", () => {
  const outputs = outputsOf({ exit_layers: [0, 2] }, (weights) => {
    for (const name of ["norm.weight", "norm.bias", "proj.weight", "proj.bias"])
      weights.set(`exits.1.${name}`, weights.get(name)!);
  });
  expect(outputs.get("exit.0.logits")?.shape).toEqual([2, 3]);
  expect(distance(outputs.get("logits")!, outputs.get("exit.1.logits")!)).toBeLessThan(1e-5);
  expect(distance(outputs.get("logits")!, outputs.get("exit.0.logits")!)).toBeGreaterThan(1e-2);
});

test("exits are at units that there are", () => {
  expect(() => defineModel("sparseformer", { ...CONFIG, exit_layers: [3] })).toThrow(/exit_layers/);
  expect(() => defineModel("sparseformer", { ...CONFIG, exit_layers: [1, 0] })).toThrow(/exit_layers/);
});

test("in steps it answers what the whole does: early answers first, and the last without the picture", () => {
  const definition = defineModel("sparseformer", { ...CONFIG, exit_layers: [0, 1] });
  const graph = inferenceGraph(definition);
  const parameters = randomWeights(graph);
  const whole = interpret(graph, { inputs: { image }, parameters });
  const { steps, graphs } = stageGraphs(definition)!;
  expect(steps).toEqual(["focus", "cortex.1", "cortex.2"]);
  let held: Record<string, TensorData> = { image };
  const answers = steps.map((stage) => {
    const outputs = interpret(graphs.get(stage)!, { inputs: held, parameters });
    held = {};
    for (const [name, value] of outputs) if (name.startsWith("next.")) held[name.replace("next.", "state.")] = value;
    return outputs.get("logits")!;
  });
  for (const [i, name] of ["exit.0.logits", "exit.1.logits", "logits"].entries())
    expect(distance(answers[i]!, whole.get(name)!), name).toBeLessThan(1e-6);
});

test("it runs in steps only where an early answer leaves no look for later", () => {
  const ops_list = [...CONFIG.ops_list.slice(0, 2), ["ATTN", "ROI_ADJ", "SAMPLING_M", "MLP"]];
  const steps = (change: Record<string, unknown>) =>
    stageGraphs(defineModel("sparseformer", { ...CONFIG, ...change }))?.steps;
  expect(steps({ exit_layers: [0, 2] })).toEqual(["focus", "cortex"]);
  for (const change of [{}, { exit_layers: [2] }, { exit_layers: [0, 1], ops_list }]) {
    expect(steps(change)).toBeUndefined();
    expect(runsInSteps(defineModel("sparseformer", { ...CONFIG, ...change }))).toBe(false);
  }
});
