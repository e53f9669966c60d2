import { expect, test } from "vitest";
import { type TensorData, tensor } from "../tensor.ts";
import { withAnyBatch } from "./fixed-batch.ts";
import type { Session, ValueInfo } from "./session.ts";

/** Doubles what it is fed, in batches of one size only. */
function doubling(batch: number | string, shapeOf = (rows: number): number[] => [rows, 2]) {
  const runs: number[][] = [];
  const session: Session = {
    device: "cpu",
    inputs: [{ name: "x", dtype: "float32", shape: [batch, 2] }],
    outputs: [{ name: "y", dtype: "float32", shape: [batch, 2] }],
    async run({ x }) {
      expect(x!.shape[0]).toBe(batch);
      runs.push([...(x!.data as Float32Array)]);
      const data = (x!.data as Float32Array).map((value) => 2 * value);
      return { y: tensor("float32", shapeOf(x!.shape[0]!), data) };
    },
    async dispose() {},
  };
  return { session: withAnyBatch(session), plain: session, runs };
}

const rows = (count: number): TensorData =>
  tensor(
    "float32",
    [count, 2],
    Float32Array.from({ length: 2 * count }, (_, i) => i),
  );

test.each([1, 2, 3, 4, 7, 8])("%i rows in a batch of 4: filled up with the last one, cut", async (count) => {
  const { session, runs } = doubling(4);
  const { y } = await session.run({ x: rows(count) });
  expect(y!.shape).toEqual([count, 2]);
  expect([...y!.data]).toEqual([...rows(count).data].map((value) => 2 * Number(value)));
  expect(runs).toHaveLength(Math.ceil(count / 4));
  if (count === 3) expect(runs[0]).toEqual([0, 1, 2, 3, 4, 5, 4, 5]);
});

test("the batch is free to see, other sizes stay", () => {
  const { session } = doubling(4);
  const free: ValueInfo[] = [{ name: "x", dtype: "float32", shape: ["batch", 2] }];
  expect(session.inputs).toEqual(free);
});

test("a free batch leaves the session alone", () => {
  const { session, plain } = doubling("n");
  expect(session).toBe(plain);
});

test("an output without a batch is the picture's where it can only be one's", async () => {
  const one = doubling(1, () => [2]);
  const { y } = await one.session.run({ x: rows(3) });
  expect(y!.shape).toEqual([3, 2]);
  const many = doubling(2, () => [4]);
  await expect(many.session.run({ x: rows(3) })).rejects.toThrow(/which picture is not known/);
});
