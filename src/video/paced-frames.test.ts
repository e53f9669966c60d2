import { expect, test } from "vitest";
import { MemoryVideo } from "./memory-video.test-helper.ts";
import { pacedFrames } from "./paced-frames.ts";
import type { LiveFrames } from "./video.ts";

const picture = { width: 2, height: 2, data: new Uint8Array(12) };
const pictures = (count: number) => new Array<typeof picture>(count).fill(picture);

async function indices(frames: LiveFrames, workMs = 0): Promise<number[]> {
  const taken: number[] = [];
  for (let frame = await frames.next(); frame !== undefined; frame = await frames.next()) {
    taken.push(frame.index);
    if (workMs > 0) await new Promise((settle) => setTimeout(settle, workMs));
  }
  return taken;
}

test("without a rate every frame is given, as it is taken", async () => {
  const video = new MemoryVideo(pictures(10));
  const frames = pacedFrames(video);
  expect(video.decoded.length).toBe(0);
  expect(await indices(frames)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(frames.dropped).toBe(0);
  await frames[Symbol.asyncDispose]();
  expect(video.isOpen).toBe(false);
});

test("at its own rate a video takes its time, and a slow reader loses frames that are counted", async () => {
  const start = performance.now();
  const frames = pacedFrames(new MemoryVideo(pictures(10)), { realtime: true });
  const taken = await indices(frames, 100);
  expect(performance.now() - start).toBeGreaterThan(300);
  expect(taken[0]).toBe(0);
  expect(taken.length).toBeLessThan(7);
  expect(taken.length + frames.dropped).toBe(10);
  expect(taken.at(-1)).toBe(9);
});

test("a video that cannot be decoded at its rate runs more slowly, and is not dropped altogether", async () => {
  const slow = new MemoryVideo(pictures(60), { times: Float64Array.from({ length: 60 }, (_, i) => i / 1000) });
  const read = slow.read.bind(slow);
  slow.read = async function* (options) {
    for await (const frame of read(options)) {
      await new Promise((settle) => setTimeout(settle, 15));
      yield frame;
    }
  };
  const taken = await indices(pacedFrames(slow, { realtime: true }));
  expect(taken.length).toBeGreaterThan(2);
});

test("waiting for a frame ends with the signal", async () => {
  const stopping = new AbortController();
  const times = Float64Array.of(0, 1000);
  const frames = pacedFrames(new MemoryVideo(pictures(2), { times }), { realtime: true, signal: stopping.signal });
  await frames.next();
  const next = frames.next();
  stopping.abort();
  await expect(next).rejects.toMatchObject({ code: "aborted" });
});
