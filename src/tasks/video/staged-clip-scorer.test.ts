// Videos that are looked at only as long as it must be.
import { afterAll, beforeAll, expect, test } from "vitest";
import { UsageError, VideoError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { NativeModel } from "../../model-folder/model.ts";
import { nativeModel } from "../../model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../../models/graph.ts";
import { defineModel } from "../../models/registry.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { tensor, toFloat32 } from "../../tensor.ts";
import { MemoryVideo } from "../../video/memory-video.test-helper.ts";
import { loadVideoClassifier, type VideoClassifier } from "./video-classifier.ts";

const LABELS = ["rain", "snow", "fog"];
const LOAD = { device: "cpu", threads: 1 } as const;
const host = {
  ...nodeHost,
  openVideo: async () => {
    throw new VideoError("nothing is opened here");
  },
};

/** A Uni-AdaFocus whose heads tell classes apart. */
function toy(): NativeModel {
  const definition = defineModel("uni_adafocus", {
    num_class: LABELS.length,
    num_glance_segments: 2,
    num_input_focus_segments: 4,
    num_focus_segments: 2,
    input_size: 32,
    patch_size: 32,
    smallest_crop: 16,
    stn_hidden_dim: 4,
    temporal_hidden_dim: 4,
    global_backbone: { channel_multiplier: 0.1 },
    local_backbone: { layers: [1, 1], channels: [4, 4], stem_channels: 4 },
  });
  const weights = initialWeights(inferenceGraph(definition), 2);
  for (const [name, value] of weights)
    if (/fc\.weight$/.test(name))
      weights.set(
        name,
        tensor(
          "float32",
          value.shape,
          toFloat32(value).map((_, i) => Math.sin(7 * i + name.length)),
        ),
      );
  return nativeModel(definition, weights, { name: "toy", labels: LABELS });
}

const model = toy();
const frames = Array.from(
  { length: 12 },
  (_, frame): RawImage => ({
    width: 40,
    height: 36,
    data: Uint8Array.from({ length: 3 * 40 * 36 }, (_, i) => 128 + 127 * Math.sin(frame * 0.7 + (i % 120) * 0.05)),
  }),
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

const scoresOf = ({ predictions }: { predictions: readonly { label: string; score: number }[] }) =>
  Object.fromEntries(predictions.map(({ label, score }) => [label, expect.closeTo(score, 5)]));

test("nothing that stops it: all steps, the answer and the gaze of the model as a whole", async () => {
  const [stepped, whole] = [
    await inSteps.classify(new MemoryVideo(frames), { explain: true }),
    await atOnce.classify(new MemoryVideo(frames), { explain: true }),
  ];
  expect(scoresOf(stepped)).toEqual(scoresOf(whole));
  expect(stepped.gaze!.map(({ stages }) => stages.map(({ tokens }) => tokens))).toEqual([[2]]);
  const [a, b] = [stepped, whole].map(({ gaze }) => [...gaze![0]!.stages[0]!.regions]);
  expect(a).toEqual(b!.map((value) => expect.closeTo(value, 4)));
  expect(stepped.views.steps).toEqual([
    { name: "glance", stopped: 0 },
    { name: "focus", stopped: 1 },
  ]);
  expect(stepped.views.macs).toBe(stepped.views.macsInAll);
  expect(whole.views.steps).toBeUndefined();
});

test("who is sure after the glance stops there, and pays for it alone", async () => {
  const { views, predictions, gaze } = await inSteps.classify(new MemoryVideo(frames), { threshold: 0, explain: true });
  expect(views.steps!.map(({ stopped }) => stopped)).toEqual([1, 0]);
  expect(views.macs).toBeLessThan(views.macsInAll!);
  expect(views.cost).toContain("GFLOPs x (1 clip x 1 crop)");
  expect(predictions.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5);
  expect(gaze).toBeUndefined();
});

test("budgets: multiply-accumulates, and milliseconds, which are measured first", async () => {
  const one = await inSteps.classify(new MemoryVideo(frames), { budgetMacs: 1 });
  expect(one.views.steps!.map(({ stopped }) => stopped)).toEqual([1, 0]);
  const none = await inSteps.classify(new MemoryVideo(frames), { budgetMs: 1e-3 });
  expect(none.views.steps!.map(({ stopped }) => stopped)).toEqual([1, 0]);
  const all = await inSteps.classify(new MemoryVideo(frames), { budgetMs: 1e6 });
  expect(all.views.steps!.map(({ stopped }) => stopped)).toEqual([0, 1]);
});

test("a timeline: every window stops by itself, all are counted", async () => {
  const { views, windows } = await inSteps.classify(new MemoryVideo(frames), { every: 0.16, threshold: 0 });
  expect(windows).toHaveLength(3);
  expect(views.steps!.map(({ stopped }) => stopped)).toEqual([3, 0]);
});

test("what cannot stop early says so", async () => {
  await expect(atOnce.classify(new MemoryVideo(frames), { threshold: 0.5 })).rejects.toThrow(/inSteps|in steps/);
  const still = nativeModel(
    defineModel("resnet18", { layers: [1], channels: [4], stem_channels: 4, num_classes: 3 }),
    initialWeights(
      inferenceGraph(defineModel("resnet18", { layers: [1], channels: [4], stem_channels: 4, num_classes: 3 })),
      0,
    ),
    { name: "still" },
  );
  await expect(loadVideoClassifier(host, still, { ...LOAD, inSteps: true })).rejects.toThrow(UsageError);
  await expect(loadVideoClassifier(host, model, { ...LOAD, inSteps: true, resolution: 64 })).rejects.toThrow(
    /frames of its own size/,
  );
});
