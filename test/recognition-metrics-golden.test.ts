// Rankings equal to goldens/linear-models/recognition_metrics.
import { expect, test } from "vitest";
import * as ranking from "../src/learn/ranking.ts";
import { unknownThreshold } from "../src/learn/unknown.ts";
import { toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, goldenCases, loadGolden } from "./golden-case.ts";
import { worstDifference } from "./linear-models.ts";

interface Stored {
  labels: number[];
  class_labels: number[];
  binary: Record<
    string,
    {
      average_precision: number;
      roc_auc: number;
      eer: number;
      tpr_at_far: Record<string, number>;
      threshold_at_far: Record<string, number | null>;
    }
  >;
  multiclass: { average_precision: number[]; roc_auc: number[] };
  false_alarm_threshold: { rate: number; threshold: number; rejected_unknown: number };
}

const cases = goldenCases("linear-models")
  .map((name) => loadGolden(name)!)
  .filter(({ json }) => json.binary !== undefined)
  .map((golden) => [golden, golden.json as unknown as Stored] as const);

function scoresOf({ weights }: GoldenCase, name: string, positive: Uint8Array): Float64Array {
  const hashed = toFloat64(weights.get("scores")!);
  const plain = hashed.map((value, i) => value + 0.5 * positive[i]!);
  const made: Record<string, () => Float64Array> = {
    plain: () => plain,
    ties: () => plain.map((value) => Math.floor(6 * value) / 6),
    few_levels: () => plain.map((value) => Math.floor(1.5 * value)),
    constant: () => plain.map(() => 0),
    perfect: () => hashed.map((value, i) => 0.2 * value + positive[i]!),
    inverted: () => hashed.map((value, i) => 0.2 * value - positive[i]!),
  };
  return made[name]!();
}

test.each(cases)("average precision, ROC, equal error rate, TPR at FAR", (golden, json) => {
  const positive = Uint8Array.from(json.labels);
  const stored = (name: string) => golden.outputs.get(name);
  for (const [name, expected] of Object.entries(json.binary)) {
    const scores = scoresOf(golden, name, positive);
    expect(worstDifference(scores, toFloat64(stored(`${name}.scores`)!)), name).toBeLessThan(1e-6);
    expect(ranking.averagePrecision(scores, positive), name).toBeCloseTo(expected.average_precision, 12);
    expect(ranking.rocAuc(scores, positive), name).toBeCloseTo(expected.roc_auc, 12);
    expect(ranking.equalErrorRate(scores, positive), name).toBeCloseTo(expected.eer, 12);
    for (const [far, tpr] of Object.entries(expected.tpr_at_far)) {
      const found = ranking.tprAtFar(scores, positive, Number(far));
      expect(found.tpr, `${name} ${far}`).toBeCloseTo(tpr, 12);
      expect(found.threshold ?? null, `${name} ${far}`).toEqual(expected.threshold_at_far[far]);
    }
    if (stored(`${name}.roc_fpr`) === undefined) continue;
    const roc = ranking.rocCurve(scores, positive);
    expect(worstDifference(roc.fpr, toFloat64(stored(`${name}.roc_fpr`)!))).toBeLessThan(1e-6);
    expect(worstDifference(roc.tpr, toFloat64(stored(`${name}.roc_tpr`)!))).toBeLessThan(1e-6);
    const { precision, recall, thresholds } = ranking.precisionRecall(scores, positive);
    // Stored from the lowest score up, with a last point at recall 0.
    const upwards = (values: Float64Array, last: readonly number[]) =>
      Float64Array.from([...[...values].reverse(), ...last]);
    expect(worstDifference(upwards(precision, [1]), toFloat64(stored(`${name}.precision`)!))).toBeLessThan(1e-6);
    expect(worstDifference(upwards(recall, [0]), toFloat64(stored(`${name}.recall`)!))).toBeLessThan(1e-6);
    expect(worstDifference(upwards(thresholds, []), toFloat64(stored(`${name}.pr_thresholds`)!))).toBeLessThan(1e-6);
  }
});

test.each(cases)("one class against the rest", (golden, json) => {
  const targets = Int32Array.from(json.class_labels);
  const classes = golden.config.classes as number;
  const hashed = toFloat64(golden.weights.get("class_scores")!);
  const scores = hashed.map((value, i) => value + (targets[Math.floor(i / classes)] === i % classes ? 0.6 : 0));
  json.multiclass.average_precision.forEach((expected, c) => {
    const of = ranking.oneAgainstRest(scores, targets, classes, c);
    expect(ranking.averagePrecision(of.scores, of.positive)).toBeCloseTo(expected, 12);
    expect(ranking.rocAuc(of.scores, of.positive)).toBeCloseTo(json.multiclass.roc_auc[c]!, 12);
  });
});

test.each(cases)("a threshold for a rate of false alarms", (golden, json) => {
  const positive = Uint8Array.from(json.labels);
  const { rate, threshold, rejected_unknown } = json.false_alarm_threshold;
  // Strangeness is the score turned round.
  const strange = scoresOf(golden, "plain", positive).map((score) => -score);
  const known = strange.filter((_, i) => positive[i] === 1);
  const found = unknownThreshold(known, rate);
  expect(-found).toBeCloseTo(threshold, 12);
  expect(strange.filter((value, i) => positive[i] === 0 && value > found)).toHaveLength(rejected_unknown);
  expect(known.filter((value) => value > found).length).toBeLessThanOrEqual(rate * known.length);
});

test("rankings of one kind alone are refused", () => {
  const one = Uint8Array.of(1, 1);
  expect(() => ranking.rocAuc(Float64Array.of(1, 2), one)).toThrow("positive and negative rows, got 2 and 0");
  expect(() => ranking.averagePrecision(Float64Array.of(1, 2), new Uint8Array(2))).toThrow("positive rows");
  expect(() => unknownThreshold(new Float64Array(0), 0.1)).toThrow("no scores of known pictures");
  expect(() => unknownThreshold(Float64Array.of(1), 1.5)).toThrow("1.5 is no rate");
});
