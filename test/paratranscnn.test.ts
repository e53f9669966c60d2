// ParaTransCNN: its size, its halves, and configurations that cannot be. The official code's numbers: in the slow suite.
import { expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";

const trained = (config: Readonly<Record<string, unknown>>) =>
  [...inferenceGraph(defineModel("paratranscnn", config)).parameters.values()]
    .filter(({ trainable }) => trainable)
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

test("has the official size", () => {
  expect(trained({})).toBe(245_468_937);
});

test("halves have the parameters of their branch alone", () => {
  const toy = { img_size: 32, dim: 16, heads: 2 };
  const names = (branches: string) => [
    ...inferenceGraph(defineModel("paratranscnn", { ...toy, branches })).parameters.keys(),
  ];
  expect(names("cnn").some((name) => /^(vit|patch_embed)/.test(name))).toBe(false);
  expect(names("transformer").some((name) => /^(first|encoder)/.test(name))).toBe(false);
  expect(trained({ ...toy, branches: "cnn" }) + trained({ ...toy, branches: "transformer" })).toBeLessThan(
    trained(toy),
  );
});

test.each([
  [{ img_size: 100 }, "img_size must be a multiple of 16"],
  [{ heads: 7 }, "heads must divide dim"],
  [{ branches: "cnn+transformer" }, "branches"],
])("%o cannot be", (config, message) => {
  expect(() => defineModel("paratranscnn", config)).toThrow(UsageError);
  expect(() => defineModel("paratranscnn", config)).toThrow(message);
});
