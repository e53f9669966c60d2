import { expect, it } from "vitest";
import { nodeHost } from "../platform/node/host.ts";
import { openVideo } from "../platform/node/video/open-video.ts";
import { hasFfmpeg } from "../platform/node/video/video-files.test-helper.ts";
import type { VideoResult } from "../tasks/video/results.ts";
import { MemoryVideo, numberedFrames } from "../video/memory-video.test-helper.ts";
import { explainVideo } from "./explain-video.ts";
import { assertWellFormed } from "./report/well-formed.test-helper.ts";
import { shownFrames } from "./video-explanation.ts";

const label = "</script><b>&cat";
const window = (start: number, end: number) => ({ start, end, predictions: [{ label, index: 0, score: 0.5 }] });
const result: VideoResult = {
  ...window(0, 1.6),
  seen: 1,
  views: { kind: "clips", clips: 1, frames: 2, crops: 1, macs: 1, cost: "0.00 GFLOPs x (1 clip x 1 crop)" },
  windows: [window(0, 0.8), window(0.8, 1.6)],
  segments: [{ start: 0, end: 1.6, label, index: 0, score: 0.5, windows: 2 }],
  gaze: [
    {
      frames: [
        { index: 10, seconds: 0.4 },
        { index: 30, seconds: 1.2 },
      ],
      stages: [
        {
          name: "look",
          tokens: 1,
          pointsPerToken: 1,
          regions: Float32Array.of(0.2, 0.2, 0, 0.6, 0.6, 1),
          points: Float32Array.of(0.4, 0.4, 0.5),
        },
      ],
      viewToPicture: { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 },
    },
  ],
};
const video = () => new MemoryVideo(numberedFrames(40, 31, 17), { name: "dir/a <b>.mp4" });

it("frames are shown at a steady rate, fewer where there are too many, with even sides", async () => {
  const all = await shownFrames(video(), result);
  expect([all.frameRate, all.count]).toEqual([expect.closeTo(25), 40]);
  const few = await shownFrames(video(), result, { most: 8 });
  const seconds: number[] = [];
  for await (const shown of few.frames()) {
    seconds.push(shown.seconds);
    expect([shown.picture.width % 2, shown.picture.height % 2]).toEqual([0, 0]);
  }
  expect(seconds).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4].map((moment) => expect.closeTo(moment)));
});

it("a page is well-formed, holds all frames and lets no label out of its place", async () => {
  const page = new TextDecoder().decode(
    await explainVideo(nodeHost, video(), result, { format: "html", most: 6, size: 64 }),
  );
  assertWellFormed(page);
  expect(page.match(/data:image\/jpeg/g)).toHaveLength(6);
  expect(page).toContain("a &lt;b&gt;.mp4: where it looked");
  expect(page).not.toContain(label);
});

it("an animation and, with ffmpeg, a video play as long as the original", async () => {
  for (const format of hasFfmpeg ? (["webp", "mp4"] as const) : (["webp"] as const)) {
    const bytes = await explainVideo(nodeHost, video(), result, { format, most: 10, size: 64 });
    await using written = await openVideo(bytes);
    const times = await written.timestamps();
    expect(times.at(-1)).toBeCloseTo(1.44, 2);
    expect(written.facts).toMatchObject({ width: 32, height: 44 + 18 + 28 }); // a headline above, the time below
  }
});

it("without a gaze there is nothing to draw", async () => {
  const { gaze: _, ...blind } = result;
  await expect(explainVideo(nodeHost, video(), blind, { format: "webp" })).rejects.toThrow("no gaze to draw");
});
