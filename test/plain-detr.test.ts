// Plain DETR as it is built: what configurations are refused, the maps of any picture size, positions relative to boxes, what queries of training leave as it is.
import { expect, test } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { Scope } from "../src/graph/scope.ts";
import { Graph } from "../src/graph/tensor.ts";
import { initialWeights } from "../src/models/graph.ts";
import { memoryMap, type PlainDetrConfig, proposalMaps } from "../src/models/plain-detr/config.ts";
import { plainDetr } from "../src/models/plain-detr/model.ts";
import { defineModel } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { hashedValues, maxDifference } from "./golden-case.ts";
import { toyOf } from "./registry-toys.ts";

const NAME = "plain_detr_swinv2_small_mim_boxrpb";
const toy = (fields: object = {}) => defineModel(NAME, { ...toyOf(NAME).config, ...fields }).config as PlainDetrConfig;

const noise = (name: string, shape: readonly number[], scale: number) =>
  tensor("float32", shape, hashedValues(name, elementCount(shape), scale, 0, 3));

/** What a toy says of a picture; its weights are noise, for those that it begins with say nothing. */
function answer(config: PlainDetrConfig, all = false, image = noise("picture", [1, 3, 64, 96], 1)) {
  const graph = new Graph();
  const outputs = plainDetr(new Scope(graph), graph.input("image", image.shape), config, Mode.inference(), { all });
  for (const [name, value] of Object.entries(outputs)) graph.output(name, value);
  const weights = new Map<string, TensorData>(
    [...initialWeights(graph, 0)].map(([name, value]) => [name, noise(name, value.shape, 0.2)]),
  );
  return interpret(graph, { inputs: { image }, parameters: weights });
}

test("maps of pictures whose sides are no multiples of a cell", () => {
  const config = toy({ img_size: [100, 131] });
  expect(memoryMap(config)).toEqual({ height: 8, width: 10, stride: 16 });
  expect(proposalMaps(config).map(({ height, width }) => [height, width])).toEqual([
    [16, 20],
    [8, 10],
    [4, 5],
    [2, 2],
  ]);
  const { logits, boxes } = Object.fromEntries(answer(config, false, noise("other", [1, 3, 100, 131], 1)));
  expect([logits!.shape, boxes!.shape]).toEqual([
    [1, 7, 5],
    [1, 7, 4],
  ]);
});

test("queries that are matched one to many change nothing of the others", () => {
  for (const fields of [{}, { reparam: true, position_embedding: "sine_unnorm" }]) {
    const [alone, together] = [answer(toy(fields)), answer(toy(fields), true)];
    for (const name of ["logits", "boxes"])
      expect(maxDifference(together.get(name)!, alone.get(name)!), name).toBeLessThan(1e-6);
    expect(together.get("many.boxes")!.shape).toEqual([1, 6, 4]);
    expect(together.get("aux.0.logits")!.shape).toEqual([1, 7, 5]);
    const shares = toFloat64(together.get("boxes")!);
    expect(shares.every((value) => value >= 0 && value <= 1)).toBe(true);
  }
});

test("where cells lie to a query's box changes what it reads, and absolute positions have no such network", () => {
  const boxes = answer(toy());
  expect(
    maxDifference(answer(toy({ decoder_rpe_type: "abs_log8" })).get("boxes"), boxes.get("boxes")!),
  ).toBeGreaterThan(1e-4);
  const graph = new Graph();
  const image = graph.input("image", [1, 3, 64, 96]);
  plainDetr(new Scope(graph), image, toy({ decoder_type: "global_ape" }), Mode.inference());
  expect([...graph.parameters.keys()].filter((name) => name.includes("cpb_mlp1"))).toEqual([]);
});

test.each([
  [{ img_size: 16 }, "img_size must be at least 32 pixels"],
  [{ num_queries_one2one: 9000 }, "fewer than there are queries"],
  [{ nheads: 5 }, "nheads must divide hidden_dim"],
  [{ reparam: true, decoder_type: "global_ape" }, "reparam needs the decoder_type global_rpe_decomp"],
  [{ two_stage: false }, "two_stage"],
  [{ upsample_stride: 12 }, "upsample_stride"],
])("%o is refused", (fields, message) => {
  expect(() => toy(fields)).toThrow(message);
});
