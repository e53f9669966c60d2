// Files that are damaged, lie or mean something else, and programs that hang: a clear error each, and no process is left.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import type { OpenVideoOptions, Video, VideoSource } from "../../../video/video.ts";
import { encodePng } from "../decode.ts";
import { encodeVideo } from "./encode-video.ts";
import { openVideo } from "./open-video.ts";
import { findFfmpeg } from "./programs.ts";
import { X264 } from "./video-cases.test-helper.ts";
import { hasFfmpeg, makeVideo, moving, removeVideoFolder, VIDEO_FOLDER } from "./video-files.test-helper.ts";

afterAll(removeVideoFolder);
const PATH = process.env.PATH;
afterEach(() => {
  process.env.PATH = PATH;
  expect(decodersAlive()).toEqual([]);
});

/** The decoders that this process has running, by name; nothing where the system does not list them. */
function decodersAlive(): string[] {
  const list = `/proc/${process.pid}/task/${process.pid}/children`;
  if (!existsSync(list)) return [];
  const children = readFileSync(list, "utf8")
    .split(" ")
    .filter((pid) => pid !== "");
  const names = children.map((pid) =>
    existsSync(`/proc/${pid}/comm`) ? readFileSync(`/proc/${pid}/comm`, "utf8") : "",
  );
  return names.filter((name) => /^(ffmpeg|ffprobe|sleep)/.test(name));
}

async function countFrames(
  video: Video,
  options?: Parameters<Video["read"]>[0],
): Promise<{ count: number; error: unknown }> {
  let count = 0;
  try {
    for await (const _ of video.read(options)) count++;
    return { count, error: undefined };
  } catch (error) {
    return { count, error };
  }
}

const failure = async (source: VideoSource, options?: OpenVideoOptions) =>
  openVideo(source, options).then(
    () => "it was opened",
    (error: unknown) => error,
  );

const short = () => makeVideo("short.mkv", ...moving("96x64", 2), ...X264, "-g", "10");

test.runIf(hasFfmpeg)("a file that is cut off gives what can be decoded, then says so", async () => {
  const whole = makeVideo("whole.mp4", ...moving("96x64", 4), ...X264, "-g", "10", "-movflags", "+faststart");
  for (const path of [whole, makeVideo("whole.mkv", "-i", whole, "-c", "copy")]) {
    const cut = path.replace("whole", "cut");
    copyFileSync(path, cut);
    truncateSync(cut, Math.floor(readFileSync(path).length / 2));
    await using video = await openVideo(cut);
    const { count, error } = await countFrames(video);
    expect(error).toMatchObject({ code: "video_cut_off" });
    expect(await video.cutOff?.()).toMatchObject({ code: "video_cut_off" });
    await using sound = await openVideo(path);
    expect(await sound.cutOff?.()).toBeUndefined();
    expect(count).toBeGreaterThan(20);
    expect((await countFrames(video, { end: 0.4 })).error).toBeUndefined();
  }
  const headless = makeVideo("end-first.mp4", "-i", whole, "-c", "copy");
  truncateSync(headless, Math.floor(readFileSync(headless).length / 2));
  expect(await failure(headless)).toMatchObject({ code: "video_cut_off" });
});

test.runIf(hasFfmpeg)("ten hours are announced and two seconds there; a year is refused", async () => {
  const bytes = readFileSync(short());
  const at = bytes.indexOf(Buffer.from([0x44, 0x89, 0x88])) + 3; // the segment's duration, in milliseconds
  const tag = bytes.indexOf("00:00:02.");
  bytes.writeDoubleBE(36_000_000, at);
  bytes.write("10:00:00.", tag);
  await using video = await openVideo(bytes);
  expect(video.facts.announcedSeconds).toBe(36_000);
  expect((await video.timestamps()).length).toBe(50);
  const { count, error } = await countFrames(video);
  expect([count, error]).toMatchObject([50, { code: "video_cut_off" }]);
  expect(String(error)).toContain("cut off after 50 frames, 1.96 s of 36000.00 s");
  bytes.writeDoubleBE(365 * 86_400_000, at);
  bytes.write("99:99:99.", tag);
  expect(await failure(bytes)).toMatchObject({ code: "limit" });
});

test.runIf(hasFfmpeg)("one frame, no frame, no pictures, only a part of a header", async () => {
  const one = makeVideo("one.mp4", ...moving("96x64", 1), ...X264, "-frames:v", "1");
  await using video = await openVideo(one);
  expect(await video.timestamps()).toEqual(Float64Array.of(0));
  expect(await countFrames(video)).toEqual({ count: 1, error: undefined });
  const parts = readFileSync(
    makeVideo("parts.mp4", "-i", short(), "-c", "copy", "-movflags", "+empty_moov+frag_keyframe"),
  );
  {
    await using empty = await openVideo(parts.subarray(0, parts.indexOf("moof") - 4));
    await expect(empty.timestamps()).rejects.toMatchObject({ code: "video_empty" });
    expect(await countFrames(empty)).toMatchObject({ count: 0, error: { code: "video_empty" } });
  }
  expect(await failure(new Uint8Array(0))).toMatchObject({ code: "video_empty" });
  expect(await failure(parts.subarray(0, 60))).toMatchObject({ name: "VideoError" });
  const sound = makeVideo("sound.mp4", "-f", "lavfi", "-i", "sine=duration=0.2");
  expect(await failure(sound)).toMatchObject({ code: "not_a_video", message: expect.stringContaining("sound") });
});

