// Handing state from step to step, with sessions that only do arithmetic.
import { expect, test } from "vitest";
import { SessionError } from "../errors.ts";
import { tensor, toFloat32 } from "../tensor.ts";
import { SequentialSession, type StepResult } from "./sequential-session.ts";
import type { ValueInfo } from "./session.ts";
import { StageRuns } from "./stage-runs.ts";
import type { StagedSession } from "./staged-session.ts";

interface Adder {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

const info = (name: string): ValueInfo => ({ name, dtype: "float32", shape: ["batch", 1] });

/** Stages that add up all that they read and give the sum as every output. Runs go as they do in an engine's thread, without the thread. */
function adders(stages: Record<string, Adder>, log: string[] = []): StagedSession & { readonly held: () => number } {
  const inputs = new Map(Object.entries(stages).map(([stage, { inputs }]) => [stage, inputs]));
  const runs = new StageRuns(inputs, async (_, feeds, outputs) => {
    log.push(`${Object.keys(feeds).join("+")} -> ${outputs.join("+")}`);
    const all = Object.values(feeds).map(toFloat32);
    const sum = all[0]!.map((_, i) => all.reduce((total, values) => total + values[i]!, 0));
    return Object.fromEntries(outputs.map((name) => [name, tensor("float32", [sum.length, 1], sum)]));
  });
  let begun = 0;
  return {
    device: "cpu",
    stages: new Map(
      Object.entries(stages).map(([stage, { inputs, outputs }]) => [
        stage,
        { inputs: inputs.map(info), outputs: outputs.map(info) },
      ]),
    ),
    begin: () => {
      const run = ++begun;
      return {
        step: async (step) => ({ outputs: await runs.step({ run, ...step }), milliseconds: 1 }),
        end: () => runs.end(run),
      };
    },
    held: () => runs.size,
    dispose: async () => {
      log.push("disposed");
    },
  };
}

const TWO = {
  first: { inputs: ["image"], outputs: ["logits", "next.a"] },
  second: { inputs: ["state.a"], outputs: ["logits"] },
};

const images = tensor("float32", [3, 1], Float32Array.of(1, 10, 100));

test("each step reads the newest state of the rows that are left", async () => {
  const log: string[] = [];
  const session = adders(
    {
      first: { inputs: ["image"], outputs: ["logits", "next.a", "next.b"] },
      again: { inputs: ["image", "state.a"], outputs: ["logits", "next.a"] },
      last: { inputs: ["state.a", "state.b"], outputs: ["logits"] },
    },
    log,
  );
  const sequence = new SequentialSession(["first", "again", "again", "last"], session);
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
  expect(session.held()).toBe(0);
  await sequence.dispose();
  expect(log.at(-1)).toBe("disposed");
});

test("nobody goes on: later steps do not run", async () => {
  const log: string[] = [];
  const session = adders(TWO, log);
  const sequence = new SequentialSession(["first", "second"], session);
  await sequence.run(images, () => [], { outputs: ["logits"] });
  expect(log).toEqual(["image -> logits+next.a"]);
  expect(session.held()).toBe(0);
});

test("pictures may change their order, and who goes on may be all of them", async () => {
  const sequence = new SequentialSession(["first", "second"], adders(TWO));
  const seen: unknown[] = [];
  const choose = (going: readonly number[]) => (result: StepResult) => {
    seen.push([result.rows, [...toFloat32(result.outputs.logits!)]]);
    return going;
  };
  await sequence.run(images, choose([1, 2, 0]), { outputs: ["logits"] });
  await sequence.run(images, choose([0, 1, 2]), { outputs: ["logits"] });
  const first = [
    [0, 1, 2],
    [1, 10, 100],
  ];
  expect(seen).toEqual([
    first,
    [
      [1, 2, 0],
      [10, 100, 1],
    ],
    first,
    first,
  ]);
});

test("runs side by side do not see each other, and a failure lets go of what was held", async () => {
  const session = adders(TWO);
  const sequence = new SequentialSession(["first", "second"], session);
  const answers: number[][] = [];
  const keep = ({ step, outputs }: StepResult) => {
    if (step === 1) answers.push([...toFloat32(outputs.logits!)]);
    return [0, 2];
  };
  const other = tensor("float32", [3, 1], Float32Array.of(2, 20, 200));
  await Promise.all([images, other].map((each) => sequence.run(each, keep, { outputs: ["logits"] })));
  expect(answers).toEqual([
    [1, 100],
    [2, 200],
  ]);
  const fail = () => {
    throw new Error("no choice");
  };
  await expect(sequence.run(images, fail, { outputs: ["logits"] })).rejects.toThrow("no choice");
  expect(session.held()).toBe(0);
});

test("stages that do not belong together are refused before anything runs", () => {
  const session = adders({ second: { inputs: ["image", "state.a"], outputs: ["logits", "next.a"] } });
  expect(() => new SequentialSession(["second", "second"], session)).toThrow(SessionError);
  expect(() => new SequentialSession(["second"], session)).toThrow(/"second" reads "state.a"/);
  expect(() => new SequentialSession(["third"], session)).toThrow(/no session for the stage "third"/);
});
