// The sparse detector: regions are boxes, each look moves them, and what nobody looks at is not computed.
import { expect, test } from "vitest";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { Scope } from "../../graph/scope.ts";
import { Graph } from "../../graph/tensor.ts";
import { Mode } from "../../nn/mode.ts";
import { RandomSource } from "../../random.ts";
import { type TensorData, tensor, toFloat32 } from "../../tensor.ts";
import { inferenceGraph, initialWeights } from "../graph.ts";
import { defineModel } from "../registry.ts";
import { cellRegions } from "./detector.ts";

const FIELDS = { width: 32, conv_dim: 6, num_latent_tokens: 5, num_sampling_points: 4, looks: 3, num_classes: 3 };
const definition = defineModel("sparse_detector", { ...FIELDS, generator_width: 8 });

const random = new RandomSource(1, "picture");
const image = tensor(
  "float32",
  [2, 3, 24, 36],
  Float32Array.from({ length: 2 * 3 * 24 * 36 }, () => random.normal()),
);

function spread(weights: ReadonlyMap<string, TensorData>): Map<string, TensorData> {
  return new Map(
    [...weights].map(([name, value]) => {
      const own = new RandomSource(2, name);
      return [
        name,
        tensor(
          "float32",
          value.shape,
          toFloat32(value).map((x) => x + 0.1 * own.normal()),
        ),
      ];
    }),
  );
}

test("it begins with cells of a grid, of which half of the neighbours are seen, and one look at everything", () => {
  const graph = inferenceGraph(definition);
  const outputs = interpret(graph, { inputs: { image }, parameters: initialWeights(graph, 0) });
  const boxes = outputs.get("boxes")!;
  expect([boxes.shape, outputs.get("logits")!.shape]).toEqual([
    [2, 5, 4],
    [2, 5, 3],
  ]);
  expect([...cellRegions(5)].slice(0, 8)).toEqual([-0.25, -0.25, 0.75, 0.75, 0.25, -0.25, 1.25, 0.75]);
  const first = [...boxes.data].slice(0, 20).map(Number);
  expect(first.slice(0, 4)).toEqual([0.25, 0.25, 1, 1]);
  expect(first.slice(16)).toEqual([0.5, 0.5, 1, 1]);
  // Nothing is likely before anything was learnt.
  for (const logit of outputs.get("logits")!.data) expect(1 / (1 + Math.exp(-Number(logit)))).toBeLessThan(0.1);
});

test("what is sampled is the same whether features are computed for all of the picture or only there", () => {
  const graph = inferenceGraph(definition);
  const parameters = spread(initialWeights(graph, 0));
  const whole = interpret(graph, { inputs: { image }, parameters });
  const sampled = interpret(inferenceGraph(definition, {}, { onlyWhereSampled: true }), {
    inputs: { image },
    parameters,
  });
  for (const name of ["logits", "boxes", "gaze.2.points"])
    whole.get(name)!.data.forEach((value, i) => {
      expect(Number(sampled.get(name)!.data[i])).toBeCloseTo(Number(value), 9);
    });
  expect(definition.architecture.suppression?.(definition.config)).toBeUndefined();
});

test("a look begins where the one before ended, and every look but the last is an answer of its own in training", () => {
  const graph = new Graph();
  const outputs = definition.architecture.build(
    new Scope(graph),
    graph.input("image", [2, 3, 24, 36]),
    definition.config,
    Mode.training(),
  );
  for (const [name, value] of Object.entries(outputs)) graph.output(name, value);
  const values = interpret(graph, { inputs: { image }, parameters: spread(initialWeights(graph, 0)) });
  for (const [look, before] of ["aux.0.boxes", "aux.1.boxes"].entries()) {
    const boxes = values.get(before)!.data;
    const regions = values.get(`gaze.${look + 1}.regions`)!.data;
    for (let i = 0; i < boxes.length; i += 4) {
      const [x, y, width, height] = [0, 1, 2, 3].map((k) => Number(boxes[i + k])) as [number, number, number, number];
      const corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
      corners.forEach((corner, k) => {
        expect(Number(regions[i + k])).toBeCloseTo(corner, 6);
      });
    }
  }
  expect(outputs["aux.2.boxes"]).toBeUndefined();
});
