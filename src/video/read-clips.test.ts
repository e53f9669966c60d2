import fc from "fast-check";
import { expect, it } from "vitest";
import { VideoError } from "../errors.ts";
import type { Clip } from "./clips.ts";
import { MemoryVideo, numberedFrames } from "./memory-video.test-helper.ts";
import { readClips } from "./read-clips.ts";

async function read(video: MemoryVideo, clips: readonly Clip[]) {
  const found: { clip: number; frames: readonly number[] }[] = [];
  for await (const one of readClips(video, clips, ({ image }) => image.data[0]!)) found.push(one);
  return found;
}

const clipLists = fc.array(fc.array(fc.nat({ max: 39 }), { minLength: 1, maxLength: 9 }), { maxLength: 12 });

it("gives every clip its frames, in its order, and decodes each frame once", async () => {
  await fc.assert(
    fc.asyncProperty(clipLists, async (lists) => {
      const video = new MemoryVideo(numberedFrames(40));
      const found = await read(
        video,
        lists.map((indices) => ({ indices })),
      );
      expect(found.map(({ clip }) => clip).sort((a, b) => a - b)).toEqual(lists.map((_, i) => i));
      for (const { clip, frames } of found) expect(frames).toEqual(lists[clip]);
      expect(video.decoded).toEqual([...new Set(lists.flat())].sort((a, b) => a - b));
      const lasts = found.map(({ frames }) => Math.max(...frames));
      expect(lasts).toEqual([...lasts].sort((a, b) => a - b));
    }),
  );
});

it("reads no further than it is asked: clips in a row need the frames of one", async () => {
  const video = new MemoryVideo(numberedFrames(40));
  const clips = Array.from({ length: 10 }, (_, i) => ({ indices: [4 * i, 4 * i + 2] }));
  let given = 0;
  for await (const { clip } of readClips(video, clips, () => 0)) {
    expect(video.decoded.length).toBe(2 * ++given);
    expect(clip).toBe(given - 1);
    if (given === 3) break;
  }
  expect(video.decoded).toEqual([0, 2, 4, 6, 8, 10]);
});

it("says where a video ends before its clips do, after giving those that are whole", async () => {
  const video = new MemoryVideo(numberedFrames(20), { name: "cut.mp4", cutOffAt: 9 });
  const reading = readClips(video, [{ indices: [0, 4] }, { indices: [8, 12] }], () => 0);
  expect((await reading.next()).value).toMatchObject({ clip: 0 });
  await expect(reading.next()).rejects.toThrow(VideoError);
});
