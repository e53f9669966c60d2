// AdaptiveNN in small: the official code's numbers, one graph and stages, official names, and configurations that cannot be.
import { describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { countMacs } from "../src/graph/macs.ts";
import type { RawImage } from "../src/image/raw-image.ts";
import { exportOnnx, exportStages } from "../src/model-folder/compile.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { verifyStages } from "../src/model-folder/verify.ts";
import { inferenceGraph, stageGraphs } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { AdaptiveClassifier } from "../src/tasks/classify/adaptive-classifier.ts";
import { tensor, toFloat32 } from "../src/tensor.ts";
import { adaptivennModel, expectAdaptivennParity, goldenPictures } from "./adaptivenn-parity.ts";
import { goldenCases, isToy, loadGolden, maxDifference } from "./golden-case.ts";

const NO_MODELS = ["adaptivenn_ppo_update"];
const CASES = goldenCases("adaptivenn", NO_MODELS).filter(isToy);

describe.each(CASES)("%s", (name) => {
  const golden = loadGolden(name)!;

  test.each(["cpu", "wasm"] as const)("%s: all that the official code keeps", (device) =>
    expectAdaptivennParity(golden, device),
  );

  test("one graph gives the same answers, places and values", async () => {
    await using session = await nodeHost.createSession(exportOnnx(adaptivennModel(golden)), { device: "cpu" });
    const outputs = await session.run({ image: goldenPictures(golden) });
    for (const output of ["logits", "actions", "values"])
      expect(maxDifference(outputs[output], golden.outputs.get(output)!), output).toBeLessThan(2e-4);
    expect(outputs.regions!.shape).toEqual([3, 2, 4]);
    const [action, region] = [toFloat32(outputs.actions!), toFloat32(outputs.regions!)];
    expect(region[1]! * 96).toBeCloseTo(action[0]! * 48, 3); // rows are y
    expect(region[0]! * 96).toBeCloseTo(action[1]! * 48, 3);
    expect(region[2]! * 96).toBeCloseTo(action[1]! * 48 + 48, 3);
  });

  test("so do the stages, of which all but the last say what going on is worth", async () => {
    const model = adaptivennModel(golden);
    const files = exportStages(model, {});
    expect(files.steps).toEqual(["glance", "focus.1", "focus.2", "focus.3"]);
    const check = await verifyStages(nodeHost, model, files, { device: "cpu" });
    expect(check.largest.difference).toBeLessThan(1e-3);
    const graphs = stageGraphs(model.definition)!.graphs;
    expect(files.steps.map((step) => graphs.get(step)!.outputs.has("value"))).toEqual([true, true, true, false]);
    await using first = await nodeHost.createSession(files.files.get("glance")!, { device: "cpu" });
    const { value } = await first.run({ image: goldenPictures(golden) });
    const expected = golden.outputs.get("values")!;
    const ofFirst = tensor("float32", [2, 1], toFloat32(expected).slice(0, 2));
    expect(maxDifference(value, ofFirst)).toBeLessThan(1e-4);
  });
});

test("a classifier stops where the value net expects no more than is asked for, and says where it looked", async () => {
  const { definition, weights } = adaptivennModel(loadGolden(CASES[0]!)!);
  const model = nativeModel(definition, weights, { name: "mini", transform: "resize(96,96)|normalize(imagenet)" });
  await using classifier = await AdaptiveClassifier.open(nodeHost, model, { device: "cpu", threads: 1 });
  const picture = (seed: number): RawImage => ({
    width: 120,
    height: 96,
    data: Uint8Array.from({ length: 3 * 120 * 96 }, (_, i) => 128 + 100 * Math.sin(seed * i * 0.01)),
  });
  const pictures = [1, 2, 3].map(picture);
  const all = await classifier.scores(pictures);
  expect(all.map(({ stepLogits, stepValues }) => [stepLogits.length, stepValues?.length])).toEqual(
    [4, 4, 4].map((n) => [n, n - 1]),
  );
  const firsts = all.map(({ stepValues }) => stepValues![0]!).toSorted((a, b) => a - b);
  const minimumValue = (firsts[0]! + firsts[1]!) / 2;
  const stopped = await classifier.classify(pictures, { minimumValue });
  for (const [i, { steps, stopped: reason }] of stopped.entries()) {
    const values = all[i]!.stepValues!;
    const expected = values.findIndex((value) => value <= minimumValue);
    expect([steps.length, reason]).toEqual(expected < 0 ? [4, "complete"] : [expected + 1, "value"]);
    expect(steps.map(({ name }) => name)).toEqual(["glance", "focus", "focus", "focus"].slice(0, steps.length));
    expect(steps[0]!.value).toBeCloseTo(values[0]!, 5);
    // A patch is half as wide and high as the view, which is the whole picture.
    for (const { box } of steps.slice(1))
      expect([box![2] - box![0], box![3] - box![1]]).toEqual([expect.closeTo(60, 3), expect.closeTo(48, 3)]);
  }
  expect(stopped.some(({ stopped: reason }) => reason === "value")).toBe(true);
});

describe("official files", () => {
  test.each(CASES)("%s: every tensor has its place, and none is missing", (name) => {
    const golden = loadGolden(name)!;
    const tensors = new Map([...golden.weights, ["offset_xy", tensor("int64", [1], new BigInt64Array(1))] as const]);
    const { weights } = nativeModel(defineModel("adaptivenn", golden.config), tensors, { name });
    expect([...weights.values()].reduce((sum, { data }) => sum + data.length, 0)).toBe(golden.json.parameters);
  });

  test("the released model costs what its paper says, look by look, and what the paper leaves out", () => {
    const { steps, graphs } = stageGraphs(defineModel("adaptivenn_deit_small"))!;
    const [glance, ...fixations] = steps.map(
      (step) => countMacs(graphs.get(step)!, new Map([["batch", 1]])).total / 1e9,
    );
    expect(Math.abs(glance! - 1.08)).toBeLessThan(0.02);
    // The paper's count is that of the transformers, with the blocks that answer once, at the end; to stop early all answers are wanted. Reading from
    // the state and writing into it are two perceptrons over all tokens.
    const answering = 4 * (12 * 384 ** 2 * 49 + 2 * 49 ** 2 * 384);
    const perceptrons = 49 * 384 * (4 * 384 * 2 + 4 * (384 + 25));
    for (const cost of fixations) expect(Math.abs(cost - (answering + perceptrons) / 1e9 - 1.0825)).toBeLessThan(0.03);
  });
});

describe("what cannot be", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    [
      "a patch larger than the picture",
      { focus_patch_size: 320 },
      /focus_patch_size 320 is larger than image_size 288/,
    ],
    ["sides that tokens do not divide", { glance_input_size: 100 }, /patch_size 16 must divide glance_input_size 100/],
    ["more fixations than there are weights for", { fixations: 5 }, /fixations 5 are more than .* \(seq_len 4\)/],
    ["more blocks for the answer than there are", { remaining_blocks: 13 }, /remaining_blocks 13 are more than/],
    ["neighbours without a middle", { recover_n: 4 }, /must be odd.*recover_n/s],
    ["heads that do not divide the width", { num_heads: 7 }, /num_heads must divide embed_dim/],
    ["an unknown field", { wheels: 4 }, /wheels/],
    ["an unknown backbone", { arch: "resnet5000" }, /resnet5000/],
    ["fields that the backbone does not have", { arch: "resnet50", backbone: { wheels: 4 } }, /wheels/],
    ["changes of no backbone", { backbone: { layers: [1] } }, /backbone changes the backbone that arch names/],
    ["another stride than the backbone's", { arch: "resnet50" }, /resnet50 .* map of 4 x 4 from 112 pixels, not 7 x 7/],
  ])("%s", (_, changes, message) => {
    const build = () => inferenceGraph(defineModel("adaptivenn", changes));
    expect(build).toThrow(UsageError);
    expect(build).toThrow(message);
  });
});
