import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AbortedError, UsageError, VideoError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { applyTransform, parseTransform } from "../../image/transform.ts";
import { exportOnnx } from "../../model-folder/compile.ts";
import type { NativeModel } from "../../model-folder/model.ts";
import { nativeModel } from "../../model-folder/native.ts";
import { onnxModel } from "../../model-folder/onnx-model.ts";
import { runTensors } from "../../model-folder/run-tensors.ts";
import { inferenceGraph, initialWeights } from "../../models/graph.ts";
import { defineModel } from "../../models/registry.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { type TensorData, tensor, toFloat32 } from "../../tensor.ts";
import { MemoryVideo } from "../../video/memory-video.test-helper.ts";
import { softmax } from "../classify/class-scores.ts";
import { loadClassifier } from "../classify/classifier.ts";
import { loadVideoClassifier, type VideoClassifier } from "./video-classifier.ts";

const TRANSFORM = "resize_small(32,bilinear)|central_crop(32)|normalize(imagenet)";
const LABELS = ["rain", "snow", "fog", "sun", "hail"];
const LOAD = { device: "cpu", threads: 1 } as const;

/** Weights that tell classes apart: initial ones answer nearly the same for everything. */
function strong(definition: NativeModel["definition"], card: NativeModel["card"]): NativeModel {
  const weights = [...initialWeights(inferenceGraph(definition), 3)].map(([name, value]): [string, TensorData] => {
    if (!/^(fc|proj)\.weight$/.test(name)) return [name, value];
    return [
      name,
      tensor(
        "float32",
        value.shape,
        toFloat32(value).map((_, i) => Math.sin(7 * i)),
      ),
    ];
  });
  return nativeModel(definition, new Map(weights), card);
}

const card = { name: "toy", transform: TRANSFORM, labels: LABELS };
const pictures = strong(
  defineModel("resnet18", { layers: [1, 1, 1, 1], channels: [4, 6, 8, 10], stem_channels: 4, num_classes: 5 }),
  card,
);
const clips = strong(
  defineModel("media_sparseformer_v1_tiny", {
    width_configs: [64, 64],
    repeats: [1, 1],
    ops_list: [
      ["ATTN", "ROI_ADJ", "SAMPLING_M", "MLP"],
      ["ATTN", "MLP"],
    ],
    conv_dim: 16,
    num_latent_tokens: 4,
    num_sampling_points: 4,
    proj_dim: 5,
    replicates: 2,
  }),
  card,
);

/** Frames that differ, wide, so that crops differ too. */
function frames(count: number, seed = 1): RawImage[] {
  return Array.from({ length: count }, (_, frame) => ({
    width: 60,
    height: 32,
    data: Uint8Array.from(
      { length: 3 * 60 * 32 },
      (_, i) => 128 + 127 * Math.sin(seed + frame * 0.7 + (i % 180) * 0.05),
    ),
  }));
}

let ofPictures: VideoClassifier;
let ofClips: VideoClassifier;
beforeAll(async () => {
  [ofPictures, ofClips] = await Promise.all([
    loadVideoClassifier(nodeHostWithVideo, pictures, LOAD),
    loadVideoClassifier(nodeHostWithVideo, clips, LOAD),
  ]);
}, 60_000);
afterAll(() => Promise.all([ofPictures.dispose(), ofClips.dispose()]));

const nodeHostWithVideo = {
  ...nodeHost,
  openVideo: async () => {
    throw new VideoError("nothing is opened here");
  },
  openLive: async () => {
    throw new VideoError("nothing is opened here");
  },
};

const scoresOf = (predictions: readonly { readonly index: number; readonly score: number }[]) =>
  [...predictions].sort((a, b) => a.index - b.index).map(({ score }) => score);
const close = (values: Iterable<number>, digits = 5) => [...values].map((value) => expect.closeTo(value, digits));
const mean = (rows: readonly (readonly number[])[]) =>
  rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length);

describe("a model of pictures", () => {
  test("answers with the mean of its probabilities for frames from all over the video", async () => {
    const video = new MemoryVideo(frames(40));
    const { predictions, views, start, end } = await ofPictures.classify(video, { frames: 4, topK: 5 });
    await using classifier = await loadClassifier(nodeHost, pictures, LOAD);
    const alone = await classifier.classify(
      [5, 15, 25, 35].map((i) => frames(40)[i]!),
      { topK: 5 },
    );
    expect(scoresOf(predictions)).toEqual(close(mean(alone.map((one) => scoresOf(one.predictions)))));
    expect(video.decoded).toEqual([5, 15, 25, 35]);
    expect(views).toMatchObject({ kind: "frames", clips: 1, frames: 4, crops: 1 });
    expect(views.cost).toMatch(/^0\.0\d+ GFLOPs x \(4 frames x 1 crop\)$/);
    expect([start, end]).toEqual([0, 1.6]);
    expect(video.isOpen).toBe(true); // it is the caller's
  });

  test("three crops see the ends of wide frames", async () => {
    const video = () => new MemoryVideo(frames(8));
    const one = await ofPictures.classify(video(), { topK: 5 });
    const three = await ofPictures.classify(video(), { crops: 3, topK: 5 });
    expect(one.seen).toBeCloseTo(32 / 60, 2);
    expect(three.seen).toBeCloseTo(1, 2);
    expect(scoresOf(three.predictions)).not.toEqual(close(scoresOf(one.predictions)));
    expect(three.views.cost).toContain("8 frames x 3 crops");
  });

  test("of one frame is that frame's answer, and each frame is looked at once", async () => {
    const video = new MemoryVideo(frames(1));
    const { predictions } = await ofPictures.classify(video, { topK: 5 });
    await using classifier = await loadClassifier(nodeHost, pictures, LOAD);
    expect(scoresOf(predictions)).toEqual(
      close(scoresOf((await classifier.classify(frames(1)[0]!, { topK: 5 })).predictions)),
    );
    expect(video.decoded).toEqual([0]);
  });
});