test.runIf(hasFfmpeg)("damage in the middle leaves the rest", async () => {
  const bytes = readFileSync(short());
  for (let i = Math.floor(bytes.length * 0.5); i < bytes.length * 0.52; i++) bytes[i] = (i * 97) & 255;
  await using video = await openVideo(bytes);
  const { count } = await countFrames(video);
  expect(count).toBeGreaterThan(20);
});

test.runIf(hasFfmpeg)("limits are checked before anything is decoded", async () => {
  const path = short();
  expect(await failure(path, { maxPixels: 6143 })).toMatchObject({
    code: "limit",
    message: expect.stringContaining("96 x 64"),
  });
  expect(await failure(path, { maxSeconds: 1.5 })).toMatchObject({ code: "limit" });
  expect(await failure(path, { maxFrameRate: 24 })).toMatchObject({ code: "limit" });
  await using video = await openVideo(path, { maxFrames: 49 });
  await expect(video.timestamps()).rejects.toMatchObject({ code: "limit" });
});

test.runIf(hasFfmpeg)("files that name other files open none", async () => {
  const target = short();
  const texts = {
    "list.ffconcat": `ffconcat version 1.0\nfile '${target}'\n`,
    "play.m3u8": `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${target}\n#EXT-X-ENDLIST\n`,
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "zeros.m3u8": `#EXTM3U\n#EXTINF:2,\n${target}\n\u0000\u0001`,
  };
  for (const [name, text] of Object.entries(texts)) {
    const path = join(VIDEO_FOLDER, name);
    writeFileSync(path, text);
    expect(await failure(path)).toMatchObject({ code: expect.stringMatching(/^(not_a_video|video_unsupported)$/) });
  }
});

test("what is no video is called what it is", async () => {
  const picture = await encodePng({ width: 2, height: 1, data: new Uint8Array(6) });
  expect(await failure(picture)).toMatchObject({
    code: "not_a_video",
    message: expect.stringContaining("a PNG picture"),
  });
  expect(await failure("/nowhere/clip.mp4")).toMatchObject({ code: "not_found" });
  expect(await failure("https://example.org/clip.mp4")).toMatchObject({ code: "usage" });
  expect(await failure(7 as never)).toMatchObject({ code: "usage" });
});

test.runIf(hasFfmpeg)("whoever stops taking frames ends the decoder: early, by a signal, by closing", async () => {
  await using video = await openVideo(makeVideo("long.mp4", ...moving("320x180", 8), ...X264));
  for await (const { index } of video.read()) if (index === 3) break;
  expect(decodersAlive()).toEqual([]);
  const controller = new AbortController();
  const aborted = (async () => {
    for await (const { index } of video.read({ signal: controller.signal })) if (index === 3) controller.abort();
  })();
  await expect(aborted).rejects.toMatchObject({ code: "aborted" });
  const open = await openVideo(makeVideo("closed.mp4", ...moving("320x180", 8), ...X264));
  const closed = (async () => {
    for await (const { index } of open.read()) if (index === 3) await open[Symbol.asyncDispose]();
  })();
  await expect(closed).rejects.toMatchObject({ code: "usage" });
});

test("limits that are none are refused", async () => {
  for (const limits of [{ maxFrames: Number.NaN }, { stallMs: 0 }, { maxPixels: -1 }])
    expect(await openVideo("nowhere.mp4", limits).catch((error: unknown) => error)).toMatchObject({ code: "usage" });
});

test.runIf(hasFfmpeg && process.platform !== "win32")(
  "a decoder that hangs is stalled, one that dies is said to, none is missing",
  async () => {
    const path = short();
    const { ffprobe } = (await findFfmpeg())!;
    const withFfmpeg = (name: string, script: string) => {
      const folder = join(VIDEO_FOLDER, name);
      mkdirSync(folder);
      symlinkSync(ffprobe, join(folder, "ffprobe"));
      const program = join(folder, "ffmpeg");
      writeFileSync(program, `#!/bin/sh\nif [ "$1" = -version ]; then echo "ffmpeg version 6.1"; else ${script}; fi\n`);
      chmodSync(program, 0o755);
      process.env.PATH = folder;
    };
    withFfmpeg("hangs", "exec /bin/sleep 100");
    await using hanging = await openVideo(path, { stallMs: 3000 });
    expect((await countFrames(hanging)).error).toMatchObject({ code: "video_stalled" });
    withFfmpeg(
      "complains",
      `exec /bin/sh -c 'while :; do echo "[error] no end of this, no end of this, no end of this" >&2; done'`,
    );
    await using complaining = await openVideo(path, { stallMs: 1500 });
    expect((await countFrames(complaining)).error).toMatchObject({ code: "video_stalled" });
    process.env.PATH = PATH;
    await using unlimited = await openVideo(path, { maxPixels: Number.POSITIVE_INFINITY, stallMs: Number.MAX_VALUE });
    expect((await countFrames(unlimited)).error).toBeUndefined();
    withFfmpeg("dies", "kill -SEGV $$");
    await using dying = await openVideo(path);
    expect((await countFrames(dying)).error).toMatchObject({
      code: "video",
      message: expect.stringContaining("crashed"),
    });
    withFfmpeg("full", `cat > /dev/null; echo "[error] Error writing trailer of x: No space left on device" >&2`);
    process.env.PATH += ":/bin:/usr/bin"; // cat
    const frame = { width: 2, height: 2, data: new Uint8Array(12) };
    await expect(encodeVideo([frame], { format: "mp4", frameRate: 1 })).rejects.toMatchObject({
      message: expect.stringContaining("No space left"),
      hint: expect.stringContaining("TMPDIR"),
    });
    process.env.PATH = "";
    expect(await failure(path)).toMatchObject({
      code: "video_decoder_missing",
      hint: expect.stringContaining("apt install ffmpeg"),
    });
  },
);
