import { expect, test } from "vitest";
import { RandomSource } from "../random.ts";
import { foldedAccuracy, verification } from "./verification.ts";

/** Pairs of the same are more alike by `apart` deviations. */
function drawn(count: number, apart: number, seed = 1) {
  const random = new RandomSource(seed, "pairs");
  const same = Uint8Array.from({ length: count }, (_, i) => i % 2);
  return { same, scores: Float64Array.from(same, (is) => random.normal() + apart * is) };
}

test("what ranks well is told right, with a threshold that other parts chose", () => {
  const { scores, same } = drawn(4000, 3);
  const found = verification(scores, same, { far: [0.5, 0.01] });
  // Two normal distributions 3 deviations apart: half of that is where they meet.
  expect(found.accuracy.mean).toBeCloseTo(0.9332, 1);
  expect(found.eer).toBeCloseTo(1 - 0.9332, 1);
  expect(found.auc).toBeGreaterThan(0.97);
  expect(found.accuracy.threshold).toBeGreaterThan(1.1);
  expect(found.accuracy.threshold).toBeLessThan(1.9);
  expect(found.accuracy.folds.map(({ pairs }) => pairs)).toEqual(Array.from({ length: 10 }, () => 400));
  expect(found.accuracy.standardError).toBeGreaterThan(0);
  expect(found.tprAtFar.map(({ far }) => far)).toEqual([0.5, 0.01]);
  // What is asked twice is answered once.
  expect(verification(scores, same, { far: [0.5, 0.5] }).tprAtFar).toHaveLength(1);
  expect(found.tprAtFar[0]!.tpr).toBeGreaterThan(found.tprAtFar[1]!.tpr);
  expect([found.pairs, found.same]).toEqual([4000, 2000]);
});

test("each part is measured with the best threshold of the others, by hand", () => {
  const scores = Float64Array.of(0.9, 0.1, 0.6, 0.5);
  const same = Uint8Array.of(1, 0, 1, 0);
  const { folds, mean, standardError, threshold } = foldedAccuracy(scores, same, ["a", "a", "b", "b"]);
  // a with the threshold between 0.6 and 0.5; b with the one between 0.9 and 0.1, where both of b are accepted or both are not.
  expect(folds).toEqual(
    [
      { fold: "a", pairs: 2, accuracy: 1, threshold: 0.55 },
      { fold: "b", pairs: 2, accuracy: 1, threshold: 0.5 },
    ].map((part) => (part.fold === "b" ? { ...part, accuracy: 0.5 } : part)),
  );
  expect(mean).toBe(0.75);
  expect(standardError).toBeCloseTo(0.25, 12);
  expect(threshold).toBeCloseTo(0.55, 12);
});

test("the order of pairs does not matter, nor what their scores are measured in", () => {
  const { scores, same } = drawn(200, 1);
  const folds = Array.from(scores, (_, i) => i % 7);
  const before = foldedAccuracy(scores, same, folds);
  const turned = [...scores.keys()].reverse();
  const after = foldedAccuracy(
    Float64Array.from(turned, (i) => 2 * scores[i]! + 5),
    Uint8Array.from(turned, (i) => same[i]!),
    turned.map((i) => folds[i]!),
  );
  expect(after.mean).toBeCloseTo(before.mean, 12);
  expect(after.threshold).toBeCloseTo(2 * before.threshold + 5, 9);
});

test("equal scores are one step; what cannot be told accepts nothing", () => {
  const ties = foldedAccuracy(Float64Array.of(1, 1, 1), Uint8Array.of(0, 1, 0), [0, 0, 0]);
  expect(ties.threshold).toBe(Number.POSITIVE_INFINITY);
  expect(ties.mean).toBeCloseTo(2 / 3, 12);
  expect(ties.standardError).toBe(0);
});

test("few pairs make fewer parts", () => {
  const { folds } = foldedAccuracy(Float64Array.of(3, 2, 1, 0), Uint8Array.of(1, 1, 0, 0));
  expect(folds.map(({ pairs }) => pairs)).toEqual([2, 2]);
});

test("pairs that cannot be measured are refused", () => {
  const two = Float64Array.of(1, 2);
  expect(() => verification(two, Uint8Array.of(1, 1))).toThrow("positive and negative rows, got 2 and 0");
  expect(() => verification(Float64Array.of(1, Number.NaN), Uint8Array.of(1, 0))).toThrow("the score of pair 1 is NaN");
  expect(() => verification(two, Uint8Array.of(1, 0), { far: [2] })).toThrow("2 is no rate");
  expect(() => foldedAccuracy(two, Uint8Array.of(1, 0), [1])).toThrow("1 parts");
  expect(() => foldedAccuracy(new Float64Array(0), new Uint8Array(0))).toThrow("there are no pairs");
});
