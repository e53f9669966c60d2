// The optional package in ffmpeg's place: the same times and frames, where it is installed.
import { createRequire } from "node:module";
import { afterAll, afterEach, expect, test } from "vitest";
import { openVideo } from "./open-video.ts";
import { X264 } from "./video-cases.test-helper.ts";
import { hasFfmpeg, makeVideo, moving, removeVideoFolder } from "./video-files.test-helper.ts";

const isInstalled = (() => {
  try {
    createRequire(import.meta.url).resolve("@mediabunny/server");
    return true;
  } catch {
    console.log("skipped: videos by @mediabunny/server, because that package is not installed");
    return false;
  }
})();

afterAll(removeVideoFolder);
const PATH = process.env.PATH;
afterEach(() => {
  process.env.PATH = PATH;
});

test.runIf(isInstalled && hasFfmpeg)("without ffmpeg, the package's frames are ffmpeg's but for rounding", async () => {
  const path = makeVideo("package.mp4", ...moving("96x64", 2), ...X264, "-bf", "2", "-g", "10");
  await using video = await openVideo(path);
  const times = await video.timestamps();
  const frames: Uint8Array[] = [];
  for await (const { image } of video.read()) frames.push(image.data);
  process.env.PATH = "";
  await using other = await openVideo(path);
  expect(other.facts).toMatchObject({ width: 96, height: 64, codec: "h264", container: video.facts.container });
  expect([...(await other.timestamps())].map((time) => time.toFixed(6))).toEqual(
    [...times].map((time) => time.toFixed(6)),
  );
  let count = 0;
  for await (const { image, index } of other.read()) {
    count++;
    const apart = image.data.reduce((most, value, i) => Math.max(most, Math.abs(value - frames[index]![i]!)), 0);
    expect(apart).toBeLessThanOrEqual(3);
  }
  expect(count).toBe(50);
  const chosen: number[] = [];
  for await (const { index } of other.frames([3, 30, 49])) chosen.push(index);
  expect(chosen).toEqual([3, 30, 49]);
});
