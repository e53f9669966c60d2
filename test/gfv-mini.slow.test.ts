// GFV (AdaFocus over TSM) against what the official code computes, and as stages. All of WebAssembly and the interpreter are in the slow suite.
import { expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { countMacs } from "../src/graph/macs.ts";
import { exportStages } from "../src/model-folder/compile.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { verifyStages } from "../src/model-folder/verify.ts";
import { type GfvConfig, glanceFramesOf } from "../src/models/gfv/config.ts";
import { inferenceGraph, initialWeights, stageGraphs } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { expectSessionParity } from "./gfv-parity.ts";
import { goldenCases } from "./golden-case.ts";
import { toyOf } from "./registry-toys.ts";

test.each(goldenCases("adafocus_gfv"))("%s: native", (name) => expectSessionParity(name, "cpu"));

test("its stages give what one graph does", async () => {
  const definition = defineModel("gfv", toyOf("gfv_resnet50_144").config);
  const model = nativeModel(definition, initialWeights(inferenceGraph(definition), 1), { name: "toy" });
  const check = await verifyStages(nodeHost, model, exportStages(model, {}), { device: "cpu" });
  expect(check.largest.difference).toBeLessThan(1e-5);
});

test("the glance sees the middles of equal parts", () => {
  const frames = (fields: Record<string, unknown>) => glanceFramesOf(defineModel("gfv", fields).config as GfvConfig);
  expect(frames({})).toEqual([0, 2, 3, 5, 6, 8, 9, 11]);
  expect(frames({ num_segments_glancer: 2, glance_frames: [1, 5] })).toEqual([1, 5]);
});

// The glance's 8 frames of 224 px, and then 12 patches of each size: what is published is all of it, with the policy.
test.each([
  [144, 23.5],
  [160, 27.5],
  [176, 33.7],
])("patches of %d px: the published %d GMACs of a clip", (patch, gmacs) => {
  const { graphs } = stageGraphs(defineModel(`gfv_resnet50_${patch}`))!;
  const macs = [...graphs.values()].map((graph) => countMacs(graph, new Map([["batch", 1]])).total / 1e9);
  expect(macs[0]! + macs[1]!).toBeGreaterThan(0.97 * gmacs);
  expect(macs[0]! + macs[1]!).toBeLessThan(1.03 * gmacs);
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ["a patch larger than the picture", { patch_size: 256 }, /patch_size 256 is larger/],
  ["a glance at more frames than there are", { num_segments_glancer: 13 }, /13 are more than/],
  ["frames that are not there", { num_segments_glancer: 1, glance_frames: [12] }, /must rise/],
  ["several places in a clip", { video_div: 2 }, /one place/],
  ["an unknown backbone", { base_model: "resnet5000" }, /resnet5000/],
])("%s", (_, config, message) => {
  expect(() => defineModel("gfv", config)).toThrow(UsageError);
  expect(() => defineModel("gfv", config)).toThrow(message);
});
