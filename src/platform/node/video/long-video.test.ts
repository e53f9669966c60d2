import { afterAll, expect, test } from "vitest";
import { openVideo } from "./open-video.ts";
import { hasFfmpeg, makeVideo, removeVideoFolder } from "./video-files.test-helper.ts";

afterAll(removeVideoFolder);

test.runIf(hasFfmpeg)(
  "a list of times that is longer than a pipe holds, and more scattered frames than one sum has terms",
  async () => {
    const source = [
      "-f",
      "lavfi",
      "-i",
      "color=gray:s=16x16:r=100:d=30",
      "-pix_fmt",
      "yuv420p",
      "-preset",
      "ultrafast",
    ];
    await using video = await openVideo(makeVideo("long.mp4", ...source), { stallMs: 20_000 });
    expect(await video.timestamps()).toHaveLength(3000);
    const scattered = Array.from({ length: 150 }, (_, i) => 2 * i);
    const found: number[] = [];
    for await (const { index } of video.frames(scattered)) found.push(index);
    expect(found).toEqual(scattered);
  },
);
