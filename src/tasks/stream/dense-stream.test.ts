// Following with a detector and a segmenter of known answers: frames, what is looked at, and how a stream ends.
import { afterAll, expect, test } from "vitest";
import { type Colour, colouredPicture, denseToy } from "../../../test/dense-toys.ts";
import { UsageError, VideoError } from "../../errors.ts";
import { nodeHost } from "../../platform/node/host.ts";
import type { Frame, LiveFrames } from "../../video/video.ts";
import { DenseStream, loadDetectionStream, loadSegmentationStream } from "./dense-stream.ts";

const LOAD = { device: "cpu", threads: 1 } as const;
const detection = await loadDetectionStream(nodeHost, denseToy("detections"), LOAD);
afterAll(() => detection.dispose());

/** A thing of one cell, at a column of its own in each frame. */
const frameOf = (index: number, column: number, colour: Colour = "red"): Frame => ({
  image: colouredPicture(96, 64, [[colour, 8 * column, 16, 8 * column + 8, 24]]),
  seconds: index / 25,
  index,
});

interface FakeLive extends LiveFrames {
  isClosed: boolean;
}

function live(next: (call: number) => Promise<Frame | undefined>): FakeLive {
  let call = 0;
  return {
    facts: { width: 96, height: 64, codec: "fake", container: "fake" },
    dropped: 2,
    isClosed: false,
    next: () => next(call++),
    async [Symbol.asyncDispose]() {
      this.isClosed = true;
    },
  };
}

const moving = (columns: readonly number[]) =>
  live(async (call) => (call < columns.length ? frameOf(call, columns[call]!) : undefined));

test("every frame is looked at: a thing that moves is where it is", async () => {
  const source = moving([1, 2, 3]);
  const lefts = [];
  for await (const { result, look, index } of detection.follow(source))
    lefts.push([index, look, Math.round(result.detections[0]!.box[0])]);
  expect(lefts).toEqual([
    [0, "full", 8],
    [1, "full", 16],
    [2, "full", 24],
  ]);
  expect(detection.counts).toMatchObject({ frames: 3, fullLooks: 3, kept: 0, dropped: 2 });
  expect(source.isClosed).toBe(true);
});

test("with `changed` a frame of another size is looked at: places are in its own pixels", async () => {
  await using stream = await loadDetectionStream(nodeHost, denseToy("detections"), { ...LOAD, changed: 0.9 });
  const at = (index: number, size: number): Frame => ({
    image: colouredPicture(96 * size, 64 * size, [["red", 8 * size, 16 * size, 16 * size, 24 * size]]),
    seconds: index / 25,
    index,
  });
  const looks = [];
  for (const [index, size] of [1, 1, 2, 2].entries()) {
    const { look, result } = (await stream.push(at(index, size)))!;
    looks.push([look, result.picture.width]);
  }
  expect(looks).toEqual([
    ["full", 96],
    ["kept", 96],
    ["full", 192],
    ["kept", 192],
  ]);
});

test("with `changed` the answer stands where nothing moves", async () => {
  await using stream = await loadDetectionStream(nodeHost, denseToy("detections"), { ...LOAD, changed: 0.001 });
  const looks = [];
  for await (const { result, look } of stream.follow(moving([1, 1, 5, 5])))
    looks.push([look, Math.round(result.detections[0]!.box[0])]);
  expect(looks).toEqual([
    ["full", 8],
    ["kept", 8],
    ["full", 40],
    ["kept", 40],
  ]);
});

test("a segmenter's masks are of the frame, in the way that is asked for", async () => {
  await using stream = await loadSegmentationStream(nodeHost, denseToy("queries"), { ...LOAD, kind: "instance" });
  const answer = await stream.push(frameOf(0, 4, "blue"));
  expect(answer!.result).toMatchObject({ kind: "instance", picture: { width: 96, height: 64 } });
  expect(answer!.result.segments.map(({ label }) => label)).toContain("blue");
});

test("of frames that come while one is worked on the newest waits; disposing drops it", async () => {
  let goOn = () => {};
  const task = { dispose: async () => {} } as unknown as ConstructorParameters<typeof DenseStream>[0];
  const stream = new DenseStream(task, () => new Promise<string>((settle) => (goOn = () => settle("found"))));
  const pushed = [0, 1, 2, 3].map((index) => stream.push(frameOf(index, index)));
  goOn();
  expect((await pushed[0])!.result).toBe("found");
  expect(await Promise.all([pushed[1], pushed[2]])).toEqual([undefined, undefined]);
  await stream.dispose();
  goOn();
  expect(stream.counts.dropped).toBe(2);
  await expect(stream.push(frameOf(4, 4))).rejects.toMatchObject({ code: "session" });
});

test("a source that dies, a signal while a camera says nothing, and options that make no sense", async () => {
  const dying = live(async (call) => {
    if (call === 1) throw new VideoError("the camera was unplugged");
    return frameOf(call, call);
  });
  const follow = async (stream: typeof detection, source: LiveFrames) => {
    for await (const _ of stream.follow(source));
  };
  await expect(follow(detection, dying)).rejects.toThrow("unplugged");
  expect(dying.isClosed).toBe(true);
  const stopping = new AbortController();
  await using stream = await loadDetectionStream(nodeHost, denseToy("detections"), {
    ...LOAD,
    signal: stopping.signal,
  });
  const silent = live((call) => {
    if (call === 1) setTimeout(() => stopping.abort(), 5);
    return call === 0 ? Promise.resolve(frameOf(0, 1)) : new Promise(() => {});
  });
  await expect(follow(stream, silent)).rejects.toMatchObject({ code: "aborted" });
  expect(silent.isClosed).toBe(true);
  for (const options of [
    { changed: 0 },
    { changed: 0.1, everyMs: 0 },
    { threshold: 1.5 },
    { most: 0 },
    { only: ["nothing such"] },
  ])
    await expect(loadDetectionStream(nodeHost, denseToy("detections"), { ...LOAD, ...options })).rejects.toThrow(
      UsageError,
    );
});
