import { expect, test } from "vitest";
import { MemoryBudget } from "./memory-budget.ts";

/** What has been let in so far. */
function watched(budget: MemoryBudget) {
  const admitted: number[] = [];
  const reserve = (index: number, bytes: number) => budget.reserve(index, bytes).then(() => void admitted.push(index));
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { admitted, reserve, settle };
}

test("what fits goes on at once, the rest in the order of the pictures as memory comes back", async () => {
  const budget = new MemoryBudget(10);
  const { admitted, reserve, settle } = watched(budget);
  void reserve(0, 6);
  void reserve(2, 5);
  void reserve(1, 5);
  await settle();
  expect(admitted).toEqual([0]);
  budget.finish(0);
  budget.release(6);
  await settle();
  expect(admitted).toEqual([0, 1, 2]);
  expect(budget.held).toBe(10);
});

test("the first unread picture is let in whatever its size, once no run will give memory back", async () => {
  const budget = new MemoryBudget(10);
  const { admitted, reserve, settle } = watched(budget);
  void reserve(0, 8); // read, and waiting for its batch
  budget.finish(0);
  let endRun: () => void = () => undefined;
  const run = budget.during(() => new Promise<void>((resolve) => (endRun = resolve)));
  void reserve(1, 100);
  void reserve(2, 1);
  await settle();
  expect(admitted).toEqual([0]); // the run may give memory back
  endRun();
  await run;
  await settle();
  expect(admitted).toEqual([0, 1]);
  budget.release(100);
  await settle();
  expect(admitted).toEqual([0, 1, 2]);
});

test("pictures behind the first one wait, so that it is never they who fill the memory", async () => {
  const budget = new MemoryBudget(10);
  const { admitted, reserve, settle } = watched(budget);
  void reserve(1, 9);
  void reserve(2, 9);
  await settle();
  expect(admitted).toEqual([1]);
  void reserve(0, 9);
  await settle();
  expect(admitted).toEqual([1, 0]);
  expect(budget.held).toBe(18); // the limit and one picture more
});
