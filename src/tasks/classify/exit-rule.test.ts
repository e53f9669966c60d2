// When pictures stop: by confidence, by multiply-accumulates, by time, by what is stored; and what makes no sense.
import { describe, expect, test } from "vitest";
import { UsageError } from "../../errors.ts";
import { type ExitOptions, exitRule, type StepCosts } from "./exit-rule.ts";
import { StepTimes } from "./step-times.ts";

const costs = (changes: Partial<StepCosts> = {}): StepCosts => ({
  macs: [10, 20, 20],
  times: new StepTimes(3),
  solved: [],
  valuesSteps: false,
  ...changes,
});

/** Times that every step takes, by step, whatever the batch. */
function measured(...milliseconds: number[]): StepTimes {
  const times = new StepTimes(milliseconds.length);
  milliseconds.forEach((value, step) => {
    times.add(step, 1, value);
  });
  return times;
}

const stops = (options: ExitOptions, step: number, confidences: number[], changes: Partial<StepCosts> = {}) =>
  exitRule(options, costs(changes))({ step, confidences, batch: confidences.length, elapsedMs: 0 });

test("without a rule, all steps are taken", () => {
  expect(stops({}, 0, [1, 0])).toEqual([undefined, undefined]);
  expect(stops({}, 2, [1, 0])).toEqual(["complete", "complete"]);
});

test("a confidence that reaches its threshold stops", () => {
  expect(stops({ threshold: 0.5 }, 0, [0.5, 0.49])).toEqual(["confident", undefined]);
  expect(stops({ thresholds: [0.9, 0.1] }, 0, [0.5])).toEqual([undefined]);
  expect(stops({ thresholds: [0.9, 0.1, -1e8] }, 1, [0.5, 0.05])).toEqual(["confident", undefined]);
  expect(stops({ threshold: 0.5 }, 2, [0.9, 0.1])).toEqual(["complete", "complete"]);
});

test("a value net that expects no more of going on than is asked for stops, after confidence and before budgets", () => {
  const asked = (options: ExitOptions, step: number, values: number[], confidences = values.map(() => 0.5)) =>
    exitRule(options, costs({ valuesSteps: true }))({ step, confidences, values, batch: values.length, elapsedMs: 0 });
  expect(asked({ minimumValue: 0.1 }, 0, [0.3, 0.1, -0.2])).toEqual([undefined, "value", "value"]);
  expect(asked({ minimumValue: 0.1, threshold: 0.9 }, 0, [0.05, 0.05], [0.95, 0.1])).toEqual(["confident", "value"]);
  expect(asked({ minimumValue: 0.1, budgetMacs: 1 }, 0, [0.3, 0.05])).toEqual(["budget", "value"]);
  expect(exitRule({ minimumValue: 0.1 }, costs({ valuesSteps: true }))).toBeTypeOf("function");
  expect(asked({ minimumValue: 9 }, 2, [], [0.5])).toEqual(["complete"]);
});

test("a model without a value net is not stopped by one", () => {
  expect(() => exitRule({ minimumValue: 0.1 }, costs())).toThrow(UsageError);
  expect(() => exitRule({ minimumValue: 0.1 }, costs())).toThrow(/does not say what further steps are worth/);
  expect(() => exitRule({ minimumValue: Number.NaN }, costs({ valuesSteps: true }))).toThrow(/must be a number/);
});

test("multiply-accumulates: no step that would exceed them, but always the first", () => {
  expect(stops({ budgetMacs: 29 }, 0, [0])).toEqual(["budget"]);
  expect(stops({ budgetMacs: 30 }, 0, [0])).toEqual([undefined]);
  expect(stops({ budgetMacs: 30 }, 1, [0])).toEqual(["budget"]);
  expect(stops({ budgetMacs: 50 }, 1, [0])).toEqual([undefined]);
  expect(stops({ budgetMacs: 1 }, 0, [0])).toEqual(["budget"]);
  expect(stops({ budgetMacs: 1, threshold: 0.5 }, 0, [0.7, 0.1])).toEqual(["confident", "budget"]);
});

