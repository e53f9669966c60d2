// Heads equal to the optima of goldens/linear-models: objectives to 1e-6, scores to 1e-4, predictions exactly.
import { describe, expect, test } from "vitest";
import { decisions, type FitOptions, fitHead, type HeadName, type LinearHead } from "../src/learn/heads.ts";
import {
  allColumns,
  argmaxRows,
  type LinearCase,
  linearCases,
  objectivesOf,
  subtractRowMeans,
  worstDifference,
} from "./linear-models.ts";

const CASES = linearCases();

async function expectGolden(
  item: LinearCase,
  head: HeadName,
  name: string,
  options: Partial<FitOptions>,
): Promise<void> {
  const { golden, classes, features, targets, test: rows } = item;
  const fitted = (await fitHead(head, features, targets, classes, { seed: 0, ...options })) as LinearHead;
  const scores = decisions(fitted, rows);
  const stored = (output: string) => golden.outputs.get(`${name}.${output}`)!;
  const expectedScores = allColumns(stored("decision"), classes);
  // Discriminants here sum to zero over the classes; as they are: linear-models-rest-golden.test.ts.
  if (head === "lda" && classes > 2) subtractRowMeans(expectedScores, classes);
  expect(worstDifference(scores, expectedScores), "decisions").toBeLessThan(1e-4);
  expect(argmaxRows(scores, classes), "predictions").toEqual([...(stored("predictions").data as Int32Array)]);
  const expected = item.objective[name];
  if (expected === undefined) return;
  const [actual, optimum] = [objectivesOf(head, fitted, item, options), [expected].flat()];
  for (const [i, value] of optimum.entries()) expect(Math.abs(actual[i]! / value - 1), "objective").toBeLessThan(1e-6);
}

describe.each(CASES.map((item) => [item.golden.config.classes, item] as const))("%s classes", (_, item) => {
  const { config } = item.golden;
  test.each(config.svm_C as number[])("svm, C = %s", (C) => expectGolden(item, "svm", `svm_C${C}`, { C }));
  test.each((config.svm_intercept_scaling as number[]).filter((s) => s !== 1))("svm, intercept scaled by %s", (s) =>
    expectGolden(item, "svm", `svm_C1_scaling${s}`, { C: 1, interceptScaling: s }),
  );
  test.each(config.logistic_C as number[])("logistic, C = %s", (C) =>
    expectGolden(item, "logistic", `logistic_C${C}`, { C }),
  );
  test.each(config.lda_shrinkage as (number | "auto" | null)[])("lda, shrinkage %s", (shrinkage) =>
    expectGolden(item, "lda", `lda_${shrinkage ?? "none"}`, {
      shrinkage: shrinkage === "auto" ? "ledoit-wolf" : (shrinkage ?? 0),
    }),
  );
  test("ridge", () => expectGolden(item, "ridge", "ridge", { alpha: config.ridge_alpha as number }));
});
