// Heads on small features of every awkward kind. Their values are those of goldens/linear-models (test/linear-models-golden.test.ts).
import { expect, test } from "vitest";
import { RandomSource } from "../random.ts";
import { type FeatureMatrix, featureMatrix } from "./feature-matrix.ts";
import { decisions, fitHead, HEADS, type LinearHead } from "./heads.ts";

function noise(rows: number, width: number, seed = 1): FeatureMatrix {
  const random = new RandomSource(seed, "features");
  return featureMatrix(
    rows,
    width,
    Float64Array.from({ length: rows * width }, () => random.normal() + 2),
  );
}
const cyclic = (rows: number, classes: number) => Int32Array.from({ length: rows }, (_, i) => i % classes);

/** The gradient of C Σ max(0, 1 - y f)² + (|w|² + w0²)/2 by weights and w0, in the features as they are. */
function svmGradient({ weight, bias, width }: LinearHead, features: FeatureMatrix, targets: Int32Array, C: number) {
  const gradient = [...weight.subarray(width), bias[1]!];
  for (let row = 0; row < features.rows; row++) {
    const x = [...features.data.subarray(row * width, (row + 1) * width), 1];
    const y = targets[row] === 1 ? 1 : -1;
    const f = x.reduce((sum, value, i) => sum + value * (i < width ? weight[width + i]! : bias[1]!), 0);
    const slope = -2 * C * y * Math.max(0, 1 - y * f);
    for (const [i, value] of x.entries()) gradient[i]! += slope * value;
  }
  return Math.max(...gradient.map(Math.abs));
}

test.each([
  ["more rows than features", 40, 6],
  ["as many", 12, 12],
  ["fewer", 8, 30],
])("the optimum is one in the features as they are: %s", async (_, rows, width) => {
  const features = noise(rows, width);
  const targets = cyclic(rows, 2);
  const head = (await fitHead("svm", features, targets, 2, { C: 3, seed: 0 })) as LinearHead;
  expect(svmGradient(head, features, targets, 3)).toBeLessThan(1e-5);
});

test("rows that repeat, features that never change, and all of them equal", async () => {
  const features = noise(12, 5);
  for (let row = 0; row < 12; row++) features.data[row * 5 + 3] = 7;
  features.data.copyWithin(0, 5, 10);
  for (const name of ["svm", "logistic", "ridge"] as const) {
    const scores = decisions(await fitHead(name, features, cyclic(12, 3), 3, { seed: 0 }), features);
    expect(scores.every(Number.isFinite), name).toBe(true);
    const same = featureMatrix(6, 4, new Float64Array(24).fill(3));
    const flat = decisions(await fitHead(name, same, cyclic(6, 2), 2, { seed: 0 }), same);
    expect(Math.max(...flat.map(Math.abs)), name).toBeLessThan(1e-6);
  }
});

test.each(HEADS)("%s: what is wrong with the features is said", async (name) => {
  const attempt = (features: FeatureMatrix, targets: Int32Array, classes: number) =>
    fitHead(name, features, targets, classes, { seed: 0 });
  const broken = noise(6, 4);
  broken.data[4 * 4 + 2] = Number.NaN;
  await expect(attempt(broken, cyclic(6, 2), 2)).rejects.toThrow("row 4 of the features has NaN at place 2");
  await expect(attempt(noise(6, 4), cyclic(6, 2), 3)).rejects.toThrow("class 2 has no rows");
  await expect(attempt(noise(6, 4), new Int32Array(6), 1)).rejects.toThrow("one class to learn");
  await expect(attempt(noise(6, 4), cyclic(5, 2), 2)).rejects.toThrow("6 rows of features have 5 targets");
  await expect(attempt(noise(6, 4), cyclic(6, 3), 2)).rejects.toThrow("row 2 has target 2");
});

test("features of another width are refused", async () => {
  for (const name of ["ridge", "knn"] as const) {
    const head = await fitHead(name, noise(6, 4), cyclic(6, 2), 2, { seed: 0 });
    expect(() => decisions(head, noise(2, 5))).toThrow(/4 features a picture, and these have 5/);
  }
});

test("a signal stops a fit", async () => {
  const signal = AbortSignal.abort();
  await expect(fitHead("logistic", noise(6, 4), cyclic(6, 2), 2, { seed: 0, signal })).rejects.toThrow("aborted");
});
