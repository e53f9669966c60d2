// saccade detect --stream and segment --stream over a folder of frames: lines, JSON lines, drawings, and what does not go together.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { countedLabels } from "../../src/cli/dense-stream.ts";
import { exportOnnx } from "../../src/model-folder/compile.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { colouredPicture, denseToy } from "../dense-toys.ts";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder } from "./mini-model.ts";

const root = temporaryFolder();
const detector = join(root, "detector.onnx");
const segmenter = join(root, "segmenter.onnx");
const frames = join(root, "frames");
const run = (...args: string[]) => cli([...args, "--device", "cpu", "--threads", "1"]);

beforeAll(async () => {
  writeFileSync(detector, exportOnnx(denseToy("detections")));
  writeFileSync(segmenter, exportOnnx(denseToy("semantic")));
  mkdirSync(frames);
  // Something red that moves, and from the third frame on something green beside it.
  for (let i = 0; i < 4; i++) {
    const green = i < 2 ? [] : ([["green", 64, 40, 72, 48]] as const);
    const frame = colouredPicture(96, 64, [["red", 8 * i, 16, 8 * i + 8, 24], ...green]);
    writeFileSync(join(frames, `${i}.png`), await nodeHost.encodePng(frame));
  }
});

test("a line where what is there changes, a drawing, and what it took", async () => {
  const drawing = join(root, "now.png");
  const { exitCode, stdout, notes } = await run("detect", "--stream", frames, "-m", detector, "--draw", drawing);
  expect(exitCode).toBe(0);
  expect(stdout).toBe("0:00.0  1 red\n0:00.0  1 green, 1 red\n");
  expect(notes.at(-1)).toMatch(/^4 frames in .*: each looked at, 0 dropped; .* ms a frame, at most \d+$/);
  expect((await nodeHost.decode(readFileSync(drawing))).width).toBeGreaterThan(0);
});

test("--json is a line for every frame", async () => {
  const { stdout } = await run("detect", "--stream", frames, "-m", detector, "--json");
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ index, detections }) => [index, detections.length])).toEqual([
    [0, 1],
    [1, 1],
    [2, 2],
    [3, 2],
  ]);
  expect(lines[3]).toMatchObject({
    ...{ source: frames, device: "cpu", seconds: 0.12, look: "full", dropped: 0 },
    picture: { width: 96, height: 64 },
    latency_ms: expect.any(Number),
  });
  const segments = await run("segment", "--stream", frames, "-m", segmenter, "--json", "--only", "red");
  const [first] = segments.stdout.split("\n");
  expect(JSON.parse(first!)).toMatchObject({
    kind: "semantic",
    segments: [{ label: "red", mask: { size: [64, 96] } }],
  });
});

test("what does not go together is refused", async () => {
  for (const [args, words] of [
    [["--stream"], "--stream follows one source"],
    [["--stream", "a.mp4", "b.mp4"], "--stream follows one source"],
    [["--stream", "camera", "--realtime"], "--realtime is for video files"],
    [["--stream", "camera", "--draw", "now.txt"], "drawings are .png or .jpg"],
    [["a.png", "--changed", "0.1"], "--changed belongs to --stream"],
    [["a.png", "--realtime"], "--realtime belongs to --stream"],
    [["--stream", "camera", "--changed", "0"], "between 0 and 1"],
  ] as const) {
    const { exitCode, notes, stdout } = await run("detect", ...args, "-m", detector);
    expect([exitCode, `${notes.join(" ")}${stdout}`], words).toEqual([2, expect.stringContaining(words)]);
  }
  const { notes } = await run("segment", "--stream", "camera", "--masks", "masks/", "-m", segmenter);
  expect(notes.join(" ")).toContain("--masks writes files of pictures");
});

test("things are counted", () => {
  expect(countedLabels(["dog", "cat", "dog"])).toBe("1 cat, 2 dog");
  expect(countedLabels([])).toBe("nothing");
});
