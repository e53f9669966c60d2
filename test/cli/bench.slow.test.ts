import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { stageText } from "../../src/cli/commands/bench.ts";
import { parseBenchReport } from "../../src/evaluate/bench/report.ts";
import { assertWellFormed } from "../../src/evaluate/report/well-formed.test-helper.ts";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const model = writeMini(folder, "sparseformer_v1_mini_64x64", {
  labels: Array.from({ length: 10 }, (_, i) => `c${i}`),
});
const other = writeMini(folder, "sparseformer_clip_mini_64x64");
/** As little as makes three rounds. */
const QUICK = ["--rounds", "3", "--seconds", "0.1", "--threads", "1", "--device", "cpu"];
/** Traces and the like go here, where no other test's are. */
const scratch = mkdtempSync(join(folder, "scratch-"));
vi.stubEnv("TMPDIR", scratch);
const leftovers = () => readdirSync(scratch).filter((name) => name.startsWith("saccade-bench-"));

test("models x sizes x batches: a table, JSON, CSV and plots of the same rows", async () => {
  const files = { json: at("report.json"), csv: at("rows.csv"), svg: at("plots") };
  const { exitCode, stdout, notes } = await cli([
    ...["bench", model, `${other}@64,96`, "--resolution", "64,80", "--batch", "1,3", "--no-memory", ...QUICK],
    ...["--json", files.json, "--csv", files.csv, "--svg", files.svg, "--seed", "5"],
  ]);
  expect(exitCode).toBe(0);
  const report = parseBenchReport(readFileSync(files.json, "utf8"), files.json);
  expect(report).toMatchObject({ rounds: 3, complete: true, seed: 5, decode: false, skipped: [] });
  expect(report.rows.map((row) => [row.model, row.height, row.batch])).toEqual(
    [[model, [64, 80]] as const, [other, [64, 96]] as const].flatMap(([name, sizes]) =>
      sizes.flatMap((size) => [1, 3].map((batch) => [name, size, batch])),
    ),
  );
  for (const row of report.rows) {
    expect(row.ms.q1).toBeLessThanOrEqual(row.ms.median);
    expect(row.ms.median).toBeLessThanOrEqual(row.ms.q3);
    expect(row.pictures_per_second).toBeCloseTo((1000 * row.batch) / row.ms.median, -1);
    // Five digits are kept of each.
    expect(row.share_of_limit! / ((2 * row.run_macs!) / (1e6 * row.ms.median) / report.limits[0]!.gflops)).toBeCloseTo(
      1,
      3,
    );
    expect(row.run_macs).toBeLessThan(row.batch * row.macs!);
  }
  expect(report.rows.filter((row) => row.model === model).map(({ ratio }) => ratio?.median)).toEqual([
    1,
    1,
    undefined, // nothing to compare with at this size
    undefined,
  ]);
  expect(report.engines.cpu).toMatch(/^onnxruntime-node \d/);
  expect(readFileSync(files.csv, "utf8").trimEnd().split("\r\n")).toHaveLength(1 + 8);
  const plots = readdirSync(files.svg).sort();
  expect(plots).toEqual(["batch1", "batch3"].flatMap((b) => [`throughput-${b}.svg`, `time-by-macs-${b}.svg`]).sort());
  for (const name of plots) assertWellFormed(readFileSync(join(files.svg, name), "utf8"));
  expect(stdout).toContain(model);
  expect(stdout.split("\n").filter((line) => line.length > 80 && !line.includes(folder))).toEqual([]);
  expect(notes.filter((note) => note.startsWith("written: "))).toHaveLength(6);
});

test("memory, cold start and shares of operators and parts; JSON alone on standard output", async () => {
  const { exitCode, stdout } = await cli(["bench", model, "--parts", "--no-limit", "--json", "-", ...QUICK]);
  expect(exitCode).toBe(0);
  const { rows, limits } = parseBenchReport(stdout, "stdout");
  expect(limits).toEqual([]);
  const { fresh, ops, parts } = rows[0]!;
  expect(rows[0]).toMatchObject({ model, height: 64, width: 64 });
  expect(fresh!.peak_bytes).toBeGreaterThan(fresh!.idle_bytes);
  for (const shares of [ops!, parts!]) expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 2);
  expect(ops!.map(({ name }) => name)).toContain("Gemm");
  expect(parts!.map(({ name }) => name)).toContain("layers.0");
  expect(leftovers()).toEqual([]);
});

