// Following with a looker that answers by the colour of a frame, and sources that never end, end, fail or hang.
import { expect, test } from "vitest";
import { VideoError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { Frame, LiveFrames } from "../../video/video.ts";
import type { ClassScores } from "../classify/results.ts";
import type { Looker } from "./looker.ts";
import { StreamClassifier } from "./stream-classifier.ts";

const LABELS = ["dark", "light"];
const frameOf = (level: number, index: number): Frame => ({
  image: { width: 32, height: 24, data: new Uint8Array(3 * 32 * 24).fill(level) },
  seconds: index / 25,
  index,
});

interface FakeLooker extends Looker {
  readonly seen: string[];
  isDisposed: boolean;
}

/** @param stepFinds what steps answer; undefined: it takes none */
function looker({
  delay = async () => {},
  stepFinds,
}: {
  delay?: () => Promise<void>;
  stepFinds?: "dark" | "light";
} = {}): FakeLooker {
  const seen: string[] = [];
  const scoresOf = (label: string): ClassScores => ({
    scores: Float32Array.from(LABELS, (one) => (one === label ? 2 : 0)),
    kind: "logits",
    gaze: { stages: [], viewToPicture: { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 } },
  });
  return {
    card: { name: "fake" } as Looker["card"],
    labels: LABELS,
    device: "cpu",
    looks: true,
    seen,
    isDisposed: false,
    viewOf: () => ({ scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 }),
    async full({ data }: RawImage) {
      await delay();
      const label = data[0]! < 128 ? "dark" : "light";
      seen.push(label);
      return scoresOf(label);
    },
    ...(stepFinds === undefined
      ? {}
      : {
          async step() {
            seen.push("step");
            return scoresOf(stepFinds);
          },
        }),
    async dispose() {
      this.isDisposed = true;
    },
  };
}

interface FakeLive extends LiveFrames {
  isClosed: boolean;
}

function live(next: (call: number) => Promise<Frame | undefined>): FakeLive {
  let call = 0;
  return {
    facts: { width: 32, height: 24, codec: "fake", container: "fake" },
    dropped: 3,
    isClosed: false,
    next: () => next(call++),
    async [Symbol.asyncDispose]() {
      this.isClosed = true;
    },
  };
}

const levels = (values: readonly number[]) =>
  live(async (call) => (call < values.length ? frameOf(values[call]!, call) : undefined));

test("it looks where the picture changed, and the answer stands in between", async () => {
  const model = looker();
  const stream = new StreamClassifier(model, { explain: true });
  const source = levels([20, 20, 22, 220, 220]);
  const answers = [];
  for await (const answer of stream.follow(source)) answers.push(answer);
  expect(answers.map(({ look }) => look)).toEqual(["full", "kept", "kept", "full", "kept"]);
  expect(answers.map(({ predictions }) => predictions[0]?.label)).toEqual(["dark", "dark", "dark", "light", "light"]);
  expect(answers.map(({ scene }) => scene)).toEqual([0, 0, 0, 1, 1]);
  expect(answers[4]!.gaze).toBeDefined();
  expect(model.seen).toEqual(["dark", "light"]);
  expect(stream.counts).toMatchObject({ frames: 5, fullLooks: 2, steps: 0, kept: 3, dropped: 3 });
  expect(source.isClosed).toBe(true);
});

test("looks at one scene are smoothed, and those of another are not", async () => {
  const stream = new StreamClassifier(looker(), { memory: 0.5, cut: 1, changed: 0.05 });
  const sure = (await stream.push(frameOf(120, 0)))!.predictions[0]!.score;
  const mixed = (await stream.push(frameOf(140, 1)))!.predictions;
  expect(sure).toBeGreaterThan(0.85);
  expect(mixed.map(({ score }) => score)).toEqual([0.5, 0.5].map((half) => expect.closeTo(half, 6)));
  stream.forget();
  expect((await stream.push(frameOf(140, 2)))!.predictions[0]!.score).toBeCloseTo(sure, 6);
});

test("a step that finds the same confirms the answer; one that does not is followed by a look", async () => {
  const confirming = looker({ stepFinds: "dark" });
  const following = new StreamClassifier(confirming);
  await following.push(frameOf(20, 0));
  expect(await following.push(frameOf(38, 1))).toMatchObject({ look: "step", reason: "moving" });
  const doubting = looker({ stepFinds: "light" });
  const doubter = new StreamClassifier(doubting);
  await doubter.push(frameOf(20, 0));
  expect(await doubter.push(frameOf(38, 1))).toMatchObject({ look: "full", reason: "doubt", scene: 0 });
  expect(confirming.seen).toEqual(["dark", "step"]);
  expect(doubting.seen).toEqual(["dark", "step", "dark"]);
});

test("of frames that come while one is worked on the newest waits, and the others are dropped and counted", async () => {
  let goOn = () => {};
  const stream = new StreamClassifier(looker({ delay: () => new Promise((settle) => (goOn = settle)) }));
  const pushed = [10, 200, 20, 210, 30].map((level, i) => stream.push(frameOf(level, i)));
  for (let i = 0; i < 2; i++) {
    await new Promise((settle) => setTimeout(settle, 5));
    goOn();
  }
  const answers = await Promise.all(pushed);
  expect(answers.map((answer) => answer?.index)).toEqual([0, undefined, undefined, undefined, 4]);
  expect(stream.counts).toMatchObject({ frames: 2, dropped: 3 });
});

test("two thousand frames keep nothing: one waits at most, whoever brings them", async () => {
  const stream = new StreamClassifier(looker());
  const frames = live(async (call) => (call < 2000 ? frameOf(call % 256, call) : undefined));
  let last = 0;
  for await (const { index } of stream.follow(frames)) last = index;
  const { frames: answered, fullLooks, kept } = stream.counts;
  expect([last, answered, fullLooks + kept]).toEqual([1999, 2000, 2000]);
  expect(fullLooks).toBeLessThan(400);
});

test("a source that dies ends it with its error, closed", async () => {
  const source = live(async (call) => {
    if (call === 2) throw new VideoError("the camera was unplugged");
    return frameOf(20, call);
  });
  const stream = new StreamClassifier(looker());
  const follow = async () => {
    for await (const _ of stream.follow(source));
  };
  await expect(follow()).rejects.toThrow("unplugged");
  expect(source.isClosed).toBe(true);
  expect(stream.counts.frames).toBe(2);
});

test("the signal ends it while a camera says nothing", async () => {
  const stopping = new AbortController();
  const source = live((call) => (call === 0 ? Promise.resolve(frameOf(20, 0)) : new Promise(() => {})));
  const stream = new StreamClassifier(looker(), { signal: stopping.signal });
  const follow = async () => {
    for await (const _ of stream.follow(source)) setTimeout(() => stopping.abort(), 5);
  };
  await expect(follow()).rejects.toMatchObject({ code: "aborted" });
  expect(source.isClosed).toBe(true);
});

test("whoever stops listening closes the source", async () => {
  const source = levels([20, 20, 20]);
  for await (const _ of new StreamClassifier(looker()).follow(source)) break;
  expect(source.isClosed).toBe(true);
});

test("a look that fails leaves a stream that goes on", async () => {
  let fails = true;
  const model = looker({
    delay: async () => {
      if (fails) throw new VideoError("the engine stumbled");
    },
  });
  const stream = new StreamClassifier(model);
  await expect(stream.push(frameOf(20, 0))).rejects.toThrow("stumbled");
  fails = false;
  expect(await stream.push(frameOf(20, 1))).toMatchObject({ look: "full", reason: "first" });
});

test("disposing drops what waits, and nothing more is answered", async () => {
  const model = looker({ delay: () => new Promise((settle) => setTimeout(settle, 10)) });
  const stream = new StreamClassifier(model);
  const [first, waiting] = [stream.push(frameOf(20, 0)), stream.push(frameOf(20, 1))];
  await stream.dispose();
  expect(await waiting).toBeUndefined();
  await first;
  expect(model.isDisposed).toBe(true);
  await expect(stream.push(frameOf(20, 2))).rejects.toMatchObject({ code: "session" });
});

test("options that make no sense are refused", () => {
  expect(() => new StreamClassifier(looker(), { memory: 1 })).toThrow(/memory/);
  expect(() => new StreamClassifier(looker(), { topK: 0 })).toThrow(/topK/);
});
