// Stages in one worker thread: what stays there, and what happens when it does not go well.
import { afterEach, describe, expect, test } from "vitest";
import { AbortedError, SessionError, UsageError } from "../../errors.ts";
import { add } from "../../graph/build.ts";
import { trace } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { lower } from "../../onnx/lower.ts";
import { SequentialSession } from "../../runtime/sequential-session.ts";
import type { SessionOptions } from "../../runtime/session.ts";
import type { StagedRun } from "../../runtime/staged-session.ts";
import { tensor, toFloat32 } from "../../tensor.ts";
import { slowModel } from "./onnx-fixtures.test-helper.ts";
import { createStagedNodeSession, type NodeStagedSession } from "./staged-session.ts";

const opened: NodeStagedSession[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((session) => session.dispose()));
});

async function open(
  models: ReadonlyMap<string, Uint8Array>,
  options: SessionOptions = {},
  helper?: string,
): Promise<NodeStagedSession> {
  const entry = helper === undefined ? [] : [new URL(`./${helper}.test-helper.ts`, import.meta.url)];
  const session = await createStagedNodeSession(models, { device: "cpu", threads: 1, ...options }, ...entry);
  opened.push(session);
  return session;
}

type Build = (input: (name: string) => Tensor) => Record<string, Tensor>;

/** A stage over columns of numbers, (batch, 1) each. */
const stage = (build: Build) => lower(trace((scope) => build((name) => scope.graph.input(name, ["batch", 1]))));

/** Adds one, and then what it was given at first. */
const SUMS = new Map([
  ["first", stage((input) => ({ logits: add(input("image"), 1), "next.sum": add(input("image"), 1) }))],
  [
    "again",
    stage((input) => ({
      logits: add(input("image"), input("state.sum")),
      "next.sum": add(input("state.sum"), input("image")),
    })),
  ],
]);

const column = (...numbers: number[]) => tensor("float32", [numbers.length, 1], Float32Array.from(numbers));
const begin = (run: StagedRun, signal?: AbortSignal) =>
  run.step({
    stage: "first",
    feeds: { image: column(1, 10, 100) },
    outputs: ["logits"],
    keep: { "next.sum": "state.sum" },
    reads: ["image", "state.sum"],
    ...(signal === undefined ? {} : { signal }),
  });
const goOn = (run: StagedRun, rows?: readonly number[]) =>
  run.step({ stage: "again", outputs: ["logits"], keep: {}, reads: [], ...(rows === undefined ? {} : { rows }) });

describe.each(["cpu", "wasm"] as const)("%s", (device) => {
  test("only what is asked for comes back, and rows are left out inside", async () => {
    const session = await open(SUMS, { device });
    expect(session.device).toBe(device);
    const run = session.begin();
    const { outputs } = await begin(run);
    expect(Object.keys(outputs)).toEqual(["logits"]);
    expect([...toFloat32(outputs.logits!)]).toEqual([2, 11, 101]);
    expect([...toFloat32((await goOn(run, [0, 2])).outputs.logits!)]).toEqual([3, 201]);
    await expect(goOn(run)).rejects.toThrow(/input "image" is missing/);
  });

  test("several runs are under way, each with its own tensors", async () => {
    const session = await open(SUMS, { device });
    const sequence = new SequentialSession(["first", "again", "again"], session);
    const run = async (by: number) => {
      const answers: number[][] = [];
      const images = column(...[1, 2, 3, 4].map((x) => by * x));
      await sequence.run(
        images,
        ({ rows, outputs }) => {
          answers.push([...toFloat32(outputs.logits!)]);
          return rows.flatMap((_, position) => (position === 0 ? [] : [position]));
        },
        { outputs: ["logits"] },
      );
      expect([...toFloat32(images)]).toEqual([1, 2, 3, 4].map((x) => by * x)); // not given away
      return answers;
    };
    const all = await Promise.all([1, 10, 100].map(run));
    expect(all).toEqual(
      [1, 10, 100].map((by) => [
        [by + 1, 2 * by + 1, 3 * by + 1, 4 * by + 1],
        [4 * by + 1, 6 * by + 1, 8 * by + 1],
        [9 * by + 1, 12 * by + 1],
      ]),
    );
  });
});