test("--decode begins with JPEG files, for classifiers and embedders", async () => {
  const run = await cli(["bench", model, other, "--decode", "--no-memory", "--no-limit", "--csv", "-", ...QUICK]);
  expect(run.exitCode).toBe(0);
  expect(run.stdout).toMatch(/mini_64x64,64,64,,1,cpu,float32,1,true,/);
  expect(run.stdout.trimEnd().split("\r\n")).toHaveLength(3);
});

test("an exported file is measured like a model; what it does not take is said, and the exit code tells", async () => {
  const onnx = at("fixed.onnx");
  await cli(["export", model, onnx, "--no-verify", "--outputs", "logits", "--height", "64", "--width", "64"]);
  const { exitCode, stdout, notes } = await cli([
    ...["bench", onnx, "--resolution", "64,128", "--no-memory", "--no-limit", "--json", "-"],
    ...QUICK,
  ]);
  expect(exitCode).toBe(1);
  const report = parseBenchReport(stdout, "stdout");
  expect(report.rows.map(({ height }) => height)).toEqual([64]);
  expect(report.skipped[0]).toMatchObject({ height: 128, reason: "the file takes [batch, 3, 64, 64] only" });
  expect(notes.join("\n")).toContain("128 x 128, batch 1, cpu: the file takes");
});

test("a device that is not there leaves the others", async () => {
  const { exitCode, stdout, notes } = await cli([
    ...["bench", model, "--rounds", "3", "--seconds", "0.1", "--device", "cpu,cuda", "--threads", "1"],
    ...["--no-memory", "--no-limit", "--json", "-"],
  ]);
  const devices = parseBenchReport(stdout, "stdout").rows.map(({ device }) => device);
  expect(devices).toContain("cpu");
  if (!devices.includes("cuda")) {
    expect(exitCode).toBe(1);
    expect(notes.join("\n")).toMatch(/cuda: the device cuda is not available/);
  }
});

test("Ctrl-C before anything is measured: nothing is written; later: what there is, and exit code 130", async () => {
  const early = await cli(["bench", model, "--json", at("early.json"), ...QUICK], { signal: AbortSignal.abort() });
  expect([early.exitCode, early.stdout, existsSync(at("early.json"))]).toEqual([130, "", false]);
  const stopping = new AbortController();
  const long = ["bench", model, "--no-limit", "--rounds", "100000", "--seconds", "3600", "--device", "cpu"];
  const late = await cli([...long, "--json", at("late.json")], {
    signal: stopping.signal,
    onStatus: (line) => line.startsWith("measuring: round 3,") && stopping.abort(),
  });
  expect(late.exitCode).toBe(130);
  const report = parseBenchReport(readFileSync(at("late.json"), "utf8"), "late.json");
  expect(report.complete).toBe(false);
  expect(report.rows[0]!.fresh).toBeUndefined();
  expect(late.stdout).toContain(model);
  expect(late.notes.join("\n")).toContain("stopped after 3 rounds");
  expect(leftovers()).toEqual([]);
});

test.each([
  [["--batch", "0"], "integers from 1 to 1024"],
  [["--batch", "1,,2"], "integers from 1"],
  [["--batch", "2000000"], "integers from 1"],
  [["--resolution", "99999"], "integers from 1 to 16384"],
  [["--resolution", "1.5"], "integers"],
  [["--device", "gpu"], "Allowed are auto, cpu"],
  [["--precision", "int3"], "Allowed are float32"],
  [["--seconds", "soon"], "a number from 0.1"],
  [["--rounds", "0"], "at least 1"],
  [["other@0"], "integers from 1"],
])("%j: exit code 2", async (args, message) => {
  const { exitCode, stdout, notes } = await cli(["bench", model, ...args]);
  expect([exitCode, stdout]).toEqual([2, ""]);
  expect(notes.join("\n")).toContain(message);
});

test.each([
  [["no_such_model"], 1, "model not found: no_such_model"],
  [["mobilenetv3_small_050", "--resolution", "16384", "--batch", "1024"], 2, "there is nothing to measure"],
])("%j: exit code %d", async (args, exitCode, message) => {
  const run = await cli(["bench", ...args, ...QUICK]);
  expect([run.exitCode, run.stdout]).toEqual([exitCode, ""]);
  expect(run.notes.join("\n")).toContain(message);
});

test("the progress line: the stage, what of it is done, and what is left once that can be told", () => {
  expect(stageText({ stage: "loading", done: 0, detail: "resnet50" }, 0.2)).toBe("loading: resnet50, 0 %");
  expect(stageText({ stage: "measuring", done: 0.25, detail: "round 7" }, 20)).toBe(
    "measuring: round 7, 25 %, 1 min 0 s left",
  );
  expect(stageText({ stage: "warming up", done: 0.5, detail: "" }, 0.5)).toBe("warming up: 50 %");
});
