// saccade inspect of videos, and what doctor says of them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import {
  hasFfmpeg,
  makeVideo,
  moving,
  removeVideoFolder,
} from "../../src/platform/node/video/video-files.test-helper.ts";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder } from "./mini-model.ts";

const folder = temporaryFolder();
afterAll(removeVideoFolder);

test.runIf(hasFfmpeg)("a video: its facts, the times of its frames", async () => {
  const path = makeVideo("clip.mp4", ...moving("96x64", 2), "-c:v", "libx264", "-pix_fmt", "yuv420p");
  const { exitCode, stdout } = await cli(["inspect", path]);
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining("h264 in mov,mp4")]);
  for (const words of ["96 x 64", "50, from 0.000 s to 1.960 s, 25 a second", "2.000 s, 50 frames", "ffmpeg"])
    expect(stdout).toContain(words);
  const json = JSON.parse((await cli(["inspect", path, "--json"])).stdout);
  expect(json).toMatchObject({ kind: "video", frames: 50, last_seconds: 1.96, cut_off: false, has_audio: false });
});

test("an animation needs no ffmpeg", async () => {
  const path = join(folder, "blink.gif");
  const strip = Buffer.alloc(8 * 12 * 3).fill(255, 8 * 6 * 3);
  const raw = { width: 8, height: 12, channels: 3, pageHeight: 6 } as const;
  writeFileSync(
    path,
    await sharp(strip, { raw })
      .gif({ delay: [100, 300] })
      .toBuffer(),
  );
  const { exitCode, stdout } = await cli(["inspect", path]);
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining("gif in gif")]);
  expect(stdout).toContain("2, from 0.000 s to 0.100 s");
});

test("what is only called a video is said to be none", async () => {
  const path = join(folder, "notes.mp4");
  writeFileSync(path, "no pictures here");
  const { exitCode, notes } = await cli(["inspect", path]);
  expect([exitCode, notes.join(" ")]).toEqual([1, expect.stringContaining("is text, not a video")]);
});
