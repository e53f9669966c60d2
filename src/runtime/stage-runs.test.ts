// What a run holds between its steps.
import { expect, test } from "vitest";
import { SessionError } from "../errors.ts";
import { tensor } from "../tensor.ts";
import { StageRuns, takeRows } from "./stage-runs.ts";

const column = (...numbers: number[]) => tensor("float32", [numbers.length, 1], Float32Array.from(numbers));

/** One stage that gives each input back as the output of its name. */
const echo = (inputs: readonly string[]) =>
  new StageRuns(new Map([["echo", inputs]]), async (_, feeds, outputs) =>
    Object.fromEntries(outputs.map((name) => [name, feeds[name]!])),
  );

const step = { run: 1, stage: "echo", outputs: ["a"], keep: {}, reads: [] };

test("what later steps do not read is dropped, and rows are taken of the rest", async () => {
  const runs = echo(["a"]);
  const feeds = { a: column(1, 2, 3), unread: column(4, 5, 6) };
  await runs.step({ ...step, feeds, keep: { a: "b" }, reads: ["a", "b"] });
  expect(runs.size).toBe(1);
  expect(await runs.step({ ...step, rows: [2, 0], reads: ["b"] })).toEqual({ a: column(3, 1) });
  await expect(runs.step(step)).rejects.toThrow(/"echo" reads "a", which the run does not hold/);
  expect(runs.size).toBe(0);
});

test("a run that fails or ends holds nothing", async () => {
  const runs = echo(["a"]);
  await runs.step({ ...step, feeds: { a: column(1) }, reads: ["a"] });
  await runs.step({ ...step, run: 2, feeds: { a: column(2) }, reads: ["a"] });
  runs.end(1);
  expect(runs.size).toBe(1);
  await expect(runs.step({ ...step, run: 2, stage: "other" })).rejects.toBeInstanceOf(SessionError);
  expect(runs.size).toBe(0);
});

test("rows of any dtype", () => {
  const value = tensor("int64", [3, 2], BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n));
  expect(takeRows(value, [2, 0])).toEqual(tensor("int64", [2, 2], BigInt64Array.of(5n, 6n, 1n, 2n)));
});

test("rows that keep their order move up inside the tensor's own memory; others and shared memory are copied", () => {
  const rising = column(1, 2, 3, 4);
  const taken = takeRows(rising, [1, 3]);
  expect(taken).toEqual(column(2, 4));
  expect(taken.data.buffer).toBe(rising.data.buffer);
  const shared = new Float32Array(new SharedArrayBuffer(12));
  shared.set([1, 2, 3]);
  expect(takeRows({ dtype: "float32", shape: [3, 1], data: shared }, [2])).toEqual(column(3));
  expect([...shared]).toEqual([1, 2, 3]);
  const falling = column(1, 2, 3);
  expect(takeRows(falling, [2, 1])).toEqual(column(3, 2));
  expect(falling).toEqual(column(1, 2, 3));
});
