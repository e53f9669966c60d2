import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { liveLine } from "../../src/cli/classify-stream.ts";
import { liveSource } from "../../src/cli/stream-source.ts";
import { encodePng } from "../../src/platform/node/decode.ts";
import type { StreamAnswer, StreamCounts } from "../../src/tasks/stream/results.ts";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const labels = Array.from({ length: 10 }, (_, i) => `thing ${i}`);
const model = writeMini(folder, "sparseformer_v1_mini_64x64", { labels });
const frames = join(folder, "frames");

beforeAll(async () => {
  mkdirSync(frames);
  // Six dark frames, six light ones.
  for (let i = 0; i < 12; i++) {
    const frame = { width: 90, height: 64, data: new Uint8Array(3 * 90 * 64).fill(i < 6 ? 40 : 210) };
    writeFileSync(join(frames, `${String(i).padStart(2, "0")}.png`), await encodePng(frame));
  }
});

test("a line where the answer changes, and what it took at the end", async () => {
  const { exitCode, stdout, notes } = await cli(["classify", "--stream", frames, "-m", model]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^0:00\.0 +\d+(\.\d)? % {2}thing \d\n/);
  expect(notes.at(-1)).toMatch(/^12 frames in .*: 2 looked at, 10 as before, 0 dropped; .* ms a frame, at most \d+$/);
});

test("JSON has a line for every frame; steps and full looks are counted", async () => {
  const { stdout } = await cli(["classify", "--stream", frames, "-m", model, "--json", "-k", "1"]);
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ look }) => look).join(" ")).toBe(`full${" kept".repeat(5)} full${" kept".repeat(5)}`);
  expect(lines.map(({ scene }) => scene)).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
  expect(lines[7]).toMatchObject({
    index: 7,
    seconds: 0.28,
    reason: "still",
    dropped: 0,
    latency_ms: expect.any(Number),
  });
  const { notes } = await cli(["classify", "--stream", frames, "-m", model, "--steps"]);
  expect(notes.at(-1)).toMatch(/2 looked at, 0 confirmed by a step, 10 as before, .*MACs a frame$/);
  const every = await cli(["classify", "--stream", frames, "-m", model, "--every-frame"]);
  expect(every.notes.at(-1)).toContain("each looked at");
});

test("what does not go together is refused", async () => {
  for (const [args, words] of [
    [["--stream"], "--stream follows one source"],
    [["--stream", "a.mp4", "b.mp4"], "--stream follows one source"],
    [["--stream", "camera", "--realtime"], "--realtime is for video files"],
    [["--stream", "camera", "--every", "1s"], "options for clips"],
    [["--stream", "camera", "--explain", "looked.mp4"], "drawings are .png, .svg or .html"],
    [["a.mp4", "--steps"], "--steps belongs to --stream"],
  ] as const) {
    const { exitCode, notes } = await cli(["classify", ...args, "-m", model]);
    expect([exitCode, notes.join(" ")], words).toEqual([2, expect.stringContaining(words)]);
  }
});

test("sources are told by how they are written", () => {
  expect(liveSource("camera")).toEqual({ kind: "camera" });
  expect(liveSource("camera:1")).toEqual({ kind: "camera", device: "1" });
  expect(liveSource("-")).toEqual({ kind: "stdin" });
  expect(liveSource("rtsp://host/stream")).toEqual({ kind: "address", url: "rtsp://host/stream" });
  for (const path of ["clip.mp4", "file:///tmp/clip.mp4", "C:\\clip.mp4", "./camera"])
    expect(liveSource(path)).toBeUndefined();
});

test("the live line fits 80 columns, whatever the label and the numbers", () => {
  const counts: StreamCounts = {
    ...{ frames: 1_234_567, dropped: 98_765, fullLooks: 100_000, steps: 0, kept: 1_134_567 },
    latency: { totalMs: 1, longestMs: 1 },
  };
  const answer = {
    ...{ seconds: 123_456.7, latencyMs: 1234.5, unknown: true },
    predictions: [{ label: "a very long label that nobody wanted to shorten", index: 0, score: 0.5 }],
  } as unknown as StreamAnswer;
  const line = liveLine(answer, { counts }, 50_000);
  expect(line.length).toBeLessThanOrEqual(79);
  expect(line).toContain("… 50 %, 24.7 frames/s, 1235 ms, 8 % looked at");
});
