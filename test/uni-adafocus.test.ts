// Uni-AdaFocus in small: engines and stages agree, official names and files, costs, and configurations that cannot be. The official code's numbers at
// full size are in the slow suite.
import { describe, expect, test } from "vitest";
import { FormatError, UsageError } from "../src/errors.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { countMacs } from "../src/graph/macs.ts";
import { exportOnnx, exportStages } from "../src/model-folder/compile.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { verifyStages } from "../src/model-folder/verify.ts";
import { inferenceGraph, initialWeights, stageGraphs } from "../src/models/graph.ts";
import { defineModel, registry } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { stripWrapperPrefixes } from "../src/weights/wrapper-prefixes.ts";
import { goldenCases, hashedValues, loadGolden, maxDifference } from "./golden-case.ts";
import { sweepInput } from "./registry-sweep.ts";
import { toyOf } from "./registry-toys.ts";

const NAME = "uni_adafocus_tsm_sthv2_p96_8and8";
const TOY = toyOf(NAME);
const definition = defineModel(NAME, TOY.config);
const clips = sweepInput(definition, TOY).value as TensorData<"float32">;

/** Weights of the toy, with heads and policies that say something: as they start, all frames are worth the same. */
function toyWeights(): Map<string, TensorData> {
  const weights = initialWeights(inferenceGraph(definition), 3);
  for (const [name, value] of weights)
    if (/new_fc|temporal_policy.*weight|encoder\.9/.test(name))
      weights.set(name, tensor("float32", value.shape, hashedValues(name, value.data.length, 0.5, 0, 3)));
  return weights;
}
const model = nativeModel(definition, toyWeights(), { name: "toy" });

describe("one model", () => {
  const graph = inferenceGraph(definition);
  const expected = interpret(graph, { inputs: { image: clips }, parameters: model.weights });

  test("looks at different frames of different clips, in order", () => {
    const frames = toFloat64(expected.get("focus_frames")!);
    for (let clip = 0; clip < 2; clip++) {
      const own = [...frames.subarray(clip * 3, clip * 3 + 3)];
      expect([...new Set(own)].sort((a, b) => a - b)).toEqual(own);
    }
    const weights = toFloat64(expected.get("temporal_weights")!);
    expect(weights[0]! + weights[1]!).toBeCloseTo(1, 6);
    expect(Math.abs(weights[0]! - 0.5)).toBeGreaterThan(1e-3);
  });

  test("says where it looked: a tube of one frame for each", () => {
    const regions = toFloat64(expected.get("gaze.0.regions")!);
    const frames = toFloat64(expected.get("focus_frames")!);
    const crops = toFloat64(expected.get("region")!);
    expect(expected.get("gaze.0.regions")!.shape).toEqual([2, 3, 6]);
    expect(expected.get("gaze.0.points")!.shape).toEqual([2, 3, 1, 3]);
    frames.forEach((frame, i) => {
      const [x1, y1, t1, x2, y2, t2] = regions.subarray(6 * i, 6 * i + 6);
      const crop = crops.subarray(4 * Math.floor(i / 3), 4 * Math.floor(i / 3) + 4);
      [x1, y1, x2, y2].forEach((value, at) => {
        expect(value).toBeCloseTo(crop[at]!, 6);
      });
      expect([t1! * 6, t2! * 6]).toEqual([expect.closeTo(frame, 5), expect.closeTo(frame + 1, 5)]);
    });
  });

  test("the engine gives the interpreter's numbers", async () => {
    await using session = await nodeHost.createSession(exportOnnx(model), { device: "cpu" });
    const outputs = await session.run({ image: clips });
    for (const [name, value] of expected) expect(maxDifference(outputs[name], value), name).toBeLessThan(2e-4);
  });

  test("in steps: the glance answers first, and the focus gives what one graph gives", async () => {
    const files = exportStages(model, {});
    expect(files.steps).toEqual(["glance", "focus"]);
    expect(files.glimpses).toBe(1);
    const check = await verifyStages(nodeHost, model, files, { device: "cpu" });
    expect(check.largest.difference).toBeLessThan(1e-4);
    await using glance = await nodeHost.createSession(files.files.get("glance")!, { device: "cpu" });
    const { logits } = await glance.run({ image: clips });
    expect(maxDifference(logits, expected.get("glance_avg_logits")!)).toBeLessThan(1e-4);
  });
});

