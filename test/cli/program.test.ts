import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { readAtMost } from "../../src/byte-sources.ts";
import { describeDevices } from "../../src/cli/commands/doctor.ts";
import { byteProgressText, duration, progressText } from "../../src/cli/progress.ts";
import { compact, describeError } from "../../src/cli/terminal.ts";
import { LimitError, UsageError } from "../../src/errors.ts";
import { programCommand } from "../program-command.ts";
import { cli } from "./fake-terminal.ts";
import { PASTORAL, temporaryFolder, writeMini } from "./mini-model.ts";

const COMMANDS = readdirSync(resolve(import.meta.dirname, "../../src/cli/commands"))
  .filter((file) => !file.endsWith(".test.ts"))
  .map((file) => file.replace(/\.ts$/, ""));
const folder = temporaryFolder();

test("without arguments: the help, with examples, and no fault found", async () => {
  const { exitCode, stdout } = await cli([]);
  expect(exitCode).toBe(0);
  for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, "m"));
  expect(stdout.match(/^ {2}\$ saccade classify /gm)).toHaveLength(2);
});

test.each(["", ...COMMANDS])("help of %j fits 80 columns and shows examples", async (command) => {
  const { exitCode, stdout } = await cli([...(command === "" ? [] : [command]), "--help"]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^ {2}\$ saccade /m);
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
});

test.each([
  [["clasify", "x.jpg"], "Did you mean classify?"],
  [["classify", "x.jpg", "--topk", "3"], "Did you mean --top-k?"],
  [["models", "resnet50", "extra"], "too many arguments"],
])("%j: exit code 2 and what was meant", async (args, message) => {
  const { exitCode, notes, stdout } = await cli(args);
  expect(exitCode).toBe(2);
  expect(notes.join("\n")).toContain(message);
  expect(stdout).toBe("");
});

test("--version", async () => {
  expect((await cli(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("models: one paragraph each within 80 columns, and the same as JSON", async () => {
  process.env.SACCADE_CACHE = resolve(folder, "no-cache");
  const { stdout } = await cli(["models"]);
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  const models = JSON.parse((await cli(["models", "--json"])).stdout);
  const official = models.filter((model: { official_weights?: string }) => model.official_weights !== undefined);
  expect(official.length).toBeGreaterThan(40);
  for (const { name, parameters, macs, licence, official_weights, weights } of models) {
    expect(stdout).toContain(name);
    expect([typeof parameters, typeof macs], name).toEqual(["number", "number"]);
    // What comes with the package is there; nothing was pulled into this cache.
    const bundled = name.startsWith("saccade/");
    expect(weights, name).toBe(bundled ? "bundled" : parameters === 0 ? "built in" : "not here");
    // Who publishes no file to pull (GFNet's drives hand out pages, not files) states no licence of one either.
    expect(licence === undefined, name).toBe(!bundled && official_weights === undefined);
    if (official_weights !== undefined) expect(official_weights).toMatch(/^https:/);
  }
});

test("doctor: devices, folders, what is missing; its exit code says whether pictures can be classified", async () => {
  process.env.SACCADE_CACHE = resolve(folder, "no-cache");
  const { exitCode, stdout } = await cli(["doctor", "--json"]);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ node: process.version, pictures: { works: true } });
  expect(report.devices.map(({ device }: { device: string }) => device).sort()).toEqual([
    "cpu",
    "cuda",
    "wasm",
    "webgpu",
  ]);
  expect(report.can_classify).toBe(exitCode === 0);
  expect(report.can_classify).toBe(report.models.length > 0 && report.auto !== undefined);
});

test("doctor says once what several devices need", () => {
  const missing = { available: false, reason: "no native build", hint: "install it" };
  const devices = [
    { device: "cuda" as const, ...missing },
    { device: "cpu" as const, ...missing },
    { device: "wasm" as const, available: true, engine: "onnxruntime-web 1", startMs: 4 },
    { device: "webgpu" as const, available: false, reason: "no adapter" },
  ];
  expect(describeDevices({ devices, auto: "wasm" }, 80)).toBe(
    [
      "  cuda    not here: no native build; install it",
      "  cpu     not here, for the same reason as cuda",
      "  wasm *  works: onnxruntime-web 1, starts in 4 ms",
      "  webgpu  not here: no adapter\n",
    ].join("\n"),
  );
});

test("errors: ours in a line or two, others in one line unless asked for more", () => {
  expect(describeError(new UsageError("no such thing", "take another"))).toBe("saccade: no such thing\n  take another");
  const fault = describeError(new TypeError("x is not a function\nsecond line"), false);
  expect(fault).toMatch(/^saccade: unexpected error: x is not a function .*SACCADE_DEBUG=1/);
  expect(fault).not.toContain("\n");
  expect(describeError(new TypeError("x is not a function"), true)).toMatch(/\n\s+at /);
});

test("numbers for people", () => {
  expect([compact(0), compact(999), compact(1234), compact(31.5e6), compact(126e6, "B")]).toEqual([
    "0",
    "999",
    "1.23 k",
    "31.5 M",
    "126 MB",
  ]);
  expect([duration(4), duration(75), duration(7265), duration(Number.POSITIVE_INFINITY)]).toEqual([
    "4 s",
    "1 min 15 s",
    "2 h 1 min",
    "?",
  ]);
  expect(progressText("pictures", 30, 120, 2)).toBe("30 of 120 pictures (25 %), 15 pictures/s, 6 s left");
  expect(byteProgressText("tiny", 50e6, 126e6, 10e6)).toBe("tiny: 50.0 MB of 126 MB (39 %), 10.0 MB/s, 8 s left");
});

/** The entry as it is started, in a process of its own. */
function bin(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const [program, ...before] = programCommand();
  return promisify(execFile)(program, [...before, ...args], {
    env: { ...process.env, ...environment },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

test("the real process: answers on stdout, exits by itself, and its exit code is the answer", async () => {
  const model = writeMini(folder, "sparseformer_v1_mini_64x64");
  const { code, stdout, stderr } = await bin(["classify", PASTORAL, "-m", model, "--json"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout).predictions).toHaveLength(5);
  const missing = await bin(["classify", "nowhere.jpg", "-m", model]);
  expect(missing.code).toBe(1);
  expect(missing.stdout).toBe("");
  expect(missing.stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
  expect((await bin(["clasify"])).code).toBe(2);
});

test("standard input that does not end is left at the limit", async () => {
  let given = 0;
  async function* endless() {
    for (;;) {
      given++;
      yield new Uint8Array(10).fill(given);
    }
  }
  await expect(readAtMost(endless(), 25)).rejects.toBeInstanceOf(LimitError);
  expect(given).toBe(3);
  const whole = readAtMost(
    (async function* () {
      yield Uint8Array.of(1, 2);
      yield Uint8Array.of(3);
    })(),
    3,
  );
  expect([...(await whole)]).toEqual([1, 2, 3]);
});
