import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { writeModelFolder } from "../../src/model-folder/load.ts";
import { nativeModel } from "../../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { encodePng } from "../../src/platform/node/decode.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { encodeAnimation } from "../../src/platform/node/video/encode-animation.ts";
import { hasFfmpeg } from "../../src/platform/node/video/video-files.test-helper.ts";
import { cli } from "./fake-terminal.ts";
import { PASTORAL, temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const labels = Array.from({ length: 10 }, (_, i) => `thing ${i}`);
const pictures = writeMini(folder, "sparseformer_v1_mini_64x64", { labels });
const clips = writeMini(folder, "media_sparseformer_v1_mini_r4_0", { labels });
const at = (name: string) => join(folder, name);

const frame = (i: number) => ({
  width: 90,
  height: 64,
  data: Uint8Array.from({ length: 3 * 90 * 64 }, (_, at) => 128 + 127 * Math.sin(i / 3 + at / 40)),
});

beforeAll(async () => {
  mkdirSync(at("frames"));
  for (let i = 0; i < 12; i++) writeFileSync(at(`frames/${String(i).padStart(2, "0")}.png`), await encodePng(frame(i)));
  mkdirSync(at("videos"));
  const animation = await encodeAnimation(
    Array.from({ length: 10 }, (_, i) => frame(i)),
    { frameRate: 10 },
  );
  writeFileSync(at("videos/wave.webp"), animation);
  writeFileSync(at("videos/broken.webp"), animation.subarray(0, 300));
});

const answers = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("a folder of frames with a model of pictures: frames averaged, and what that costs is always said", async () => {
  const { exitCode, stdout, notes } = await cli(["classify", at("frames"), "-m", pictures, "-k", "2", "--frames", "4"]);
  expect(notes).toEqual([]);
  expect(exitCode).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  for (const line of lines.slice(0, 2)) expect(line).toMatch(/^ {0,4}\d+(\.\d)? % {2}thing \d$/);
  expect(lines[2]).toMatch(/^4 frames averaged, 0\.5 s of video; 0\.\d+ GFLOPs x \(4 frames x 1 crop\)$/);
});

test("a model of clips takes animations without another word; crops and clips are counted", async () => {
  const args = [
    "classify",
    at("videos/wave.webp"),
    "-m",
    clips,
    "--json",
    "--clips",
    "2",
    "--crops",
    "3",
    "--seconds-between-frames",
    "200ms",
  ];
  const { exitCode, stdout } = await cli([...args, "--frames", "4"]);
  expect(exitCode).toBe(0);
  const [answer] = answers(stdout);
  expect(answer).toMatchObject({
    start: 0,
    end: expect.closeTo(1),
    views: { kind: "clips", clips: 2, frames: 4, crops: 3 },
  });
  expect(answer.views.cost).toMatch(/GFLOPs x \(2 clips x 3 crops\)$/);
  expect(answer.predictions).toHaveLength(5);
});

test("a timeline as text, JSON, a table and subtitles", async () => {
  const args = ["classify", at("videos/wave.webp"), "-m", pictures, "--every", "250ms", "--frames", "1"];
  const [text, json, csv, srt] = [
    await cli(args),
    await cli([...args, "--json"]),
    await cli([...args, "--csv"]),
    await cli([...args, "--srt"]),
  ];
  const [{ windows, segments }] = answers(json!.stdout);
  expect(windows.map(({ start }: { start: number }) => start)).toEqual([0, 0.25, 0.5, 0.75]);
  expect(text!.stdout.split("\n")[0]).toMatch(/^0:00\.0 - 0:0\d\.\d +\d+(\.\d)? % {2}thing \d$/);
  expect(text!.stdout).toContain("in all:\n");
  expect(csv!.stdout.split("\r\n")[0]).toBe("path,start,end,label,score");
  expect(csv!.stdout.trimEnd().split("\r\n")).toHaveLength(1 + segments.length);
  expect(srt!.stdout).toMatch(/^1\n00:00:00,000 --> 00:00:0\d,\d{3}\nthing \d \d+ %\n\n/);
});

test("a folder with a broken video: the others are answered, it is named, exit code 1", async () => {
  const { exitCode, stdout, notes } = await cli(["classify", at("videos"), "-m", clips, "--json"]);
  expect(exitCode).toBe(1);
  expect(answers(stdout).map(({ path, error }) => [path, error?.code !== undefined])).toEqual([
    [at("videos/broken.webp"), true],
    [at("videos/wave.webp"), false],
  ]);
  expect(notes.join("\n")).toContain("1 of 2 videos could not be read");
});

test.runIf(hasFfmpeg)("video files are recognised by their names, alone and in folders", async () => {
  mkdirSync(at("films"));
  const film = at("films/film.mp4");
  execFileSync("ffmpeg", [
    "-v",
    "error",
    "-nostdin",
    "-f",
    "lavfi",
    "-i",
    "testsrc2=s=96x64:r=10:d=1",
    "-pix_fmt",
    "yuv420p",
    film,
  ]);
  for (const path of [film, at("films")]) {
    const { exitCode, stdout } = await cli(["classify", path, "-m", pictures, "--json"]);
    expect(exitCode).toBe(0);
    expect(answers(stdout)).toMatchObject([{ path: film, start: 0, end: 1, views: { kind: "frames", frames: 8 } }]);
  }
});

test.each([
  [[PASTORAL, "--frames", "3"], "is a picture, and videos are classified here"],
  [["nowhere.mp4"], "video not found: nowhere.mp4"],
  [[at("frames"), "--frames", "3", "--views", "crops"], "--views is for pictures"],
  [[at("frames"), "--every", "soon"], "It must be a time"],
  [[at("frames"), "--csv"], "--csv writes a timeline"],
  [[at("frames"), "--every", "1s", "--csv", "--srt"], "--csv and --srt cannot be together"],
  [[at("frames"), "--every", "1s", "--csv", "--json"], "--csv and --json cannot be together"],
  [[at("frames"), "--frames", "1000000000"], "views for one answer"],
  [[at("frames"), at("videos/wave.webp"), "--every", "1s", "--srt"], "subtitles are of one video"],
  [[at("frames"), "--every", "1s", "--clips", "2"], "one clip a window"],
  [[at("frames"), "--every", "1ms"], "shorter than a frame"],
  [[at("frames"), "--frames", "2", "--threshold", "0.5"], "does not run in steps, so that nothing can stop it early"],
])("%j is refused", async (args, message) => {
  const { exitCode, stdout, notes } = await cli(["classify", ...args, "-m", pictures]);
  expect(notes.join("\n")).toContain(message);
  expect(exitCode).toBeGreaterThan(0);
  expect(stdout).toBe("");
  expect(notes.join("\n")).not.toMatch(/unexpected|\n\s+at /);
});

test("a model in steps stops where it is told to, and what that saved is said", async () => {
  const config = { num_class: 10, num_glance_segments: 2, num_input_focus_segments: 4, num_focus_segments: 2 };
  const definition = defineModel("uni_adafocus", {
    ...config,
    ...{ input_size: 32, patch_size: 32, smallest_crop: 16, stn_hidden_dim: 4, temporal_hidden_dim: 4 },
    global_backbone: { channel_multiplier: 0.1 },
    local_backbone: { layers: [1, 1], channels: [4, 4], stem_channels: 4 },
  });
  const weights = initialWeights(inferenceGraph(definition), 2);
  await writeModelFolder(nodeHost.files, at("steps"), nativeModel(definition, weights, { name: "steps", labels }));
  const line = async (...args: string[]) => {
    const { exitCode, stdout, notes } = await cli(["classify", at("frames"), "-m", at("steps"), "-k", "1", ...args]);
    expect([exitCode, notes]).toEqual([0, []]);
    return stdout.trimEnd().split("\n").slice(1);
  };
  expect(await line("--threshold", "0")).toEqual([
    expect.stringMatching(/^1 clip of 4 frames, 0\.5 s of video; 0\.00\d+ GFLOPs x \(1 clip x 1 crop\)$/),
    expect.stringMatching(/^stopped after: 1 glance, 0 focus; 0\.00\d+ of 0\.00\d+ GMACs a clip$/),
  ]);
  expect((await line("--threshold", "1"))[1]).toMatch(/^stopped after: 0 glance, 1 focus; /);
  expect(await line()).toHaveLength(1);
});
