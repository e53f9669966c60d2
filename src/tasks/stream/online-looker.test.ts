// A model that goes frame by frame, against the same model on the whole clip.
import { expect, test } from "vitest";
import { interpret } from "../../graph/interpreter/interpret.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { applyTransform, parseTransform } from "../../image/transform.ts";
import { nativeModel } from "../../model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../../models/graph.ts";
import { defineModel } from "../../models/registry.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { tensor, toFloat32 } from "../../tensor.ts";
import { softmax } from "../classify/class-scores.ts";
import { loadStream } from "./stream-classifier.ts";

const [SIDE, FRAMES, CLASSES] = [32, 4, 3] as const;
const TRANSFORM = `resize_small(${SIDE})|central_crop(${SIDE})|normalize(imagenet)`;
const definition = defineModel("tsm", {
  base_model: "resnet18",
  backbone: { block: "BasicBlock", layers: [1, 1], channels: [8, 8], stem_channels: 8, zero_init_last: false },
  online: true,
  num_class: CLASSES,
});
const weights = initialWeights(inferenceGraph(definition), 2).set(
  "new_fc.weight",
  tensor(
    "float32",
    [CLASSES, 8],
    Float32Array.from({ length: 8 * CLASSES }, (_, i) => Math.sin(i)),
  ),
);
const model = nativeModel(definition, weights, { name: "online", transform: TRANSFORM, labels: ["a", "b", "c"] });
const images: RawImage[] = Array.from({ length: FRAMES }, (_, frame) => ({
  width: 40,
  height: SIDE,
  data: Uint8Array.from({ length: 3 * 40 * SIDE }, (_, i) => 128 + 120 * Math.sin(i / 9 + 2 * frame)),
}));

/** Each frame's probabilities, of the clip as a whole. */
function ofClip(): number[][] {
  const plane = SIDE * SIDE;
  const values = new Float32Array(3 * FRAMES * plane);
  images.forEach((image, frame) => {
    const { data } = applyTransform(image, parseTransform(TRANSFORM));
    for (let c = 0; c < 3; c++) values.set(data.subarray(c * plane, (c + 1) * plane), (c * FRAMES + frame) * plane);
  });
  const inputs = { image: tensor("float32", [1, 3, FRAMES, SIDE, SIDE], values) };
  const logits = toFloat32(interpret(inferenceGraph(definition), { inputs, parameters: weights }).get("frame_logits")!);
  return images.map((_, frame) => [...softmax(logits.slice(frame * CLASSES, (frame + 1) * CLASSES))]);
}

test("frames as they come are answered as in a clip, every one in full; what is forgotten begins anew", async () => {
  await using stream = await loadStream(nodeHost, model, { device: "cpu", memory: 0 });
  const follow = async () => {
    const answers: number[][] = [];
    for (const [index, image] of images.entries()) {
      const answer = await stream.push({ image, index, seconds: index / 25 });
      expect(answer!.look).toBe("full");
      const scoreOf = (label: string) => answer!.predictions.find((one) => one.label === label)!.score;
      answers.push(["a", "b", "c"].map(scoreOf));
    }
    return answers;
  };
  const expected = ofClip().map((row) => row.map((score) => expect.closeTo(score, 4)));
  const first = await follow();
  expect(first).toEqual(expected);
  const remembering = await follow();
  expect(remembering[0]).not.toEqual(first[0]); // the last frame is remembered
  stream.forget();
  expect(await follow()).toEqual(expected);
});

test("what it does not know is refused", async () => {
  const load = (options: object) => loadStream(nodeHost, model, { device: "cpu", ...options });
  await expect(load({ steps: true })).rejects.toThrow(/cannot start from what it found/);
  await expect(load({ views: "flip" })).rejects.toThrow(/for one view/);
  await expect(load({ threshold: 0.9 })).rejects.toThrow(/nothing stops these early/);
  await expect(load({ transform: "resize_small(32)|normalize(imagenet)" })).rejects.toThrow(/of one size/);
});
