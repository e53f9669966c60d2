// A Uni-AdaFocus as small as they come, two clips, and its objective as a graph.
import { Scope } from "../../src/graph/scope.ts";
import { Graph } from "../../src/graph/tensor.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { Mode } from "../../src/nn/mode.ts";
import { RandomSource } from "../../src/random.ts";
import { type TensorData, tensor } from "../../src/tensor.ts";
import type { DrawnInput, Objective } from "../../src/train/objective.ts";
import { type FocusingOptions, focusingObjective } from "../../src/train/uni-adafocus/objective.ts";
import { onlyLabels } from "./labelled-inputs.ts";

export const [BATCH, CLASSES, FRAMES, SIZE] = [2, 3, 7, 64];
export const model = defineModel("uni_adafocus", {
  num_class: CLASSES,
  num_glance_segments: 6,
  num_input_focus_segments: FRAMES,
  num_focus_segments: 2,
  input_size: SIZE,
  patch_size: 32,
  smallest_crop: 24,
  stn_hidden_dim: 4,
  temporal_hidden_dim: 4,
  dropout: 0,
  global_backbone: { channel_multiplier: 0.1 },
  local_backbone: { layers: [1, 1], channels: [4, 4], stem_channels: 4, zero_init_last: false },
});

const random = new RandomSource(7);
const numbers = (shape: readonly number[], next: () => number) =>
  tensor("float32", shape, Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next));

export const weights = initialWeights(inferenceGraph(model), 5);
// Heads that say something: as they start, every answer is nearly the same.
for (const [name, { shape }] of weights)
  if (/fc\.weight$/.test(name))
    weights.set(
      name,
      numbers(shape, () => random.normal() * 0.1),
    );

export const image = numbers([BATCH, 3, FRAMES, SIZE, SIZE], () => random.normal());
const labels = [2, 0];
export const targets = tensor(
  "float32",
  [BATCH, CLASSES],
  Float32Array.from({ length: BATCH * CLASSES }, (_, i) => Number(labels[Math.floor(i / CLASSES)] === i % CLASSES)),
);

/** The objective as a graph, with outputs `loss` and `logits`. */
export function objectiveGraph(
  options: Partial<FocusingOptions> = {},
  objective: Objective = focusingObjective({ largeCropWeight: 0.5, frameDraws: 3, ...options }),
) {
  const graph = new Graph();
  const draws: DrawnInput[] = [];
  const { loss, logits } = objective({
    scope: new Scope(graph),
    model,
    image: graph.input("image", image.shape),
    targets: graph.input("targets", targets.shape),
    mode: Mode.training(),
    progress: () => graph.input("progress", []),
    ...onlyLabels,
    draw(input) {
      draws.push(input);
      return graph.input(input.name, input.shape);
    },
  });
  graph.output("loss", loss);
  graph.output("logits", logits!);
  return { graph, loss, draws };
}

const drawn = Object.fromEntries(
  objectiveGraph().draws.map(({ name, shape }) => [name, numbers(shape, () => random.uniform())]),
);
/** Everything that the objective is fed. */
export const inputs: Record<string, TensorData> = { image, targets, ...drawn };