describe("a model of clips", () => {
  const picked = [1, 3, 5, 7, 9, 11, 13, 15];

  /** What the model says of a clip by hand: (1, 3, frames, height, width). */
  async function byHand(model: NativeModel, images: readonly RawImage[]) {
    const plane = 32 * 32;
    const values = new Float32Array(3 * images.length * plane);
    images.forEach((image, frame) => {
      const { data } = applyTransform(image, parseTransform(TRANSFORM));
      for (let c = 0; c < 3; c++)
        values.set(data.subarray(c * plane, (c + 1) * plane), (c * images.length + frame) * plane);
    });
    const image = tensor("float32", [1, 3, images.length, 32, 32], values);
    return (await runTensors(nodeHost, model, new Map([["image", image]]), LOAD)).outputs;
  }

  test("sees its frames together, in the model's own transform, and says where it looked", async () => {
    const result = await ofClips.classify(new MemoryVideo(frames(16)), { topK: 5, explain: true });
    const outputs = await byHand(
      clips,
      picked.map((i) => frames(16)[i]!),
    );
    expect(scoresOf(result.predictions)).toEqual(close(softmax(toFloat32(outputs.logits!))));
    expect(result.views).toMatchObject({ kind: "clips", clips: 1, frames: 8, crops: 1 });
    expect(result.views.cost).toMatch(/GFLOPs x \(1 clip x 1 crop\)$/);
    const [gaze] = result.gaze!;
    expect(gaze!.frames.map(({ index }) => index)).toEqual(picked);
    expect(gaze!.stages[0]).toMatchObject({ tokens: 8, pointsPerToken: 4 });
    expect([...gaze!.stages[0]!.regions]).toEqual(close(toFloat32(outputs["gaze.0.regions"]!)));
    expect([...gaze!.stages[0]!.points]).toEqual(close(toFloat32(outputs["gaze.0.points"]!)));
    expect(gaze!.viewToPicture).toMatchObject({ scaleY: 1, offsetY: 0 });
    expect(gaze!.viewToPicture.scaleX).toBeCloseTo(32 / 60, 2);
  });

  test("several clips and crops are averaged, and the cost says so", async () => {
    const options = { clips: 2, frames: 4, secondsBetweenFrames: 0.08, crops: 3, topK: 5 };
    const { predictions, views } = await ofClips.classify(new MemoryVideo(frames(60)), options);
    expect(predictions.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5);
    expect(views.cost).toMatch(/GFLOPs x \(2 clips x 3 crops\)$/);
  });

  test("an exported file answers the same", async () => {
    await using exported = await loadVideoClassifier(nodeHostWithVideo, onnxModel(exportOnnx(clips), "toy.onnx"), LOAD);
    const video = new MemoryVideo(frames(16));
    const [a, b] = [await exported.classify(video, { topK: 5 }), await ofClips.classify(video, { topK: 5 })];
    expect(scoresOf(a.predictions)).toEqual(close(scoresOf(b.predictions)));
    expect(exported.labels).toEqual(LABELS);
    expect(a.views.cost).toBe("unknown GFLOPs x (1 clip x 1 crop)");
  });

  test("is refused where pictures are wanted, and says what it takes", async () => {
    await expect(loadClassifier(nodeHost, clips, LOAD)).rejects.toThrow("video model");
  });
});

