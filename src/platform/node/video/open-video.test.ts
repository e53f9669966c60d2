// Files that ffmpeg writes here, read back. Codecs and forms that are rarer, and slower to write, are in the slow test.
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterAll, expect, test } from "vitest";
import { openVideo } from "./open-video.ts";
import { CASES, checkCase, readAll, X264 } from "./video-cases.test-helper.ts";
import { hasFfmpeg, makeVideo, moving, removeVideoFolder, VIDEO_FOLDER } from "./video-files.test-helper.ts";

afterAll(removeVideoFolder);

for (const [name, one] of Object.entries(CASES).filter(([, { isRare }]) => isRare !== true))
  test.runIf(hasFfmpeg)(`${name}: every frame at its time`, () => checkCase(one));

test.runIf(hasFfmpeg)("bytes are a private file while the video is open, and nothing is left of it", async () => {
  process.env.TMPDIR = VIDEO_FOLDER; // other tests have files in the common one
  const left = () => readdirSync(VIDEO_FOLDER).filter((name) => name.startsWith("saccade-video-"));
  const before = left();
  const bytes = new Uint8Array(await readFile(makeVideo("bytes.mp4", ...moving("96x64", 0.4), ...X264)));
  {
    await using video = await openVideo(bytes);
    expect(left().length).toBe(before.length + 1);
    expect((await readAll(video)).hashes.length).toBe(10);
  }
  expect(left()).toEqual(before);
  await expect(openVideo(bytes.subarray(0, 500))).rejects.toMatchObject({ name: "VideoError" });
  expect(left()).toEqual(before);
});

test.runIf(hasFfmpeg)("names that could mean something else to ffmpeg are names", async () => {
  const path = makeVideo("-i odd:%03d 'name'.mp4", ...moving("96x64", 0.4), ...X264);
  await using video = await openVideo(path);
  expect((await video.timestamps()).length).toBe(10);
  await expect(async () => {
    for await (const _ of video.frames([3, 2])) break;
  }).rejects.toMatchObject({ code: "usage" });
  await expect(async () => {
    for await (const _ of video.frames([10])) break;
  }).rejects.toThrow(/no frame 10: it has 10/);
});
