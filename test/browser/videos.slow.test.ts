// Videos in Chromium are those of Node: the same times, the same frames but for how ffmpeg rounds and spreads colour.
import { readFileSync, truncateSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VideoClassifier } from "../../src/node.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import {
  hasFfmpeg,
  makeVideo,
  moving,
  removeVideoFolder,
} from "../../src/platform/node/video/video-files.test-helper.ts";
import { BOATS, PASTORAL } from "../cli/mini-model.ts";
import { noChromium } from "./chromium.ts";
import type { VideosApi } from "./pages/videos-page.ts";
import { type OpenPage, openSite, type Site } from "./site.ts";

const X264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"];
const VP9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "20"];

/** For ffmpeg: each picture for two seconds. */
const photographs = (paths: readonly string[]) => [
  ...paths.flatMap((path) => ["-loop", "1", "-t", "2", "-r", "10", "-i", path]),
  "-filter_complex",
  `${paths.map((_, i) => `[${i}]scale=320:240,setsar=1[p${i}]`).join(";")};${paths.map((_, i) => `[p${i}]`).join("")}concat=n=${paths.length}`,
];

describe.skipIf(noChromium || !hasFfmpeg)("videos in a page", () => {
  let site: Site<VideosApi>;
  let page: OpenPage<VideosApi>;

  beforeAll(async () => {
    site = await openSite({ page: "videos-page" });
    page = await site.open();
  });
  afterAll(async () => {
    await site?.close();
    removeVideoFolder();
  });

  async function compare(path: string, as: "Blob" | "bytes" | "address", most: { most: number; mean: number }) {
    site.server.put("/video", readFileSync(path));
    await using video = await nodeHost.openVideo(path);
    const times = [...(await video.timestamps())];
    const chosen = [0, 7, 8, 31, times.length - 1];
    const inPage = await page.api.video("/video", as, chosen);
    const { width, height, rotation, codec, container, hasAudio } = video.facts;
    expect(inPage.facts).toMatchObject({ width, height, rotation, codec, container, hasAudio });
    expect(inPage.times.length).toBe(times.length);
    for (const [i, time] of times.entries()) expect(inPage.times[i]).toBeCloseTo(time, 9);
    expect(inPage.read).toEqual([...times.keys()]);
    expect(inPage.frames.map(({ index }) => index)).toEqual(chosen);
    for await (const { index, image } of video.frames(chosen)) {
      const rgb = Buffer.from(inPage.frames.find((one) => one.index === index)!.rgb, "base64");
      expect(rgb.length).toBe(image.data.length);
      const apart = Float64Array.from(image.data, (value, i) => Math.abs(value - rgb[i]!));
      const mean = apart.reduce((sum, one) => sum + one, 0) / apart.length;
      expect(apart.reduce((a, b) => Math.max(a, b))).toBeLessThanOrEqual(most.most);
      expect(mean).toBeLessThanOrEqual(most.mean);
    }
  }

  test("VP9 in WebM", async () => {
    const path = makeVideo("page.webm", ...moving("160x96", 2), ...VP9);
    for (const as of ["Blob", "bytes", "address"] as const) await compare(path, as, { most: 3, mean: 0.8 });
  });

  test("H.264 with B-frames and sound in MP4, upright and turned", async () => {
    const sound = ["-f", "lavfi", "-i", "sine=duration=2"];
    const path = makeVideo("page.mp4", ...sound, ...moving("160x96", 2), ...X264, "-bf", "3", "-g", "20");
    await compare(path, "Blob", { most: 3, mean: 0.8 });
    const turned = makeVideo("turned.mp4", "-i", path, "-c", "copy", "-metadata:s:v:0", "rotate=90");
    await compare(turned, "Blob", { most: 3, mean: 0.8 });
    const high = makeVideo("high.mp4", ...moving("64x720", 2), ...X264);
    await compare(high, "Blob", { most: 3, mean: 0.8 });
  });

  test("the bundled model of pictures answers for a WebM as in Node, and nothing else is asked for", async () => {
    const path = makeVideo("named.webm", ...photographs([PASTORAL, BOATS]), ...VP9);
    site.server.put("/named.webm", readFileSync(path));
    await using classifier = await VideoClassifier.load("saccade/everyday", { device: "wasm", threads: 1 });
    const { api, requests } = await site.open();
    for (const [as, options] of [
      ["File", { frames: 8 }],
      ["address", { frames: 4 }],
      ["File", { frames: 2, every: 1 }],
    ] as const) {
      const [inPage, inNode] = [
        await api.classify("/named.webm", as, options),
        await classifier.classify(path, options),
      ];
      expect(inPage.predictions.map(({ label }) => label)).toEqual(inNode.predictions.map(({ label }) => label));
      for (const [i, { score }] of inNode.predictions.entries())
        expect(Math.abs(inPage.predictions[i]!.score - score)).toBeLessThan(0.03); // pixels differ by up to 3 of 255
      expect(inPage).toMatchObject({ cost: inNode.views.cost, start: inNode.start, end: inNode.end });
      expect(inPage.segments?.map(({ start, end, label }) => ({ start, end, label }))).toEqual(
        inNode.segments?.map(({ start, end, label }) => ({ start, end, label })),
      );
    }
    const asked = requests.map((url) => new URL(url)).filter(({ protocol }) => protocol !== "blob:");
    expect(asked.filter(({ origin }) => origin !== site.server.origin)).toEqual([]);
    const known = /^\/($|favicon|named\.webm$|models\/everyday\/|[\w.-]+\.(js|mjs|wasm)$)/;
    expect(asked.map(({ pathname }) => pathname).filter((one) => !known.test(one))).toEqual([]);
  });

  test("what is cut off, and what is none", async () => {
    const path = makeVideo("cut.webm", ...moving("160x96", 4), ...VP9);
    truncateSync(path, Math.floor(readFileSync(path).length / 2));
    site.server.put("/cut", readFileSync(path));
    expect(await page.api.failure("/cut")).toBe("video_cut_off");
    site.server.put("/text", Buffer.from("no video at all, only words"));
    expect(await page.api.failure("/text")).toBe("not_a_video");
  });
});
