// Label errors that were put in are found, and what is proposed for labelling is unsure and diverse.
import { expect, test } from "vitest";
import { RandomSource } from "../random.ts";
import { probabilities, temperatureOf } from "./calibration.ts";
import { auditLabels } from "./confident.ts";
import { featureMatrix } from "./feature-matrix.ts";
import { validateHead } from "./heads.ts";
import { labelNext, uncertainties } from "./label-next.ts";

test("the confident joint of a small example, by hand", () => {
  const rows = [
    [0.9, 0.1],
    [0.7, 0.3],
    [0.2, 0.8],
    [0.1, 0.9],
    [0.65, 0.35],
    [0.4, 0.6],
  ];
  const targets = Int32Array.of(0, 0, 0, 1, 1, 1);
  const { suspects, joint, thresholds, ranking } = auditLabels(Float64Array.from(rows.flat()), targets, 2);
  // (0.9 + 0.7 + 0.2) / 3 and (0.9 + 0.35 + 0.6) / 3
  expect(thresholds[0]).toBeCloseTo(0.6, 12);
  expect(thresholds[1]).toBeCloseTo(1.85 / 3, 12);
  expect([...joint]).toEqual([2, 1, 1, 1]); // the last row reaches neither threshold
  expect(suspects.map(({ row, suggested }) => [row, suggested])).toEqual([
    [2, 1],
    [4, 0],
  ]);
  expect(suspects[0]!.margin).toBeCloseTo(-0.6, 12);
  expect(ranking.map(({ row }) => row)).toEqual([2, 4, 5, 1, 0, 3]);
});

test("labels that were flipped are found", async () => {
  const [rows, width, classes] = [240, 12, 4];
  const random = new RandomSource(2, "audit");
  const centres = Array.from({ length: classes * width }, () => 2 * random.normal());
  const truth = Int32Array.from({ length: rows }, (_, i) => i % classes);
  const data = Float64Array.from(
    { length: rows * width },
    (_, at) => centres[truth[Math.floor(at / width)]! * width + (at % width)]! + random.normal(),
  );
  const targets = truth.slice();
  const flipped = random.shuffle([...truth.keys()]).slice(0, 12);
  for (const row of flipped) targets[row] = (truth[row]! + 1 + random.integer(classes - 1)) % classes;
  const { validation } = await validateHead("logistic", featureMatrix(rows, width, data), targets, classes, {
    seed: 1,
  });
  const { scale } = temperatureOf(validation.scores, targets, classes);
  const { ranking } = auditLabels(probabilities(validation.scores, classes, scale), targets, classes);
  const found = ranking.slice(0, 24).filter(({ row, suggested }) => flipped.includes(row) && suggested === truth[row]);
  expect(found.length).toBeGreaterThanOrEqual(10);
});

test("probabilities that do not fit are refused", () => {
  expect(() => auditLabels(new Float64Array(3), new Int32Array(2), 2)).toThrow(
    "2 labels of 2 classes have 3 probabilities",
  );
  expect(() => auditLabels(Float64Array.of(Number.NaN, 1), new Int32Array(1), 2)).toThrow("not a number");
});

test("uncertainties", () => {
  const rows = Float64Array.of(1, 0, 0.5, 0.5, 0.75, 0.25);
  expect([...uncertainties(rows, 2, "margin")]).toEqual([0, 1, 0.5]);
  const entropies = uncertainties(rows, 2, "entropy");
  expect(entropies[0]).toBe(0);
  expect(entropies[1]).toBeCloseTo(1, 12);
  expect(entropies[2]).toBeCloseTo(0.8112781, 6);
});

test("what to label next is unsure, unlike what is labelled, and unlike each other", () => {
  const angles = [0, 1, 2, 90, 91, 180];
  const features = featureMatrix(
    6,
    2,
    Float64Array.from(angles.flatMap((a) => [Math.cos((a * Math.PI) / 180), Math.sin((a * Math.PI) / 180)])),
  );
  const doubt = Float64Array.of(0.9, 0.8, 0.7, 0.95, 0.6, 0.5);
  expect([...labelNext(features, doubt, 3)]).toEqual([3, 0, 5]);
  expect([...labelNext(features, doubt, 2, { pool: 1 })]).toEqual([3, 0]);
  const labelled = featureMatrix(1, 2, Float64Array.of(0, 1));
  expect([...labelNext(features, doubt, 1, { labelled })]).toEqual([0]);
  expect(labelNext(features, doubt, 10)).toHaveLength(6);
  expect(() => labelNext(features, doubt.subarray(1), 1)).toThrow("6 rows of features have 5");
});