test("what a run holds cannot be asked for by another one", async () => {
  const session = await open(SUMS);
  const run = session.begin();
  await begin(run);
  await expect(goOn(session.begin())).rejects.toThrow(/input "image" is missing/);
  run.end();
  run.end();
  await expect(goOn(run)).rejects.toThrow(/input "image" is missing/);
});

test.each<[string, Parameters<StagedRun["step"]>[0], RegExp]>([
  ["no such stage", { stage: "third", outputs: ["logits"], keep: {}, reads: [] }, /no stage "third"/],
  ["no such output", { stage: "first", feeds: { image: column(1) }, outputs: ["y"], keep: {}, reads: [] }, /"y"/],
  [
    "another shape",
    {
      stage: "first",
      feeds: { image: tensor("float32", [1, 2], new Float32Array(2)) },
      outputs: ["logits"],
      keep: {},
      reads: [],
    },
    /dimension 1 must be 1/,
  ],
])("%s is said before anything runs", async (_, step, message) => {
  const session = await open(SUMS);
  await expect(session.begin().step(step)).rejects.toThrow(message);
  expect((await begin(session.begin())).outputs.logits?.shape).toEqual([3, 1]);
});

test("a step that the engine refuses fails alone", async () => {
  const joined = stage((input) => ({ logits: add(input("image"), input("other")) }));
  const session = await open(new Map([...SUMS, ["joined", joined]]));
  const feeds = { image: column(1, 2), other: column(1, 2, 3) };
  const refused = session.begin().step({ stage: "joined", feeds, outputs: ["logits"], keep: {}, reads: [] });
  await expect(refused).rejects.toBeInstanceOf(SessionError);
  expect((await begin(session.begin())).outputs.logits?.shape).toEqual([3, 1]);
});

test("options and files that make no sense", async () => {
  await expect(open(SUMS, { threads: 0 })).rejects.toBeInstanceOf(UsageError);
  await expect(open(new Map([["first", Uint8Array.of(1, 2, 3)]]))).rejects.toThrow();
});

const SLOW = new Map([["slow", slowModel(80)]]);
const slowStep = (size: number, signal?: AbortSignal): Parameters<StagedRun["step"]>[0] => ({
  stage: "slow",
  feeds: { x: tensor("float32", [size, size], new Float32Array(size * size)) },
  outputs: ["y"],
  keep: {},
  reads: ["x"],
  ...(signal === undefined ? {} : { signal }),
});

test("an AbortSignal rejects at once, and the next step runs", async () => {
  const session = await open(SLOW);
  const controller = new AbortController();
  const run = session.begin();
  const aborted = run.step(slowStep(640, controller.signal));
  setTimeout(() => controller.abort(), 20);
  await expect(aborted).rejects.toBeInstanceOf(AbortedError);
  run.end();
  expect((await session.begin().step(slowStep(4))).outputs.y?.shape).toEqual([4, 4]);
});

test.each(["cpu", "wasm"] as const)("dispose during a step on %s rejects it and what waits", async (device) => {
  const session = await open(SLOW, { device });
  const outcomes = [640, 4].map((size) => expect(session.begin().step(slowStep(size))).rejects.toThrow(/disposed/));
  await session.dispose();
  await Promise.all(outcomes);
  expect(session.closed).toBe(true);
});

test("a dying worker rejects everything and says why", async () => {
  const session = await open(SUMS, {}, "faulty-stages");
  const [dying, waiting] = [begin(session.begin()), begin(session.begin())];
  await expect(dying).rejects.toThrow(/worker thread has died: exit code 7/);
  await expect(waiting).rejects.toThrow(/worker thread has died/);
  expect(session.closed).toBe(true);
});

test("on a device that takes turns, stages let go of it one after another", async () => {
  const session = await open(SUMS, { device: "webgpu" }, "one-device-stages");
  expect(session.device).toBe("webgpu");
  const run = session.begin();
  await begin(run);
  expect([...toFloat32((await goOn(run)).outputs.logits!)]).toEqual([3, 21, 201]);
  await session.dispose();
});
