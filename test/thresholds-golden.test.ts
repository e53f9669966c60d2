// The official threshold solver and budgeted evaluation (GFNet's inference.py), exactly.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CURVE_RATIOS, evaluateExits, exitCurve, exitShares, solveThresholds } from "../src/evaluate/early-exit.ts";
import { toFloat32 } from "../src/tensor.ts";
import { readSafetensors } from "../src/weights/safetensors.ts";
import { goldenPath } from "./golden-case.ts";

const { flops } = JSON.parse(readFileSync(goldenPath("gfnet/thresholds.json")!, "utf8")) as { flops: number[] };
const { tensors } = readSafetensors(readFileSync(goldenPath("gfnet/thresholds.safetensors")!));
const [steps, pictures, classes] = tensors.get("probabilities")!.shape as [number, number, number];
const probabilities = toFloat32(tensors.get("probabilities")!);
const row = (step: number, picture: number) => {
  const start = (step * pictures + picture) * classes;
  return probabilities.subarray(start, start + classes);
};
const confidences = Array.from({ length: steps }, (_, step) =>
  Float32Array.from({ length: pictures }, (_, picture) => Math.max(...row(step, picture))),
);
const isRight = confidences.map((confidence, step) =>
  Array.from(confidence, (value, picture) => Number(row(step, picture).indexOf(value) === picture % classes)),
);

test("39 rows of thresholds, and the accuracy and cost that follow", () => {
  const expected = toFloat32(tensors.get("thresholds")!);
  const accuracy = toFloat32(tensors.get("accuracy")!);
  const cost = toFloat32(tensors.get("expected_flops")!);
  expect(CURVE_RATIOS).toHaveLength(39);
  CURVE_RATIOS.forEach((ratio, i) => {
    const thresholds = solveThresholds(confidences, exitShares(ratio, steps));
    expect([...thresholds], `ratio ${ratio}`).toEqual([...expected.subarray(i * steps, (i + 1) * steps)]);
    const result = evaluateExits(confidences, isRight, flops, thresholds);
    expect(Math.fround(100 * result.accuracy)).toBe(accuracy[i]);
    expect(result.cost).toBeCloseTo(cost[i]!, 5);
    expect(result.exits.reduce((a, b) => a + b)).toBe(pictures);
  });
  expect(exitCurve(confidences, { confidences, isRight }, flops).map(({ ratio }) => ratio)).toEqual(CURVE_RATIOS);
});
