// RotNet's networks: the official code's numbers natively (all of them on each engine: in the slow suite), their sizes, and configurations that cannot be.
import { expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { modelCost } from "../src/models/cost.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { goldenCases } from "./golden-case.ts";
import { toyOf } from "./registry-toys.ts";
import { expectRotnetParity } from "./rotnet-parity.ts";

test.each(goldenCases("rotnet").filter((name) => name.endsWith("3")))("%s, native", (name) =>
  expectRotnetParity(name, "cpu"),
);

/** Trained values, without running statistics. */
const trained = (name: string) =>
  [...inferenceGraph(defineModel(name)).parameters.values()]
    .filter(({ trainable }) => trainable)
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

test.each([
  ["rotnet_nin", 1_411_140, 32, 0.251],
  ["rotnet_alexnet", 57_030_724, 224, 0.71],
])("%s has the official %d parameters", (name, parameters, side, gmacs) => {
  expect(trained(name)).toBe(parameters);
  expect(modelCost(defineModel(name), { height: side, width: side }).macs / 1e9).toBeCloseTo(gmacs, 3);
});

test("CIFAR-10's pictures are normalised by their own mean and deviation", () => {
  const { architecture, config } = defineModel("rotnet_nin");
  expect(architecture.transform!(config)).toBe(
    "resize_small(32,bicubic)|central_crop(32)|normalize(mean=0.491373/0.482353/0.446667,std=0.247059/0.243529/0.261569)",
  );
});

test("an official file's counters are left out, and what cannot be is said", () => {
  const toy = defineModel("rotnet_nin", toyOf("rotnet_nin").config);
  const weights = initialWeights(inferenceGraph(toy), 0);
  const counted = new Map([
    ...weights,
    ["_feature_blocks.0.Block1_ConvB1.layers.BatchNorm.num_batches_tracked", [...weights.values()][0]!],
  ]);
  expect(toy.architecture.adoptWeights(counted, toy.config).size).toBe(weights.size);
  expect(() => defineModel("rotnet", { arch: "AlexNet" })).toThrow(/63 pixels or more/);
  expect(() => defineModel("rotnet", { num_stages: 2 })).toThrow(UsageError);
  expect(() => inferenceGraph(defineModel("rotnet_alexnet"), { height: 96, width: 96 })).toThrow(
    /224 x 224 pixels, not 96 x 96/,
  );
});
