// Accuracy after each step and the curve of stopping early, on answers whose confidence tells right from wrong.
import { expect, test } from "vitest";
import { StepMeter, thresholdPoints } from "./steps.ts";

/** Two classes; `sure` is the margin of class 0. */
const logits = (sure: number) => Float32Array.of(sure, 0);

test("half of the pictures are easy: stopping those early costs nothing", () => {
  const meter = new StepMeter([10, 30]);
  // Easy ones are right at once and surer than hard ones, which the first step gets wrong and the second right.
  for (let i = 0; i < 40; i++) {
    const easy = i % 4 < 2;
    meter.add([logits(easy ? 4 + i / 100 : -1 - i / 100), logits(5)], 0);
  }
  const { steps, curve } = meter.result();
  expect(steps).toEqual([
    { macs: 10, top1: 0.5 },
    { macs: 40, top1: 1 },
  ]);
  expect(curve).toHaveLength(39);
  for (const { macs, exits, thresholds } of curve) {
    expect(exits.reduce((a, b) => a + b)).toBeCloseTo(1, 10);
    expect(macs).toBeCloseTo(exits[0]! * 10 + exits[1]! * 40, 10);
    expect(thresholds).toHaveLength(2);
  }
  // q = 1: half stop, and they are the easy ones.
  const even = curve.find(({ ratio }) => ratio === 1)!;
  expect(even.exits[0]).toBeCloseTo(0.5, 1);
  expect(even.top1).toBe(1);
  expect(even.macs).toBeLessThan(27);
  // Cheap ends: nearly all stop at once.
  expect(curve[0]!.macs).toBeLessThan(13);
  expect(curve[0]!.top1).toBeLessThan(0.6);
});

test("a class that the model does not know is always answered wrongly", () => {
  const meter = new StepMeter([1, 1]);
  for (let i = 0; i < 4; i++) meter.add([logits(1), logits(2)], -1);
  expect(meter.result().steps.map(({ top1 }) => top1)).toEqual([0, 0]);
});

test("one picture has steps but no curve, none has neither", () => {
  const meter = new StepMeter([1, 2]);
  expect(meter.result()).toEqual({
    steps: [
      { macs: 1, top1: 0 },
      { macs: 3, top1: 0 },
    ],
    curve: [],
  });
  meter.add([logits(1), logits(2)], 0);
  expect(meter.result()).toEqual({
    steps: [
      { macs: 1, top1: 1 },
      { macs: 3, top1: 1 },
    ],
    curve: [],
  });
});

test("a model carries the points of the curve that are worth their cost, as shares of all steps", () => {
  const point = (macs: number, top1: number) => ({
    ratio: 1,
    macs,
    top1,
    exits: [0.5, 0.5],
    thresholds: [macs / 100, -1],
  });
  const steps = [
    { macs: 10, top1: 0.5 },
    { macs: 40, top1: 1 },
  ];
  const curve = [point(30, 0.9), point(20, 0.8), point(25, 0.8), point(36, 0.85), point(30, 0.7)];
  expect(thresholdPoints({ steps, curve })).toEqual([
    { share: 0.5, top1: 0.8, thresholds: [0.2, -1] },
    { share: 0.75, top1: 0.9, thresholds: [0.3, -1] },
  ]);
  expect(thresholdPoints({ steps, curve: [] })).toEqual([]);
});
