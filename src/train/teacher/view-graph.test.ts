import { describe, expect, test } from "vitest";
import { UsageError } from "../../errors.ts";
import { interpret } from "../../graph/interpreter/interpret.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { applyTransform, parseTransform } from "../../image/transform.ts";
import { RandomSource } from "../../random.ts";
import { tensor, toFloat64 } from "../../tensor.ts";
import { afterTeacher, beforeTeacher, planView, TARGETS_INPUT, TAUGHT_OUTPUT, VIEW_INPUT } from "./view-graph.ts";

/** Smooth waves, so that no filter overshoots black or white. */
function waves(width: number, height: number): RawImage {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const [pixel, c] = [Math.floor(i / 3), i % 3];
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    return Math.round(128 + 90 * Math.sin(x / (3 + c)) * Math.cos(y / (4 - c)));
  });
  return { width, height, data };
}

/** Noise of full contrast, where resizing overshoots. */
function noise(width: number, height: number): RawImage {
  const random = new RandomSource(1, "noise");
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => (random.chance(0.5) ? 255 : 0)) };
}

function teacherInput(image: RawImage, student: string, transform: string) {
  const { width, height } = image;
  const plan = planView({ height, width, augmentation: `resize(${width},${height})|${student}`, transform });
  const view = applyTransform(image, parseTransform(student));
  const outputs = interpret(beforeTeacher(plan, 1, "pixels"), {
    inputs: { [VIEW_INPUT]: view },
    parameters: new Map(),
  });
  return { plan, input: outputs.get("pixels")! };
}

describe("a view becomes what the teacher would get from the same pixels, apart from their rounding to 8 bits", () => {
  test.each([
    ["normalize(imagenet)", "resize(37,29,bicubic)|normalize(inception)", waves],
    ["normalize(clip)", "resize(37,29,bilinear)|normalize(imagenet)", waves],
    ["value_range(-1,1)", "resize(9,8,bicubic)|normalize(imagenet)", waves],
    ["normalize(imagenet)", "resize(16,31,lanczos)|value_range(0,255)", noise],
    ["normalize(imagenet)", "resize(37,12,bicubic)|normalize(inception)", noise],
    ["normalize(imagenet)", "resize(37,29,nearest)|value_range(1,-1)", noise],
    ["normalize(imagenet)", "resize_small(30,bicubic)|normalize(none)", waves],
    ["normalize(imagenet)", "normalize(inception)", noise],
    ["value_range(0,1)", "", noise],
  ])("%s, then %s", (student, transform, picture) => {
    const image = picture(16, 12);
    const { plan, input } = teacherInput(image, student, transform);
    const expected = applyTransform(image, parseTransform(transform));
    expect(input.shape).toEqual(expected.shape);
    const plane = plan.teacherHeight * plan.teacherWidth;
    toFloat64(input).forEach((value, i) => {
      const channel = Math.floor(i / plane);
      const byte = (plan.greatest[channel]! - plan.least[channel]!) / 255;
      // Two roundings, the first of which negative lobes make larger.
      expect(Math.abs(value - expected.data[i]!)).toBeLessThan(1.5 * byte);
    });
  });
});

test("values beyond black and white, as erasing with noise leaves them, are black and white", () => {
  const plan = planView({
    height: 2,
    width: 2,
    augmentation: "resize(2,2)|normalize(imagenet)",
    transform: "normalize(inception)",
  });
  const view = tensor(
    "float32",
    [1, 3, 2, 2],
    Float32Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 9 : -9)),
  );
  const input = interpret(beforeTeacher(plan, 1, "x"), { inputs: { [VIEW_INPUT]: view }, parameters: new Map() }).get(
    "x",
  )!;
  expect([...input.data]).toEqual(Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 1 : -1)));
});

test.each([
  ["resize(24,24)|central_crop(16)|normalize(imagenet)", /central_crop/],
  ["resize(24,24)|resize(16,16)|normalize(imagenet)", /once each, and not resize/],
  ["pad_square()|normalize(imagenet)", /pad_square/],
  ["resize(16,16)|value_range(1,1)", /black and white/],
])("%s cannot be done to views", (transform, message) => {
  const plan = () => planView({ height: 8, width: 8, augmentation: "resize(8,8)|normalize(imagenet)", transform });
  expect(plan).toThrow(UsageError);
  expect(plan).toThrow(message);
});

test("targets: the classifier's softened opinion has its weight, the batch's own targets the rest", () => {
  const probe = { weight: Float32Array.of(1, 0, 0, 2, -1, 1), bias: Float32Array.of(0, 0.5, -1) };
  const graph = afterTeacher(probe, 2, { weight: 0.7, temperature: 2 });
  const features = [
    [1, 2],
    [-3, 0.5],
  ] as const;
  const targets = [
    [0.25, 0.75, 0],
    [0, 0, 1],
  ] as const;
  const outputs = interpret(graph, {
    inputs: {
      features: tensor("float32", [2, 2], Float32Array.from(features.flat())),
      [TARGETS_INPUT]: tensor("float32", [2, 3], Float32Array.from(targets.flat())),
    },
    parameters: new Map(),
  });
  const taught = toFloat64(outputs.get(TAUGHT_OUTPUT)!);
  features.forEach(([a, b], row) => {
    const exponentials = [a, 2 * b + 0.5, -a + b - 1].map((logit) => Math.exp(logit / 2));
    const sum = exponentials.reduce((x, y) => x + y);
    exponentials.forEach((value, c) => {
      expect(taught[3 * row + c]).toBeCloseTo((0.7 * value) / sum + 0.3 * targets[row]![c]!, 6);
    });
  });
});
