// FaceXFormer: its size, what of official files is left out, and configurations that cannot be. The official code's numbers: in the slow suite.
import { expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { tensor } from "../src/tensor.ts";

test("has the official size but for the normalisation that no answer reads", () => {
  const trained = [...inferenceGraph(defineModel("facexformer")).parameters.values()].filter(
    ({ trainable }) => trainable,
  );
  const values = trained.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  expect(values + 2 * 1024).toBe(91_985_943);
});

test("official files hold indexes and a normalisation besides", () => {
  const { architecture, config } = defineModel("facexformer");
  const names = ["backbone.0.1.0.attn.relative_position_index", "backbone.1.weight", "backbone.0.0.2.weight"];
  const value = tensor("float32", [1], new Float32Array(1));
  const adopted = architecture.adoptWeights(new Map(names.map((name) => [name, value])), config);
  expect([...adopted.keys()]).toEqual(["backbone.0.0.2.weight"]);
});

test.each([
  [{ img_size: 256 }, "img_size must be a multiple of 224"],
  [{ num_heads: [3, 8, 16, 32] }, "num_heads must divide"],
  [{ decoder_heads: 7 }, "decoder_heads must divide"],
])("%o cannot be", (config, message) => {
  expect(() => defineModel("facexformer", config)).toThrow(UsageError);
  expect(() => defineModel("facexformer", config)).toThrow(message);
});
