import { describe, expect, test } from "vitest";
import { SessionError } from "../../errors.ts";
import { SCORE_KINDS, type ScoreKind } from "../../onnx/score-kind.ts";
import { tensor } from "../../tensor.ts";
import { classScores, crossEntropy, meanScores, probabilitiesOf, problemOf, topPredictions } from "./class-scores.ts";

const facts = (kind: ScoreKind, scoresSteps = false) => ({
  card: { name: "m" },
  scores: { kind, operator: undefined },
  scoresSteps,
});
const output = (shape: number[], values: number[]) => tensor("float32", shape, Float32Array.from(values));
const rowsOf = (kind: ScoreKind, shape: number[], values: number[], batch: number, labels?: string[]) =>
  classScores(output(shape, values), batch, facts(kind), labels).map((row) =>
    row instanceof SessionError ? row.message : [...row.scores],
  );

/** The same two probabilities, 0.2 and 0.8, in every form. */
const FORMS: Readonly<Record<ScoreKind, number[]>> = {
  logits: [0, Math.log(4)],
  probabilities: [0.2, 0.8],
  "log-probabilities": [Math.log(0.2), Math.log(0.8)],
  "independent-logits": [Math.log(0.25), Math.log(4)],
  "independent-probabilities": [0.2, 0.8],
};

describe.each(SCORE_KINDS)("%s", (kind) => {
  const row = { scores: Float32Array.from(FORMS[kind]), kind };

  test("become the probabilities that they are", () => {
    const [first, second] = probabilitiesOf(row);
    expect(first).toBeCloseTo(0.2, 6);
    expect(second).toBeCloseTo(0.8, 6);
    expect(topPredictions(row, 1, ["no", "yes"])[0]).toMatchObject({ label: "yes", score: expect.closeTo(0.8, 6) });
  });

  test("are averaged as probabilities over views; one view stays as it is", () => {
    expect(meanScores([row])).toBe(row);
    const mean = meanScores([row, row, { ...row, scores: row.scores.toReversed() }]);
    expect(mean.kind).toBe(kind.startsWith("independent") ? "independent-probabilities" : "probabilities");
    expect([...mean.scores]).toEqual([expect.closeTo(0.4, 6), expect.closeTo(0.6, 6)]);
    expect(problemOf(mean, "m")).toBeUndefined();
  });

  test("and their cross-entropy", () => {
    expect(crossEntropy(row, 0)).toBeCloseTo(-Math.log(0.2), 5);
    expect(crossEntropy(row, 1)).toBeCloseTo(-Math.log(0.8), 5);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("%s is no score", (value) => {
    expect(problemOf({ scores: Float32Array.of(value, 0), kind }, "m")?.hint).toContain("inspect MODEL --check");
  });
});

test("probabilities that are none are found out", () => {
  const problem = (kind: ScoreKind, ...scores: number[]) => problemOf({ scores: Float32Array.from(scores), kind }, "m");
  expect(problem("probabilities", 3.2, -1)?.message).toContain("3.20 is none");
  expect(problem("probabilities", 0.7, 0.8)?.message).toContain("add up to 1.50");
  expect(problem("independent-probabilities", 0.7, 0.8)).toBeUndefined();
  expect(problem("probabilities", 1.0000002, 0)).toBeUndefined();
  // float32 has no smaller probability than this one's: the logarithm of zero is no fault.
  expect(problem("log-probabilities", 0, Number.NEGATIVE_INFINITY)).toBeUndefined();
  expect(
    crossEntropy({ scores: Float32Array.of(0, Number.NEGATIVE_INFINITY), kind: "log-probabilities" }, 1),
  ).toBeCloseTo(103.3, 1);
  expect(crossEntropy({ scores: Float32Array.of(1, 0), kind: "probabilities" }, 1)).toBeCloseTo(103.3, 1);
});

test("sizes of 1 around the classes are left out", () => {
  for (const shape of [
    [2, 3],
    [2, 3, 1, 1],
    [2, 1, 1, 3],
    [2, 1, 3],
  ])
    expect(rowsOf("logits", shape, [1, 2, 3, 4, 5, 6], 2)).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  expect(rowsOf("logits", [3], [1, 2, 3], 1)).toEqual([[1, 2, 3]]);
  expect(rowsOf("logits", [3, 1], [1, 2, 3], 1)).toEqual([[1, 2, 3]]);
});

test("other shapes are refused with the shape", () => {
  expect(() => rowsOf("logits", [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8], 2)).toThrow(/\[2, 2, 2\] for 2 pictures/);
  expect(() => rowsOf("logits", [3, 2], [1, 2, 3, 4, 5, 6], 2)).toThrow(/\[3, 2\] for 2 pictures/);
});

test("of a model in steps, the last step's", () => {
  const rows = classScores(output([2, 1, 2], [1, 2, 3, 4]), 1, facts("logits", true));
  expect(rows).toEqual([{ scores: Float32Array.of(3, 4), kind: "logits" }]);
});

describe("one number a picture", () => {
  test("asks which it is, and a softmax of it is nothing", () => {
    expect(() => rowsOf("logits", [2, 1], [1, 2], 2)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("--scores") }),
    );
    expect(() => rowsOf("probabilities", [2, 1], [1, 1], 2)).toThrow(/softmax over one number is always 1/);
  });

  test("is no and yes, or the one label's own", () => {
    const [[no, yes]] = rowsOf("independent-logits", [1, 1], [Math.log(4)], 1) as number[][] as [[number, number]];
    expect([no, yes]).toEqual([expect.closeTo(0.2, 6), expect.closeTo(0.8, 6)]);
    expect(rowsOf("independent-probabilities", [2], [0.25, 0.5], 2, ["cat", "dog"])).toEqual([
      [0.75, 0.25],
      [0.5, 0.5],
    ]);
    expect(rowsOf("independent-probabilities", [2, 1], [0.25, 0.5], 2, ["dog"])).toEqual([[0.25], [0.5]]);
    expect(() => rowsOf("independent-probabilities", [1, 1], [0.5], 1, ["a", "b", "c"])).toThrow(
      /1 classes, but there are 3/,
    );
  });
});

test("a picture with damaged scores does not damage the others", () => {
  const rows = rowsOf("logits", [2, 2], [1, Number.NaN, 3, 4], 2);
  expect(rows).toEqual([expect.stringContaining("not all finite"), [3, 4]]);
});

test("what nothing says is looked at: shares of 1 or 100 are no logits", () => {
  const guessed = (...values: number[]) => {
    const model = { ...facts("logits"), scores: { kind: "logits", operator: undefined, isGuess: true } } as const;
    const [row] = classScores(output([1, values.length], values), 1, model);
    return row instanceof SessionError ? row : undefined;
  };
  expect(guessed(0.5, 0.2, 0.3)?.message).toContain("they add up to 1");
  expect(guessed(0.5, 0.2, 0.3)?.hint).toContain("--scores");
  expect(guessed(99, 1, 0)?.message).toContain("they add up to 100");
  expect(guessed(1.2, -0.2)).toBeUndefined();
  expect(guessed(0.5, 0.499)).toBeUndefined();
  // Who says that they are logits is believed.
  expect(rowsOf("logits", [1, 2], [0.5, 0.5], 1)).toEqual([[0.5, 0.5]]);
});
