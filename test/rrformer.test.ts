// RRFormer: the official code's numbers for both of its forms natively (in WebAssembly and the interpreter: in the slow suite), its size, and configurations that cannot be.
import { describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { inferenceGraph, parameterCount } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { goldenCases } from "./golden-case.ts";
import { BOTH, expectOnDevice } from "./rrformer-parity.ts";

describe.each(goldenCases("rrformer"))("%s", (name) => {
  test.each(BOTH)("%s, native", (form, bypass) => expectOnDevice(name, form, bypass, "cpu"));
});

test("has the size of the official code, without what has no effect", () => {
  // 20,355,130 with conv_last, which nothing reads, and without VGG-19.
  const conv_last = 240 * 3 * 9 + 3;
  const transformer = 17_062_983;
  const size = (name: string) =>
    parameterCount(inferenceGraph(defineModel(name, { img_size: 64, hypercolumn: false })));
  const hypercolumnShare = 1472 * 256;
  expect(size("rrformer_intended") + hypercolumnShare).toBe(20_355_130 - conv_last);
  expect(size("rrformer") + hypercolumnShare).toBe(20_355_130 - transformer);
});

test.each([
  [{ img_size: 100 }, "img_size must be a multiple of 32"],
  [{ embed_dim: 100 }, "num_heads must divide embed_dim"],
  [{ depths: [2] }, "one entry a group"],
  [{ n_feats: 30 }, "n_feats"],
])("%o cannot be", (config, message) => {
  expect(() => defineModel("rrformer", config)).toThrow(UsageError);
  expect(() => defineModel("rrformer", config)).toThrow(message);
});
