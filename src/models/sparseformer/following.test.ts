// Steps that start from what a look left.
import { expect, test } from "vitest";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { RandomSource } from "../../random.ts";
import { type TensorData, tensor } from "../../tensor.ts";
import { inferenceGraph, initialWeights, runsInSteps, stageGraphs } from "../graph.ts";
import { defineModel } from "../registry.ts";

const FOCUS = ["ATTN", "ROI_ADJ", "SAMPLING_M", "MLP"];
const CONFIG = {
  conv_dim: 6,
  num_latent_tokens: 4,
  num_sampling_points: 4,
  same_token_embedding: false,
  width_configs: [8, 12, 12, 12],
  repeats: [2, 1, 1, 1],
  ops_list: [FOCUS, FOCUS, ["ATTN", "MLP"], ["ATTN", "MLP"]],
  attn_head_dim: 4,
  proj_dim: 3,
  compatible_config: { type_op_adjust: 1, mixing_bias: true, transition_ln: true, min_out_points: 4 },
};

const picture = (seed: number, height = 16, width = 20) => {
  const random = new RandomSource(seed, "following");
  const data = Float32Array.from({ length: 2 * 3 * height * width }, () => random.between(-1, 1));
  return tensor("float32", [2, 3, height, width], data);
};

const distance = (a: TensorData, b: TensorData) =>
  Math.max(...[...a.data].map((x, i) => Math.abs(Number(x) - Number(b.data[i]))));

/** What a look at one picture and a step at another give, and what the whole model gives for the first. */
function followed(change: Record<string, unknown>, first: TensorData, second: TensorData) {
  const definition = defineModel("sparseformer", { ...CONFIG, ...change });
  const graph = inferenceGraph(definition);
  const parameters = new Map(
    [...initialWeights(graph, 5)].map(([name, { shape, data }]) => {
      const own = new RandomSource(2, name);
      const given = [...data].map(Number);
      const isBlank = given.every((value) => value === 0);
      const random = Float32Array.from(given, (value) => (isBlank ? own.between(-0.3, 0.3) : value));
      return [name, tensor("float32", shape, random)];
    }),
  );
  const { steps, graphs } = stageGraphs(definition, {}, "following")!;
  expect(steps).toEqual(["look", "step"]);
  const look = interpret(graphs.get("look")!, { inputs: { image: first }, parameters });
  const state = Object.fromEntries(
    [...look]
      .filter(([name]) => name.startsWith("next."))
      .map(([name, value]) => [name.replace("next.", "state."), value]),
  );
  const step = interpret(graphs.get("step")!, { inputs: { image: second, ...state }, parameters });
  const whole = interpret(graph, { inputs: { image: first }, parameters });
  return { look, step, whole };
}

test("a look is the whole model, and a step at the same picture answers the same", () => {
  const { look, step, whole } = followed({}, picture(1), picture(1));
  for (const name of ["logits", "features", "gaze.0.points", "gaze.2.regions"])
    expect(distance(look.get(name)!, whole.get(name)!), name).toBeLessThan(1e-6);
  expect(distance(step.get("logits")!, whole.get("logits")!)).toBeLessThan(1e-6);
  expect([...step.keys()]).toEqual(["logits", "gaze.2.regions", "gaze.2.points"]);
  expect(distance(step.get("gaze.2.points")!, whole.get("gaze.2.points")!)).toBeLessThan(1e-6);
});

test("with an early answer behind the last look, a step gives that one", () => {
  const { step, whole } = followed({ exit_layers: [0, 1] }, picture(1), picture(1));
  expect(distance(step.get("logits")!, whole.get("exit.1.logits")!)).toBeLessThan(1e-6);
});

test("another picture, of another size too, gives another answer from the same state", () => {
  const { step, whole } = followed({}, picture(1), picture(2, 8, 12));
  expect(step.get("logits")!.shape).toEqual([2, 3]);
  expect(distance(step.get("logits")!, whole.get("logits")!)).toBeGreaterThan(1e-4);
});

test("a class token joins after the state is taken", () => {
  const units = [
    ["SAMPLING_M", "PE_INJECT", "ATTN", "MLP", "ROI_ADJ"],
    ["SAMPLING_M", "PE_INJECT"],
    ["ATTN", "MLP"],
    ["ATTN", "MLP"],
  ];
  const change = { ops_list: units, head_op: "cls", cls_token_insert_layer: 2, same_token_embedding: true };
  const { step, whole } = followed(change, picture(1), picture(1));
  expect(distance(step.get("logits")!, whole.get("logits")!)).toBeLessThan(1e-6);
});

test("where only the first unit looks, nothing could be left out", () => {
  const ops_list = [FOCUS, ["ATTN", "MLP"], ["ATTN", "MLP"], ["ATTN", "MLP"]];
  expect(runsInSteps(defineModel("sparseformer", { ...CONFIG, ops_list }), "following")).toBe(false);
  expect(stageGraphs(defineModel("sparseformer", { ...CONFIG, ops_list }), {}, "following")).toBeUndefined();
});
