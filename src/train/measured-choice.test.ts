import { expect, test } from "vitest";
import { chooseMeasured, type MeasuredChoice, measuredOfJson, measuredToJson } from "./measured-choice.ts";

function choiceAfter(values: readonly (number | undefined)[]): MeasuredChoice | undefined {
  return values.reduce<MeasuredChoice | undefined>(
    (before, value, epoch) =>
      chooseMeasured(before, { epoch, step: 10 * (epoch + 1) }, { measure: "PQ", value, numbers: {}, pictures: 5 }),
    undefined,
  );
}

test("the largest number is kept, of equal ones the later; where there was nothing to be found, nothing changes", () => {
  expect(choiceAfter([undefined])).toBeUndefined();
  expect(choiceAfter([0.1, 0.3, 0.3, 0.2, undefined])).toEqual({
    best: { epoch: 2, step: 30, measure: "PQ", value: 0.3, pictures: 5 },
    last: { epoch: 3, step: 40, measure: "PQ", value: 0.2, pictures: 5 },
  });
});

test("a checkpoint gives back what it was given, and what is none is none", () => {
  const choice = choiceAfter([0, 0.25])!;
  expect(measuredOfJson(JSON.parse(JSON.stringify(measuredToJson(choice))))).toEqual(choice);
  for (const other of [undefined, 3, {}, { best: {}, last: {} }]) expect(measuredOfJson(other)).toBeUndefined();
});
