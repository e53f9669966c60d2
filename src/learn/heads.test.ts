// Heads on small features of every awkward kind. Their values are those of goldens/linear-models (test/linear-models-golden.test.ts).
import { expect, test } from "vitest";
import { RandomSource } from "../random.ts";
import { stratifiedFolds } from "./cross-validation.ts";
import { type FeatureMatrix, featureMatrix, selectRows } from "./feature-matrix.ts";
import { decisions, type FitOptions, fitHead, HEADS, type HeadName, type LinearHead, validateHead } from "./heads.ts";

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

/** What a head answers for rows when it was fitted without them. */
async function refitted(
  name: HeadName,
  features: FeatureMatrix,
  targets: Int32Array,
  left: number[],
  options: FitOptions,
) {
  const kept = [...targets.keys()].filter((row) => !left.includes(row));
  const ofKept = Int32Array.from(kept, (row) => targets[row]!);
  const head = await fitHead(name, selectRows(features, kept), ofKept, Math.max(...targets) + 1, options);
  return decisions(head, selectRows(features, left));
}

const GIVEN: [HeadName, Partial<FitOptions>, "fold" | "row"][] = [
  ["svm", { C: 0.5 }, "fold"],
  ["logistic", { C: 0.5 }, "fold"],
  ["lda", { shrinkage: 0.3 }, "fold"],
  ["lda", { shrinkage: "ledoit-wolf" }, "fold"],
  ["ridge", { alpha: 2 }, "row"],
  ["nearest-mean", {}, "row"],
  ["knn", { k: 3 }, "row"],
  ["knn", { k: 2, metric: "l2" }, "row"],
];

test.each(
  GIVEN.flatMap((given) => [2, 3].flatMap((classes) => [4, 60].map((width) => [...given, classes, width] as const))),
)("%s %o answers for rows as if fitted without their %s: %i classes, %i features", async (...row) => {
  const [name, given, unit, classes, width] = row;
  const features = noise(31, width);
  const targets = cyclic(31, classes);
  for (let i = 0; i < 31; i++) features.data[i * width]! += 2 * targets[i]!;
  const options = { seed: 3, folds: 4, ...given };
  const { validation, folds } = await validateHead(name, features, targets, classes, options);
  const groups =
    unit === "row" ? [[0], [17]] : [1, 3].map((fold) => [...folds.keys()].filter((i) => folds[i] === fold));
  for (const left of groups) {
    const expected = await refitted(name, features, targets, left, options);
    const actual = left.flatMap((i) => [...validation.scores.subarray(i * classes, (i + 1) * classes)]);
    for (const [i, value] of expected.entries())
      expect(Math.abs(actual[i]! - value)).toBeLessThan(2e-3 * (1 + Math.abs(value)));
  }
});

test.each(HEADS)("%s is chosen by how well it answers unseen, and the same seed chooses the same", async (name) => {
  const features = noise(60, 8);
  const targets = cyclic(60, 3);
  for (let row = 0; row < 60; row++) features.data[row * 8 + targets[row]!]! += 4;
  const first = await validateHead(name, features, targets, 3, { seed: 5 });
  const { trials, best } = first.validation;
  const chosen = trials.find(({ value }) => value === best)!;
  expect(chosen.loss).toBe(Math.min(...trials.map((trial) => trial.loss)));
  expect(chosen.accuracy).toBeGreaterThan(0.8);
  const again = await validateHead(name, features, targets, 3, { seed: 5 });
  expect(again.validation.scores).toEqual(first.validation.scores);
  const other = await validateHead(name, features, targets, 3, { seed: 6 });
  expect([...other.folds]).not.toEqual([...first.folds]);
});

test("folds have their share of every class", () => {
  const targets = Int32Array.from({ length: 57 }, (_, i) => Math.min(i >> 4, 2));
  const folds = stratifiedFolds(targets, 3, 5, 1);
  const sizes = [0, 1, 2].map((c) =>
    [0, 1, 2, 3, 4].map((fold) => [...folds].filter((f, i) => f === fold && targets[i] === c).length),
  );
  for (const ofClass of sizes) expect(Math.max(...ofClass) - Math.min(...ofClass)).toBeLessThanOrEqual(1);
});

test("too few rows to cross-validate, and strengths that are none", async () => {
  const targets = Int32Array.of(0, 0, 0, 0, 0, 1);
  await expect(fitHead("svm", noise(6, 4), targets, 2, { seed: 0 })).rejects.toThrow(
    "class 1 has one row, and cross-validation needs two",
  );
  const alone = await fitHead("svm", noise(6, 4), targets, 2, { seed: 0, C: 1 });
  expect(decisions(alone, noise(6, 4)).every(Number.isFinite)).toBe(true);
  const attempt = (options: Partial<FitOptions>, name: HeadName) =>
    fitHead(name, noise(6, 4), cyclic(6, 2), 2, { seed: 0, ...options });
  await expect(attempt({ C: 0 }, "svm")).rejects.toThrow("C is 0");
  await expect(attempt({ C: Number.NaN }, "logistic")).rejects.toThrow("C is NaN");
  await expect(attempt({ shrinkage: 2 }, "lda")).rejects.toThrow("shrinkage is 2");
  await expect(attempt({ shrinkage: 0 }, "lda")).resolves.toBeDefined();
  await expect(fitHead("lda", noise(6, 30), cyclic(6, 2), 2, { seed: 0, shrinkage: 0 })).rejects.toThrow(
    "cannot be inverted",
  );
  await expect(attempt({ k: 7 }, "knn")).rejects.toThrow("7 neighbours of 6 examples");
});