describe("official files", () => {
  test.each(goldenCases("uni-adafocus"))("%s: every tensor has its place, and none is missing", (name) => {
    const golden = loadGolden(name)!;
    const wrapped = new Map([...golden.weights].map(([tensorName, value]) => [`module.${tensorName}`, value]));
    wrapped.set(
      "module.global_CNN.base_model.features.0.1.num_batches_tracked",
      tensor("int64", [], new BigInt64Array(1)),
    );
    const { tensors } = stripWrapperPrefixes(wrapped);
    const loaded = nativeModel(defineModel("uni_adafocus", golden.config), tensors, { name });
    expect([...loaded.weights.values()].reduce((sum, { data }) => sum + data.length, 0)).toBeGreaterThan(
      golden.json.parameters as number,
    );
  });

  test("other networks' weights are refused", () => {
    const without = new Map([...model.weights].filter(([name]) => !name.startsWith("aux_fc.")));
    expect(() => nativeModel(definition, without, { name: "toy" })).toThrow(FormatError);
    expect(() => nativeModel(definition, without, { name: "toy" })).toThrow(/no tensor named aux_fc\.\*/);
  });

  test("the nine released models, and what their authors say they cost", () => {
    const released = [...registry.values()].filter(({ architecture }) => architecture === "uni_adafocus");
    expect(released).toHaveLength(9);
    // README of the official code, GFLOPs x (1 clip x 1 crop); ops/early_exit_uni_adafocus_tsm.py for its parts.
    const stated: Record<string, number> = { p96_8and8: 8.8, p96_8and12: 11.8, p128_8and12: 18.8, p128_8and16: 24.2 };
    for (const { name } of released) {
      const graphs = stageGraphs(defineModel(name))!;
      const sizes = new Map([["batch", 1]]);
      const [glance, focus] = graphs.steps.map((step) => countMacs(graphs.graphs.get(step)!, sizes).total / 1e9);
      expect(glance, name).toBeCloseTo(8 * 0.299956768, 1);
      const expected = stated[name.slice(name.indexOf("p"))] ?? stated[name.slice(name.indexOf("_p") + 1)]!;
      expect(Math.abs(glance! + focus! - expected), name).toBeLessThan(0.1);
    }
  });
});

describe("what cannot be", () => {
  const config = { num_class: 5, patch_size: 96 };
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["no patch", { patch_size: 0 }, /patch_size/],
    ["a patch larger than the frame", { patch_size: 256 }, /patch_size 256 is larger than input_size 224/],
    ["frames that are no multiple of the map's cells", { input_size: 200 }, /must be a multiple of 32/],
    ["more frames to look at than there are", { num_focus_segments: 40 }, /num_focus_segments 40 are more than/],
    ["a glance at more frames than there are", { num_glance_segments: 40 }, /num_glance_segments 40 are more than/],
    ["a glance at other frames than it says", { glance_frames: [1, 2] }, /glance_frames has 2/],
    ["a glance back in time", { num_glance_segments: 2, glance_frames: [2, 1] }, /glance_frames must rise/],
    ["a crop larger than the frame", { smallest_crop: 300 }, /smallest_crop 300 is larger/],
    ["fields that a backbone does not have", { global_backbone: { wheels: 4 } }, /wheels/],
  ])("%s", (_, changes, message) => {
    const build = () => inferenceGraph(defineModel("uni_adafocus", { ...config, ...changes }));
    expect(build).toThrow(UsageError);
    expect(build).toThrow(message);
  });

  test("clips of another number of frames", () => {
    expect(() => inferenceGraph(definition, { frames: 5 })).toThrow(/6 frames/);
  });
});
