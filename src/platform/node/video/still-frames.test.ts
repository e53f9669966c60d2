// Folders of pictures, animated GIF and WebP: without ffmpeg.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import type { Video } from "../../../video/video.ts";
import { encodePng } from "../decode.ts";
import { openVideo } from "./open-video.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-stills-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A frame of one colour. */
const plain = (value: number, width = 4, height = 2) => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(value),
});

async function values(frames: ReturnType<Video["read"]>): Promise<[index: number, seconds: number, value: number][]> {
  const found: [number, number, number][] = [];
  for await (const { index, seconds, image } of frames) found.push([index, seconds, image.data[0]!]);
  return found;
}

test("a folder of pictures: its numbers count as numbers", async () => {
  for (const number of [1, 2, 10, 9])
    writeFileSync(join(folder, `frame-${number}.png`), await encodePng(plain(number)));
  writeFileSync(join(folder, "notes.txt"), "not a frame");
  await using video = await openVideo(folder, { frameRate: 10 });
  expect(video.facts).toEqual({
    width: 4,
    height: 2,
    rotation: 0,
    codec: "frames",
    container: "folder",
    announcedFrames: 4,
    announcedSeconds: 0.4,
    frameRate: 10,
    bitDepth: 8,
    hasAudio: false,
  });
  expect(await values(video.read())).toEqual([
    [0, 0, 1],
    [1, 0.1, 2],
    [2, 0.2, 9],
    [3, 0.3, 10],
  ]);
  expect(await values(video.read({ start: 0.05, end: 0.2 }))).toEqual([[1, 0.1, 2]]);
  expect(await values(video.frames([0, 3]))).toEqual([
    [0, 0, 1],
    [3, 0.3, 10],
  ]);
  writeFileSync(join(folder, "frame-11.png"), await encodePng(plain(1, 5)));
  await using uneven = await openVideo(folder);
  await expect(values(uneven.read())).rejects.toThrow(/5 x 2, and the first frame/);
});

for (const format of ["gif", "webp"] as const)
  test(`an animated ${format}: frames as they are shown, at their times`, async () => {
    const shades = [0, 255, 0, 255, 255];
    const strip = new Uint8Array(shades.flatMap((value) => Array.from(plain(value, 8, 6).data)));
    const bytes = await sharp(strip, { raw: { width: 8, height: 6 * shades.length, channels: 3, pageHeight: 6 } })
      [format]({ delay: [100, 40, 10, 200, 70], loop: 0 })
      .toBuffer();
    await using video = await openVideo(new Uint8Array(bytes));
    // WebP puts equal neighbours together
    const kept = (await video.timestamps()).length;
    expect(video.facts).toMatchObject({ width: 8, height: 6, codec: format, container: format, announcedFrames: kept });
    const frames = await values(video.read());
    const times = [0, 0.1, 0.14, 0.24, 0.44];
    for (const [index, seconds, value] of frames) {
      expect(seconds).toBeCloseTo(times[index]!, 6);
      expect(Math.abs(value - shades[index]!)).toBeLessThan(8);
    }
    expect(frames.length).toBeGreaterThanOrEqual(4);
    expect(await values(video.frames([2]))).toEqual([frames[2]]);
    expect(await video.cutOff?.()).toBeUndefined();
    const path = join(folder, `cut.${format}`);
    writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length * 0.6)));
    const reading = (async () => {
      await using cut = await openVideo(path);
      return await values(cut.read());
    })();
    await expect(reading).rejects.toMatchObject({ name: "VideoError" });
  });

test("an animation whose last byte is missing gives its frames, and says that it is cut off", async () => {
  const strip = new Uint8Array([0, 255, 0].flatMap((value) => Array.from(plain(value, 8, 6).data)));
  const raw = { width: 8, height: 18, channels: 3 as const, pageHeight: 6 };
  const bytes = await sharp(strip, { raw })
    .gif({ delay: [100, 100, 100] })
    .toBuffer();
  await using video = await openVideo(new Uint8Array(bytes.subarray(0, -1)));
  expect(await values(video.frames([0, 1]))).toHaveLength(2);
  expect(await video.cutOff?.()).toMatchObject({ code: "video_cut_off", data: { frames: 3 } });
});
