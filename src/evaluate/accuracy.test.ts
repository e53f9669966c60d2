import { expect, test } from "vitest";
import { SessionError } from "../errors.ts";
import { RandomSource } from "../random.ts";
import { bootstrapMeans, shareInterval } from "../statistics.ts";
import { AccuracyMeter, confusedPairs } from "./accuracy.ts";
import { CalibrationMeter } from "./calibration.ts";
import { matchLabels } from "./label-match.ts";

/** Scores whose softmax gives these probabilities. */
const scoresOf = (...probabilities: number[]) => Float32Array.from(probabilities, Math.log);

const MODEL = ["cat", "guinea pig", "dog", "emu"];

function measure(labels: string[], pictures: readonly (readonly [label: number, logits: Float32Array])[]) {
  const targets = Int32Array.from(pictures, ([label]) => label);
  const meter = new AccuracyMeter(matchLabels({ labels, targets }, MODEL), MODEL);
  for (const [index, [label, logits]] of pictures.entries())
    meter.add({ index, name: `${index}.jpg`, label, scores: logits, kind: "logits" });
  return meter.result();
}

test("accuracy, loss, per-class numbers and confusion are those of a calculation by hand", () => {
  // The data numbers its labels otherwise than the model, and spells one otherwise.
  const result = measure(
    ["dog", "Guinea_Pig", "cat"],
    [
      [2, scoresOf(0.7, 0.1, 0.1, 0.1)], // cat, right
      [2, scoresOf(0.2, 0.6, 0.1, 0.1)], // cat, taken for guinea pig
      [1, scoresOf(0.1, 0.8, 0.05, 0.05)], // guinea pig, right
      [0, scoresOf(0.05, 0.05, 0.4, 0.5)], // dog, taken for emu, which no picture is
    ],
  );
  expect(result.count).toBe(4);
  expect(result.top1).toBe(0.5);
  expect(result.top5).toBe(1);
  expect(result.known).toBeUndefined();
  const loss = -(Math.log(0.7) + Math.log(0.2) + Math.log(0.8) + Math.log(0.4)) / 4;
  expect(result.loss).toBeCloseTo(loss, 6);
  expect(result.confusion.labels).toEqual(["cat", "guinea pig", "dog"]);
  expect(result.confusion.counts.map((row) => Object.fromEntries(row))).toEqual([{ 0: 1, 1: 1 }, { 1: 1 }, {}]);
  expect([...result.confusion.other]).toEqual([0, 0, 1]);
  expect(result.perClass.map(({ label, count, correct, predicted }) => [label, count, correct, predicted])).toEqual([
    ["cat", 2, 1, 1],
    ["guinea pig", 1, 1, 2],
    ["dog", 1, 0, 0],
  ]);
  expect(result.perClass.map(({ precision }) => precision)).toEqual([1, 0.5, undefined]);
  expect(result.perClass.map(({ recall }) => recall)).toEqual([0.5, 1, 0]);
  expect(result.perClass.map(({ f1 }) => f1)).toEqual([2 / 3, 2 / 3, 0]);
  expect(result.mistakes.map(({ index, label, predicted }) => [index, label, predicted])).toEqual([
    [1, "cat", "guinea pig"],
    [3, "dog", "emu"],
  ]);
  expect(result.mistakes[0]!.score).toBeCloseTo(0.6, 6);
  expect(result.mistakes[1]!.labelScore).toBeCloseTo(0.4, 6);
  // Distances of the bins that answers fall into: 0.7 and 0.8 right, 0.6 and 0.5 wrong.
  expect(result.calibration.ece).toBeCloseTo((0.3 + 0.2 + 0.6 + 0.5) / 4, 6);
  expect(confusedPairs(result)).toContainEqual({ label: "dog", predicted: "emu", count: 1, of: 1 });
});

test("top-5 counts five, and equal scores keep the order of their indices", () => {
  const labels = Array.from({ length: 7 }, (_, i) => `class ${i}`);
  const targets = Int32Array.of(4, 5, 0);
  const meter = new AccuracyMeter(matchLabels({ labels, targets }, labels), labels);
  const equal = new Float32Array(7);
  for (const [index, label] of targets.entries()) meter.add({ index, name: "x", label, scores: equal, kind: "logits" });
  const { top1, top5, loss } = meter.result();
  expect([top1, top5]).toEqual([1 / 3, 2 / 3]);
  expect(loss).toBeCloseTo(Math.log(7), 12);
});

test("a label that the model does not know counts as wrong, and is told", () => {
  const result = measure(
    ["cat", "yak"],
    [
      [0, scoresOf(0.7, 0.1, 0.1, 0.1)],
      [1, scoresOf(0.1, 0.1, 0.1, 0.7)],
    ],
  );
  expect([result.top1, result.top5]).toEqual([0.5, 0.5]);
  expect(result.known).toEqual({ count: 1, top1: 1, top5: 1 });
  expect(result.loss).toBeCloseTo(-Math.log(0.7), 6);
  expect(result.perClass.at(-1)).toMatchObject({ label: "yak", isKnown: false, count: 1, recall: 0 });
  expect(result.mistakes).toMatchObject([{ label: "yak", predicted: "emu", labelScore: 0 }]);
});

test("scores that are no numbers are an error, not a bad accuracy", () => {
  expect(() => measure(["cat"], [[0, Float32Array.of(Number.NaN, 0, 0, 0)]])).toThrow(SessionError);
});

test("calibration: bins hold their upper edge", () => {
  const meter = new CalibrationMeter(4);
  for (const [confidence, isRight] of [
    [0.25, true],
    [0.26, false],
    [0.5, true],
    [1, true],
    [1, false],
  ] as const)
    meter.add(confidence, isRight);
  const { ece, bins } = meter.result();
  expect(bins.map(({ count }) => count)).toEqual([1, 2, 0, 2]);
  expect(bins[1]!.confidence).toBeCloseTo(0.38, 12);
  expect(bins[2]!.accuracy).toBeUndefined();
  expect(ece).toBeCloseTo((0.75 * 1 + Math.abs(0.38 - 0.5) * 2 + 0.5 * 2) / 5, 12);
});

test("Wilson's interval, against its textbook values", () => {
  const { low, high } = shareInterval(8, 10);
  expect([low, high].map((value) => value.toFixed(4))).toEqual(["0.4902", "0.9433"]);
  expect(shareInterval(0, 10).low).toBe(0);
  expect(shareInterval(10, 10).high).toBe(1);
});

test("the bootstrap repeats from its seed, and gives the normal interval of a mean", () => {
  const random = new RandomSource(1, "values");
  const values = Float64Array.from({ length: 400 }, () => random.normal());
  const once = bootstrapMeans([values], new RandomSource(0, "b"), 2000)[0]!;
  expect(bootstrapMeans([values], new RandomSource(0, "b"), 2000)[0]).toEqual(once);
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - once.mean) ** 2, 0) / values.length);
  expect(once.mean - once.low).toBeCloseTo((1.96 * deviation) / 20, 2);
  expect(once.high - once.mean).toBeCloseTo((1.96 * deviation) / 20, 2);
  const constant = bootstrapMeans([new Float64Array(5).fill(0.25)], new RandomSource(0, "b"), 10)[0]!;
  expect(constant).toEqual({ mean: 0.25, low: 0.25, high: 0.25 });
});