describe("milliseconds", () => {
  const times = measured(4, 5, 5);
  const left = (budgetMs: number, elapsedMs: number, confidences: number[], threshold?: number) =>
    exitRule(
      { budgetMs, ...(threshold === undefined ? {} : { threshold }) },
      costs({ times }),
    )({
      step: 0,
      confidences,
      batch: confidences.length,
      elapsedMs,
    });

  test("one picture goes on when the next step is expected to end in time", () => {
    expect(left(9, 4, [0])).toEqual([undefined]);
    expect(left(9, 4.1, [0])).toEqual(["budget"]);
    expect(left(9, 400, [0])).toEqual(["budget"]);
  });

  test("of several, the least sure go on", () => {
    // 4 pictures have 36 ms; 16 are gone, the rest lasts for four, three, one and no further steps.
    expect(left(9, 16, [0.3, 0.1, 0.4, 0.2])).toEqual([undefined, undefined, undefined, undefined]);
    expect(left(9, 20, [0.3, 0.1, 0.4, 0.2])).toEqual([undefined, undefined, "budget", undefined]);
    expect(left(9, 30, [0.3, 0.1, 0.4, 0.2])).toEqual(["budget", undefined, "budget", "budget"]);
    expect(left(9, 33, [0.3, 0.1, 0.4, 0.2])).toEqual(["budget", "budget", "budget", "budget"]);
    // Who is sure leaves its time to the others.
    expect(left(9, 20, [0.3, 0.1, 0.4, 0.2], 0.4)).toEqual([undefined, undefined, "confident", undefined]);
  });

  test("after the last step there is nothing to stop, nor is there without pictures", () => {
    const rule = exitRule({ budgetMs: 9 }, costs({ times }));
    expect(rule({ step: 2, confidences: [0.5], batch: 1, elapsedMs: 1 })).toEqual(["complete"]);
    expect(left(9, 1, [])).toEqual([]);
  });
});

test("times: by batch size, new ones count for a part", () => {
  const times = new StepTimes(2);
  expect(times.isComplete).toBe(false);
  times.add(0, 1, 10);
  times.add(0, 8, 40);
  expect(times.isComplete).toBe(false);
  times.add(1, 1, 10);
  times.add(1, 1, 20);
  expect(times.isComplete).toBe(true);
  expect([times.perPicture(0, 1), times.perPicture(0, 7), times.perPicture(0, 64)]).toEqual([10, 5, 5]);
  expect(times.perPicture(1, 1)).toBeCloseTo(13, 10);
});

test("an average budget takes the dearest stored thresholds that it allows", () => {
  const solved = [
    { thresholds: [0.1, 0.1, 0], share: 0.3 },
    { thresholds: [0.9, 0.9, 0], share: 0.9 },
    { thresholds: [0.5, 0.5, 0], share: 0.6 },
  ];
  expect(stops({ averageMacs: 30 }, 0, [0.4, 0.6], { solved })).toEqual([undefined, "confident"]);
  expect(stops({ averageMacs: 29 }, 0, [0.4, 0.6], { solved })).toEqual(["confident", "confident"]);
  expect(() => stops({ averageMacs: 14 }, 0, [0], { solved })).toThrow(/less than the 15/);
  expect(() => stops({ averageMacs: 30 }, 0, [0])).toThrow(/no solved thresholds/);
});

test.each<[string, ExitOptions, RegExp]>([
  ["two thresholds", { threshold: 0.5, thresholds: [1, 1, 1] }, /exclude each other/],
  ["a threshold beside an average", { threshold: 0.5, averageMacs: 30 }, /exclude each other/],
  ["no probability", { threshold: 1.5 }, /from 0 to 1/],
  ["not a number", { threshold: Number.NaN }, /from 0 to 1/],
  ["thresholds for other steps", { thresholds: [0.5] }, /must be 3 numbers/],
  ["thresholds that are not numbers", { thresholds: [0.5, Number.NaN] }, /must be 3 numbers/],
  ["no time", { budgetMs: 0 }, /budgetMs must be a positive number/],
  ["no work", { budgetMacs: Number.POSITIVE_INFINITY }, /budgetMacs must be a positive number/],
])("%s is refused", (_, options, message) => {
  expect(() => exitRule(options, costs())).toThrow(UsageError);
  expect(() => exitRule(options, costs())).toThrow(message);
});
