import { expect, test } from "vitest";
import { modelCost } from "./cost.ts";
import { defineModel } from "./registry.ts";

const tiny = defineModel("sparseformer_v1_tiny");
const at = (size: number, batch = 1, depth?: number) => modelCost(tiny, { height: size, width: size, batch }, depth);

test("parts and ops add up to the whole", () => {
  const { parameters, macs, parts, ops } = at(224);
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  expect(sum(parts.map((part) => part.macs))).toBe(macs);
  expect(sum(parts.map((part) => part.parameters))).toBe(parameters);
  expect(sum(ops.map((op) => op.macs))).toBe(macs);
  expect(parts.slice(0, 3).map(({ path }) => path)).toEqual(["feat_extractor", "layers.0", "layers.1"]);
  expect(ops[0]).toMatchObject({ op: "gemm" });
  expect(at(224, 1, 1).parts.map(({ path }) => path)).toContain("layers");
});

test("only SparseFormer's stem grows with the picture", () => {
  const [small, large] = [at(224), at(448)];
  const changed = large.parts.filter((part) => part.macs !== small.parts.find(({ path }) => path === part.path)?.macs);
  expect(changed.map(({ path }) => path)).toEqual(["feat_extractor"]);
  expect(large.macs - small.macs).toBe(3 * 224 ** 2 * ((96 * 3 * 49) / 4));
});

test("what does not depend on the picture is counted once for a batch, and said", () => {
  const [one, eight] = [at(224), at(224, 8)];
  expect(one.macsAtLoad).toBeGreaterThan(0);
  expect(eight.macsAtLoad).toBe(one.macsAtLoad);
  expect(eight.macs - eight.macsAtLoad).toBe(8 * (one.macs - one.macsAtLoad));
});

test("activations grow with the batch, and the peak is below the total", () => {
  const [one, eight] = [at(224).activations, at(224, 8).activations];
  expect(eight.totalBytes).toBe(8 * one.totalBytes);
  expect(eight.peakBytes).toBe(8 * one.peakBytes);
  expect(one.peakBytes).toBeLessThan(one.totalBytes);
  // The first convolution's output and its ReLU: 96 channels of 112 x 112.
  expect(one.peakBytes).toBe(2 * 4 * 96 * 112 ** 2);
});
