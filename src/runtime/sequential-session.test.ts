// Handing state from step to step, with sessions that only do arithmetic.
import { expect, test } from "vitest";
import { SessionError } from "../errors.ts";
import { tensor, toFloat32 } from "../tensor.ts";
import { SequentialSession, takeRows } from "./sequential-session.ts";
import type { RunOptions, Session, ValueInfo } from "./session.ts";

const info = (name: string): ValueInfo => ({ name, dtype: "float32", shape: ["batch", 1] });

/** A session that adds up all that it reads and gives the sum as every output. */
function adder(inputs: string[], outputs: string[], log: string[] = []): Session {
  return {
    device: "cpu",
    inputs: inputs.map(info),
    outputs: outputs.map(info),
    run: async (feeds, options: RunOptions = {}) => {
      log.push(`${Object.keys(feeds).join("+")} -> ${options.outputs?.join("+")}`);
      const all = Object.values(feeds).map(toFloat32);
      const sum = all[0]!.map((_, i) => all.reduce((total, values) => total + values[i]!, 0));
      return Object.fromEntries(
        (options.outputs ?? outputs).map((name) => [name, tensor("float32", [sum.length, 1], sum)]),
      );
    },
    dispose: async () => {
      log.push("disposed");
    },
  };
}

const images = tensor("float32", [3, 1], Float32Array.of(1, 10, 100));

test("each step reads the newest state of the rows that are left", async () => {
  const log: string[] = [];
  const sessions = new Map([
    ["first", adder(["image"], ["logits", "next.a", "next.b"], log)],
    ["again", adder(["image", "state.a"], ["logits", "next.a"], log)],
    ["last", adder(["state.a", "state.b"], ["logits"], log)],
  ]);
  const sequence = new SequentialSession(["first", "again", "again", "last"], sessions);
  const seen: [number, readonly number[], number[]][] = [];
  const going = [[2, 0], [0, 1], [1]];
  await sequence.run(
    images,
    ({ step, rows, outputs }) => {
      seen.push([step, rows, [...toFloat32(outputs.logits!)]]);
      return going[step] ?? [];
    },
    { outputs: ["logits"] },
  );
  expect(seen).toEqual([
    [0, [0, 1, 2], [1, 10, 100]],
    [1, [2, 0], [200, 2]],
    [2, [2, 0], [300, 3]],
    [3, [0], [4]], // a is 3 by now, b still the first step's 1
  ]);
  expect(log).toEqual([
    "image -> logits+next.a+next.b",
    "image+state.a -> logits+next.a",
    "image+state.a -> logits+next.a",
    "state.a+state.b -> logits",
  ]);
  await sequence.dispose();
  expect(log.filter((line) => line === "disposed")).toHaveLength(3);
});

test("nobody goes on: later steps do not run", async () => {
  const log: string[] = [];
  const sessions = new Map([
    ["first", adder(["image"], ["logits", "next.a"], log)],
    ["second", adder(["state.a"], ["logits"], log)],
  ]);
  const sequence = new SequentialSession(["first", "second"], sessions);
  await sequence.run(images, () => [], { outputs: ["logits"] });
  expect(log).toHaveLength(1);
});

test("stages that do not belong together are refused before anything runs", () => {
  const sessions = new Map([["second", adder(["image", "state.a"], ["logits", "next.a"])]]);
  expect(() => new SequentialSession(["second", "second"], sessions)).toThrow(SessionError);
  expect(() => new SequentialSession(["second"], sessions)).toThrow(/"second" reads "state.a"/);
  expect(() => new SequentialSession(["third"], sessions)).toThrow(/no session for the stage "third"/);
});

test("rows of any dtype", () => {
  const value = tensor("int64", [3, 2], BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n));
  expect(takeRows(value, [2, 0])).toEqual(tensor("int64", [2, 2], BigInt64Array.of(5n, 6n, 1n, 2n)));
});
