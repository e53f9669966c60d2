import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const model = writeMini(folder, "sparseformer_v1_mini_64x64");

async function json(...args: string[]) {
  return JSON.parse((await cli(["models", ...args, "--json"])).stdout);
}

test("every model is counted at the size it was made for", async () => {
  const models: { name: string; macs: number; macs_at: object }[] = await json();
  const of = (name: string) => models.find((listed) => listed.name === name);
  const config = readFileSync(resolve(import.meta.dirname, "../../models/everyday/config.json"), "utf8");
  const size = Number(/central_crop\((\d+)\)/.exec(config)![1]);
  expect(size).toBeLessThan(224);
  expect(of("saccade/everyday")).toMatchObject({ macs_at: { height: size, width: size, batch: 1 } });
  expect(of("sparseformer_v1_tiny")).toMatchObject({ macs_at: { height: 224, width: 224 }, parameters: 31522212 });
  expect(of("media_sparseformer_v1_tiny")).toMatchObject({ macs_at: { frames: 8 } });
});

test("--size counts all of them at another size", async () => {
  const of = (models: { name: string; macs: number }[]) => models.find(({ name }) => name === "sparseformer_v1_tiny");
  const [usual, large] = [of(await json())!, of(await json("--size", "448"))!];
  expect(large).toMatchObject({ macs_at: { height: 448, width: 448 } });
  expect(large.macs - usual.macs).toBe((3 * 224 ** 2 * 96 * 147) / 4);
});

test("one model: parts and ops that add up, in JSON and as tables within 80 columns", async () => {
  const { macs, parameters, activation_bytes, parts, ops } = await json("sparseformer_v1_tiny", "--size", "512");
  for (const rows of [parts, ops])
    expect(rows.reduce((sum: number, row: { macs: number }) => sum + row.macs, 0)).toBe(macs);
  expect(parts.reduce((sum: number, part: { parameters: number }) => sum + part.parameters, 0)).toBe(parameters);
  expect(activation_bytes.peak).toBe(2 * 4 * 96 * 256 ** 2);
  const { exitCode, stdout } = await cli(["models", "sparseformer_v1_tiny", "--size", "512"]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("one of 512 x 512");
  for (const words of ["feat_extractor", "layers.9", "conv"]) expect(stdout).toContain(words);
  const long = stdout.split("\n").filter((line) => line.length > 80 && !line.includes("https://"));
  expect(long).toEqual([]);
});

test("--left: what a picture costs in which tokens stop", async () => {
  const all = await json("dtop_base_ade20k");
  const some = await json("dtop_base_ade20k", "--left", "0.7,0.5");
  expect(some.macs).toBeLessThan(all.macs);
  expect(some.macs).toBeGreaterThan(some.macs_at_least);
  expect(all).toMatchObject({ decisions: 2, macs_at_least: some.macs_at_least });
  const { stdout } = await cli(["models", "dtop_base_ade20k", "--left", "0.7,0.5"]);
  expect(stdout.replace(/\s+/g, " ")).toContain(
    "the picture decides at 2 places how many go on: 70 %, 50 % here (--left); never below 58.3 G MACs",
  );
});

test("a model folder is counted at its transform's size; --batch and --depth", async () => {
  const one = await json(model);
  expect(one.input).toEqual({ height: 64, width: 64, batch: 1 });
  const four = await json(model, "--batch", "4", "--depth", "1");
  expect(four.macs - four.macs_at_load).toBe(4 * (one.macs - one.macs_at_load));
  expect(four.parts.map(({ path }: { path: string }) => path)).toContain("layers");
});

test.each([
  [["nowhere"], 1, "model not found: nowhere"],
  [["./nowhere/"], 1, "model not found: ./nowhere/"],
  [["file.pth"], 2, "is a file"],
  [["--depth", "2"], 2, "need a model"],
  [["sparseformer_v1_tiny", "--size", "0"], 2, "at least 1"],
  [["dtop_base_ade20k", "--left", "0.7"], 2, "takes 2 shares of tokens that are left"],
  [["dtop_base_ade20k", "--left", "seven"], 2, "give shares in 0..1"],
  [["--left", "0.7,0.5"], 2, "need a model"],
  [["sparseformer_v1_tiny", "--left", "1"], 2, "the same for all pictures"],
])("models %j: exit code %d", async (args, exitCode, message) => {
  writeFileSync(join(folder, "file.pth"), "x");
  const run = await cli(["models", ...args.map((arg) => (arg === "file.pth" ? join(folder, arg) : arg))]);
  expect(run.exitCode).toBe(exitCode);
  expect(run.notes.join("\n")).toContain(message);
  expect(run.stdout).toBe("");
});
