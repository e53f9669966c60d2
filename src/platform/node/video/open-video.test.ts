// Files that ffmpeg writes here, read back: times against ffprobe, pixels against ffmpeg's own.
import { copyFileSync, readFileSync, truncateSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import type { Video } from "../../../video/video.ts";
import { openVideo } from "./open-video.ts";
import {
  decodedHashes,
  hasFfmpeg,
  hashOf,
  makeVideo,
  moving,
  probedTimes,
  removeVideoFolder,
} from "./video-files.test-helper.ts";

afterAll(removeVideoFolder);

async function readAll(video: Video): Promise<{ hashes: string[]; seconds: number[] }> {
  const hashes: string[] = [];
  const seconds: number[] = [];
  for await (const { image, seconds: time, index } of video.read()) {
    expect(index).toBe(hashes.length);
    hashes.push(hashOf(image.data));
    seconds.push(time);
  }
  return { hashes, seconds };
}

test.runIf(hasFfmpeg)(
  "H.264 with B-frames in MP4: times are ffprobe's, pixels ffmpeg's, any frame is the one that is read in order",
  async () => {
    const path = makeVideo(
      "b-frames.mp4",
      ...moving("160x90", 4),
      "-c:v",
      "libx264",
      "-bf",
      "3",
      "-g",
      "24",
      "-pix_fmt",
      "yuv420p",
    );
    await using video = await openVideo(path);
    expect(video.facts).toMatchObject({
      width: 160,
      height: 90,
      codec: "h264",
      rotation: 0,
      bitDepth: 8,
      hasAudio: false,
      announcedFrames: 100,
    });
    const { hashes, seconds } = await readAll(video);
    expect(seconds).toEqual(probedTimes(path));
    expect([...(await video.timestamps())]).toEqual(seconds);
    expect(hashes).toEqual(decodedHashes(path, 160, 90, "scale=in_color_matrix=bt601"));
    const chosen = [0, 1, 23, 24, 25, 60, 98, 99];
    const found: string[] = [];
    for await (const { image, index, seconds: time } of video.frames(chosen)) {
      expect(time).toBe(seconds[index]);
      found.push(hashOf(image.data));
    }
    expect(found).toEqual(chosen.map((index) => hashes[index]));
  },
);

test.runIf(hasFfmpeg)("a file that is cut off gives what can be decoded, then says so", async () => {
  const whole = makeVideo("whole.mkv", ...moving("160x90", 4), "-c:v", "libx264", "-pix_fmt", "yuv420p");
  const path = whole.replace("whole", "cut");
  copyFileSync(whole, path);
  truncateSync(path, Math.floor(readFileSync(whole).length / 2));
  await using video = await openVideo(path);
  let count = 0;
  const reading = (async () => {
    for await (const _ of video.read()) count++;
  })();
  await expect(reading).rejects.toMatchObject({ code: "video_cut_off" });
  expect(count).toBeGreaterThan(30);
});