describe("a timeline", () => {
  test("has a window every so many seconds, each as if it were a video, and segments of one label", async () => {
    const images = [...frames(50, 1), ...frames(50, 4)];
    const result = await ofPictures.classify(new MemoryVideo(images), { every: 0.5, frames: 2, topK: 5 });
    expect(result.windows!.map(({ start, end }) => [start, end])).toEqual(
      Array.from({ length: 8 }, (_, i) => [expect.closeTo(i / 2), expect.closeTo((i + 1) / 2)]),
    );
    const [, second] = result.windows!;
    const alone = await ofPictures.classify(
      [images[15]!, images[21]!].map((image) => new MemoryVideo([image])),
      { topK: 5 },
    );
    expect(scoresOf(second!.predictions)).toEqual(close(mean(alone.map((one) => scoresOf(one.predictions)))));
    expect(scoresOf(result.predictions)).toEqual(
      close(mean(result.windows!.map((window) => scoresOf(window.predictions)))),
    );
    expect(result.segments!.reduce((sum, { windows }) => sum + windows, 0)).toBe(8);
    expect(result.segments!.at(-1)!.end).toBeCloseTo(4);
    expect(result.views.cost).toContain("8 clips x 2 frames x 1 crop");
  });

  test("is read once and in order, no further ahead than there is room", async () => {
    const video = new MemoryVideo(frames(400));
    const progress: number[] = [];
    await ofPictures.classify(video, { every: 0.4, frames: 2, onProgress: ({ done }) => progress.push(done) });
    expect(progress).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(new Set(video.decoded).size).toBe(video.decoded.length);
  });

  test("answers for what came before a video is cut off, and says why there is no more", async () => {
    const video = new MemoryVideo(frames(100), { name: "cut.mp4", cutOffAt: 60 });
    const { windows, cutOff } = await ofPictures.classify(video, { every: 1, frames: 2 });
    expect(windows).toHaveLength(2);
    expect(cutOff).toMatchObject({ code: "video_cut_off" });
  });

  test("says so too where all that it wants came before the cut", async () => {
    const video = new MemoryVideo(frames(60));
    const short = Object.assign(video, {
      cutOff: async () => new VideoError("it is cut off after 60 frames", { code: "video_cut_off" }),
    });
    for (const options of [{ frames: 2 }, { frames: 2, every: 1 }]) {
      const { predictions, cutOff } = await ofPictures.classify(short, options);
      expect(predictions.length).toBeGreaterThan(0);
      expect(cutOff).toMatchObject({ code: "video_cut_off" });
    }
  });
});

describe("many videos", () => {
  const videos = () => [1, 2, 3, 4, 5, 6].map((seed) => new MemoryVideo(frames(10, seed), { name: `${seed}` }));

  test("come out in their order, whole and along timelines, with the answers that each has alone", async () => {
    for (const options of [{}, { every: 0.2 }]) {
      const alone = [];
      for (const video of videos()) alone.push((await ofPictures.classify(video, { ...options, topK: 5 })).predictions);
      const names: string[] = [];
      for await (const { source, answer } of ofPictures.classifyAll(videos(), { ...options, topK: 5 })) {
        expect(scoresOf(answer!.predictions)).toEqual(close(scoresOf(alone[names.length]!)));
        names.push(source.name);
      }
      expect(names).toEqual(["1", "2", "3", "4", "5", "6"]);
    }
  });

  test("an error stops none of the others", async () => {
    for (const options of [{}, { every: 0.2 }]) {
      const sources = [videos()[0]!, new MemoryVideo([]), "nowhere.mp4", videos()[1]!];
      const outcomes: (string | undefined)[] = [];
      for await (const { error } of ofPictures.classifyAll(sources, options)) outcomes.push(error?.code);
      expect(outcomes).toEqual([undefined, "video_empty", "video", undefined]);
    }
  });

  test("end at once when the signal fires", async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const options = { every: 0.1, frames: 1, signal: controller.signal, onProgress };
    await expect(ofPictures.classify(new MemoryVideo(frames(300)), options)).rejects.toThrow(AbortedError);
  });
});

test("how the model wants its clips is its card's to say, and the caller's to change", async () => {
  const said = { ...clips, card: { ...card, clip: { frames: 4, secondsBetweenFrames: 0.08, clips: 2 } } };
  await using classifier = await loadVideoClassifier(nodeHostWithVideo, said, LOAD);
  const video = new MemoryVideo(frames(50));
  expect((await classifier.classify(video)).views).toMatchObject({ clips: 2, frames: 4 });
  expect(video.decoded).toEqual([11, 13, 15, 17, 33, 35, 37, 39]);
  expect((await classifier.classify(video, { frames: 2, clips: 1 })).views).toMatchObject({ clips: 1, frames: 2 });
  expect((await classifier.classify(video, { every: 1 })).views).toMatchObject({ clips: 2, frames: 4 });
});

test("what the card calls unknown is said, of the mean", async () => {
  const unsure = { ...pictures, card: { ...card, unknownBelow: 0.999 } };
  await using classifier = await loadVideoClassifier(nodeHostWithVideo, unsure, LOAD);
  const { unknown, windows, segments } = await classifier.classify(new MemoryVideo(frames(50)), {
    every: 1,
    frames: 2,
  });
  expect(unknown).toBe(true);
  expect(windows!.every((window) => window.unknown)).toBe(true);
  expect(segments).toMatchObject([{ label: "unknown", index: -1, windows: 2 }]);
});

test.each([
  [{ topK: 0 }, "topK"],
  [{ frames: 0 }, "frames is 0"],
  [{ crops: 2.5 }, "crops is 2.5"],
  [{ every: 0 }, "every is 0"],
  [{ every: 0.001 }, "shorter than a frame"],
  [{ every: 1, clips: 3 }, "one clip a window"],
])("%j is refused", async (options, message) => {
  await expect(ofPictures.classify(new MemoryVideo(frames(9)), options)).rejects.toThrow(message);
  await expect(ofPictures.classify(new MemoryVideo(frames(9)), options)).rejects.toThrow(UsageError);
});
