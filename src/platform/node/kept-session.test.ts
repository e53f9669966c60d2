import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { SessionOptions } from "../../runtime/session.ts";
import { tensor } from "../../tensor.ts";
import { sha256 } from "./digest.ts";
import { KeptGraphs } from "./kept-graphs.ts";
import { createKeptSession } from "./kept-session.ts";
import { onnxModel } from "./onnx-fixtures.test-helper.ts";

const root = mkdtempSync(join(tmpdir(), "saccade-graphs-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const MACHINE = { processor: "test", simd: [] };

const value = (name: string) => ({ name, dtype: "float32", shape: [2] }) as const;
/** output = input * input, through two nodes that an engine makes one. */
const SQUARE = onnxModel(
  [value("input")],
  [
    { op: "Identity", inputs: ["input"], outputs: ["same"] },
    { op: "Mul", inputs: ["input", "same"], outputs: ["output"] },
  ],
  [value("output")],
);

/** Room for two or three. */
const LIMIT = 600;

let folders = 0;
const newFolder = () => join(root, String(folders++));
const filesOf = (folder: string) => readdirSync(folder).sort();

/** Runs the model of a key, and says how often it was made. */
async function square(
  folder: string,
  { key = "square", madeBy = "test", ...options }: SessionOptions & { key?: string; madeBy?: string } = {},
): Promise<number> {
  let made = 0;
  const model = () => {
    made += 1;
    return SQUARE;
  };
  const graphs = new KeptGraphs(folder, { totalBytes: LIMIT });
  const all = { device: "cpu", threads: 1, ...options, graphs, madeBy } as const;
  await using session = await createKeptSession(MACHINE, key, model, all);
  const { output } = await session.run({ input: tensor("float32", [2], Float32Array.of(3, -5)) });
  expect([...output!.data]).toEqual([9, 25]);
  return made;
}

const PATIENCE = { timeout: 30_000 };

/** Files get their names in the background. */
const untilKept = (folder: string, count = 1) =>
  vi.waitFor(() => {
    expect(filesOf(folder).filter((file) => file.endsWith(".onnx"))).toHaveLength(count);
    expect(filesOf(folder).filter((file) => file.endsWith(".part"))).toEqual([]);
  }, PATIENCE);

test("a model is made once for each key, and found by whoever comes next", async () => {
  const folder = newFolder();
  expect(await square(folder)).toBe(1);
  await untilKept(folder);
  expect(await square(folder)).toBe(0);
  expect(await square(folder, { key: "another" })).toBe(1);
  expect(await square(folder, { madeBy: "another build" })).toBe(1);
});

test("what is damaged, or was never a model, is made anew", async () => {
  const folder = newFolder();
  await square(folder);
  await untilKept(folder);
  const [file = ""] = filesOf(folder);
  const bytes = readFileSync(join(folder, file));
  bytes[bytes.length - 3]! ^= 1;
  writeFileSync(join(folder, file), bytes);
  expect(await square(folder)).toBe(1);
  await untilKept(folder);
  expect(await square(folder)).toBe(0);
  const junk = new TextEncoder().encode("no model at all");
  rmSync(join(folder, file), { force: true });
  writeFileSync(join(folder, `${file.split(".")[0]}.${await sha256(junk)}.onnx`), junk);
  expect(await square(folder)).toBe(1);
  await untilKept(folder);
  expect(await square(folder)).toBe(0);
});

test("processes that come together do not harm each other", async () => {
  const folder = newFolder();
  await Promise.all([square(folder), square(folder), square(folder)]);
  await vi.waitFor(() => expect(filesOf(folder).filter((file) => file.endsWith(".part"))).toEqual([]), PATIENCE);
  expect(await square(folder)).toBe(0);
});

test("the folder is bounded: what was not used for the longest time goes, and what a killed process left", async () => {
  const folder = newFolder();
  mkdirSync(folder);
  const left = join(folder, "0123456789abcdef.part");
  writeFileSync(left, "half");
  utimesSync(left, 1, 1);
  writeFileSync(join(folder, "0123456789abcdee.part"), "of a process that writes just now");
  for (let i = 0; i < 5; i++) await square(folder, { key: `${i}` });
  await vi.waitFor(() => expect(filesOf(folder).filter((file) => file.endsWith(".part"))).toHaveLength(1), PATIENCE);
  const total = filesOf(folder).reduce((sum, file) => sum + readFileSync(join(folder, file)).length, 0);
  expect(total).toBeLessThan(LIMIT + 50);
  expect(await square(folder, { key: "4" })).toBe(0);
  expect(await square(folder, { key: "0" })).toBe(1);
});

test.runIf(process.platform === "linux")("of a full disk nothing more is taken", async () => {
  const folder = newFolder();
  mkdirSync(folder);
  const part = join(folder, "0123456789abcdef.part");
  class Full extends KeptGraphs {
    override async begin() {
      symlinkSync("/dev/full", part);
      return part;
    }
  }
  const graphs = new Full(folder);
  const all = { device: "cpu", threads: 1, graphs, madeBy: "test" } as const;
  await using session = await createKeptSession(MACHINE, "full", () => SQUARE, all);
  const { output } = await session.run({ input: tensor("float32", [2], Float32Array.of(3, -5)) });
  expect([...output!.data]).toEqual([9, 25]);
  await vi.waitFor(() => expect(filesOf(folder)).toEqual([]), PATIENCE);
});

test("where nothing can be written, and where it is turned off, a session is a session", async () => {
  const file = newFolder();
  writeFileSync(file, "no folder");
  expect(await square(file)).toBe(1);
  if (process.platform === "linux") expect(await square("/proc/nothing/graphs")).toBe(1);
  const folder = newFolder();
  mkdirSync(folder);
  vi.stubEnv("SACCADE_GRAPH_CACHE", "0");
  expect(await square(folder)).toBe(1);
  vi.unstubAllEnvs();
  expect(await square(folder, { device: "wasm" })).toBe(1);
  expect(filesOf(folder)).toEqual([]);
});

test("a model that no engine takes fails as ever, and leaves nothing", async () => {
  const folder = newFolder();
  const bad = onnxModel(
    [value("input")],
    [{ op: "NoSuchOp", inputs: ["input"], outputs: ["output"] }],
    [value("output")],
  );
  const options = { device: "cpu", threads: 1, graphs: new KeptGraphs(folder), madeBy: "test" } as const;
  await expect(createKeptSession(MACHINE, "bad", () => bad, options)).rejects.toThrow(/NoSuchOp/);
  expect(filesOf(folder)).toEqual([]);
});
