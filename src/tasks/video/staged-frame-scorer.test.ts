// Videos that a model of pictures looks at frame by frame, each only as long as it must be.
import { afterAll, beforeAll, expect, test } from "vitest";
import { VideoError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { nativeModel } from "../../model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../../models/graph.ts";
import { defineModel } from "../../models/registry.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { MemoryVideo } from "../../video/memory-video.test-helper.ts";
import { loadVideoClassifier, type VideoClassifier } from "./video-classifier.ts";

const LOAD = { device: "cpu", threads: 1 } as const;
const host = {
  ...nodeHost,
  openVideo: async () => {
    throw new VideoError("nothing is opened here");
  },
};
const definition = defineModel("gfnet", {
  ...{ arch: "resnet50", patch_size: 32, image_size: 48, T: 3, class_num: 3, crop_pct: 1 },
  backbone: { block: "BasicBlock", layers: [1], channels: [4], stem_channels: 4 },
  ...{ fc_hidden_dim: 8, policy_hidden_dim: 8, policy_conv: true },
});
const model = nativeModel(definition, initialWeights(inferenceGraph(definition), 2), {
  name: "toy",
  labels: ["rain", "snow", "fog"],
});
const video = () =>
  new MemoryVideo(
    Array.from(
      { length: 12 },
      (_, frame): RawImage => ({
        width: 64,
        height: 48,
        data: Uint8Array.from({ length: 3 * 64 * 48 }, (_, i) => 128 + 127 * Math.sin(frame * 0.7 + (i % 192) * 0.05)),
      }),
    ),
  );

let inSteps: VideoClassifier;
let atOnce: VideoClassifier;
beforeAll(async () => {
  [inSteps, atOnce] = await Promise.all([
    loadVideoClassifier(host, model, { ...LOAD, inSteps: true }),
    loadVideoClassifier(host, model, LOAD),
  ]);
}, 120_000);
afterAll(() => Promise.all([inSteps.dispose(), atOnce.dispose()]));

test("nothing that stops it: all steps for every frame, and the answer of the model as a whole", async () => {
  const steps = await inSteps.classify(video(), { frames: 4 });
  const whole = await atOnce.classify(video(), { frames: 4 });
  expect(steps.predictions.map(({ label }) => label)).toEqual(whole.predictions.map(({ label }) => label));
  for (const [i, { score }] of steps.predictions.entries()) expect(score).toBeCloseTo(whole.predictions[i]!.score, 4);
  expect(steps.views).toMatchObject({ kind: "frames", frames: 4, clips: 1, crops: 1 });
  expect(steps.views.steps).toEqual([
    { name: "glance", stopped: 0 },
    { name: "focus", stopped: 0 },
    { name: "focus", stopped: 4 },
  ]);
  expect(steps.views.macs).toBe(steps.views.macsInAll);
});

test("frames that are sure after the glance stop there, and pay for it alone", async () => {
  const { views } = await inSteps.classify(video(), { frames: 4, crops: 3, threshold: 0 });
  expect(views.steps?.map(({ stopped }) => stopped)).toEqual([12, 0, 0]);
  expect(views.macs!).toBeLessThan(views.macsInAll! / 2);
});

test("a timeline counts the frames of all its windows", async () => {
  const { windows, views } = await inSteps.classify(video(), { every: 0.2, frames: 2, budgetMacs: 1 });
  expect(views.steps![0]!.stopped).toBe(2 * windows!.length);
});
