// What is made of measured times, and what a crowded queue leaves of a budget.
import { expect, test } from "vitest";
import { chooseBatching, measureBatching } from "./batching.ts";
import { costShare } from "./overload.ts";

test("the smallest batch that does nearly the most is taken", () => {
  const times = [
    { size: 1, milliseconds: 10 },
    { size: 2, milliseconds: 12 },
    { size: 4, milliseconds: 20 },
    { size: 8, milliseconds: 39 },
  ];
  expect(chooseBatching(times)).toEqual({ maxBatch: 4, maxDelayMs: 2.5 });
  expect(
    chooseBatching([
      { size: 1, milliseconds: 400 },
      { size: 2, milliseconds: 600 },
    ]),
  ).toEqual({ maxBatch: 2, maxDelayMs: 10 });
});

test("where batches bring nothing, nobody waits for company", () => {
  expect(
    chooseBatching([
      { size: 1, milliseconds: 10 },
      { size: 2, milliseconds: 20 },
    ]),
  ).toEqual({ maxBatch: 1, maxDelayMs: 0 });
});

test("measuring ends when a larger batch brings no more, and keeps to what was given", async () => {
  let now = 0;
  const sizes: number[] = [];
  const run = async (size: number) => {
    sizes.push(size);
    now += size <= 4 ? 10 : 10 * (size / 4);
  };
  expect(await measureBatching(run, () => now)).toEqual({ maxBatch: 4, maxDelayMs: 2.5 });
  expect(sizes).toEqual([1, ...[1, 2, 4, 8, 16].flatMap((size) => [size, size, size])]);
  sizes.length = 0;
  expect(await measureBatching(run, () => now, { maxBatch: 2 })).toEqual({ maxBatch: 2, maxDelayMs: 2.5 });
  expect(await measureBatching(run, () => now, { maxBatch: 3, maxDelayMs: 7 })).toEqual({ maxBatch: 3, maxDelayMs: 7 });
  expect(sizes).toEqual([1, ...[1, 2].flatMap((size) => [size, size, size])]);
});

test("a disturbed run, or one size that brings nothing, does not end it", async () => {
  let now = 0;
  let runs = 0;
  const run = async (size: number) => {
    now += (size <= 2 ? 10 * size : 10 + 2 * size) + (runs++ % 3 === 0 ? 50 : 0);
  };
  expect(await measureBatching(run, () => now)).toMatchObject({ maxBatch: 32 });
});

test("budgets fall evenly from where the operator says to the floor", () => {
  const limits = { from: 0.5, floor: 0.2 };
  expect([0, 0.5, 0.75, 1].map((fullness) => costShare(fullness, limits))).toEqual([1, 1, 0.6, 0.2]);
  expect(costShare(1, { from: 0.5, floor: 1 })).toBe(1);
});
