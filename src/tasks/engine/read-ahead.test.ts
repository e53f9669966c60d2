import { expect, test } from "vitest";
import { readAhead } from "./read-ahead.ts";

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

/** Reads that end when they are told to. */
function heldReads() {
  const started: number[] = [];
  const end: (() => void)[] = [];
  const read = (source: number) => {
    started.push(source);
    return new Promise<number>((resolve) => {
      end[source] = () => resolve(10 * source);
    });
  };
  return { started, end, read };
}

test("results come in order, whatever ends first", async () => {
  const read = async (ms: number) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return ms;
  };
  const results: number[] = [];
  for await (const result of readAhead([20, 1, 10, 0], read, { parallel: 4, ahead: 4 })) results.push(result);
  expect(results).toEqual([20, 1, 10, 0]);
});

test("no more reads at once, and no more results that wait, than was said", async () => {
  const { started, end, read } = heldReads();
  const results = readAhead([0, 1, 2, 3, 4, 5], read, { parallel: 2, ahead: 3 });
  const first = results.next();
  await settle();
  expect(started).toEqual([0, 1]);
  end[1]!();
  await settle();
  expect(started).toEqual([0, 1, 2]); // 1 waits for somebody to take it, so only one more may begin
  end[2]!();
  await settle();
  expect(started).toEqual([0, 1, 2, 3]); // 0 is taken already: the consumer waits for it
  end[0]!();
  expect((await first).value).toBe(0);
  await settle();
  expect(started).toEqual([0, 1, 2, 3]);
});

test("an error shows in its place; sources may come late, and may fail too", async () => {
  async function* sources() {
    yield 1;
    await settle();
    yield 2;
    throw new Error("the sources are gone");
  }
  const results = readAhead(sources(), async (n) => n, { parallel: 2, ahead: 2 });
  expect((await results.next()).value).toBe(1);
  expect((await results.next()).value).toBe(2);
  await expect(results.next()).rejects.toThrow("the sources are gone");
  const failing = async (n: number) => {
    if (n === 1) throw new Error("unreadable");
    return n;
  };
  const other = readAhead([0, 1, 2], failing, { parallel: 3, ahead: 3 });
  expect((await other.next()).value).toBe(0);
  await expect(other.next()).rejects.toThrow("unreadable");
});

test("nothing more is read once the consumer has stopped", async () => {
  let started = 0;
  const read = async (n: number) => {
    started++;
    await settle();
    return n;
  };
  for await (const _ of readAhead(Array(100).keys(), read, { parallel: 2, ahead: 2 })) break;
  const then = started;
  await settle();
  await settle();
  expect(started).toBe(then);
  expect(started).toBeLessThan(6);
});
