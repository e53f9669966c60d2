import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test, vi } from "vitest";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const model = writeMini(folder, "sparseformer_v1_mini_64x64");

async function json(...args: string[]) {
  return JSON.parse((await cli(["models", ...args, "--json"])).stdout);
}

/** Counting all families takes long; program.test.ts does it once. */
const SPARSEFORMERS = ["--family", "sparseformer,media_sparseformer"];

test("every model is counted at the size it was made for", async () => {
  const models: { name: string; macs: number; macs_at: object }[] = await json(...SPARSEFORMERS);
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
  const [usual, large] = [of(await json(...SPARSEFORMERS))!, of(await json(...SPARSEFORMERS, "--size", "448"))!];
  expect(large).toMatchObject({ macs_at: { height: 448, width: 448 } });
  expect(large.macs - usual.macs).toBe((3 * 224 ** 2 * 96 * 147) / 4);
});

test("--family, --search, --max-params and --max-macs leave models out", async () => {
  const names = async (...args: string[]) => (await json(...args)).map(({ name }: { name: string }) => name);
  expect(await names("--family", "DHVT,lightcnn", "--max-params", "11M")).toEqual(
    ["dhvt_tiny_cifar_patch4", "dhvt_tiny_cifar_patch2", "dhvt_tiny_imagenet_patch16", "lightcnn_v4"].filter(Boolean),
  );
  const found = await json("--search", "imagenet-1k MIT", "--family", "regnet", "--max-macs", "0.6G");
  for (const { summary, licence, macs } of found) {
    expect(`${summary} ${licence}`).toMatch(/ImageNet-1k.*MIT/);
    expect(macs).toBeLessThanOrEqual(0.6e9);
  }
  expect(found.map(({ name }: { name: string }) => name)).toEqual(["regnety_002", "regnety_004"]);
  // Swin is for one size and says no to others: within no limit.
  expect(await names("--family", "swin", "--size", "10", "--max-macs", "100T")).toEqual([]);
});

test("the list stands under its families, in narrow terminals too", async () => {
  const args = ["models", "--family", "dhvt,spartan"];
  for (const columns of [80, 60, 48]) {
    const { stdout } = await cli(args, { columns });
    const lines = stdout.split("\n").filter((line) => !line.startsWith("Official weights"));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(lines.filter((line) => line.startsWith("-- "))).toEqual([
      "-- spartan: https://arxiv.org/abs/2507.10999",
      "-- dhvt: https://arxiv.org/abs/2210.05958",
    ]);
    expect(stdout).toContain("dhvt_tiny_cifar_patch4");
  }
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
  [["--family", "vitt"], 1, "family of models not found: vitt\n  did you mean vit?"],
  [
    ["--family", "dhvt", "--search", "mit", "--max-params", "10k"],
    1,
    'model not found: --family dhvt --search "mit" --max-params 10000',
  ],
  [["--max-macs", "few"], 2, "such as 300k, 10M or 2.5G"],
  [["sparseformer_v1_tiny", "--family", "vit"], 2, "are for the list of all models"],
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

test("where counting takes long, a line says how far it is; Ctrl-C ends it", async () => {
  const lines: string[] = [];
  const controller = new AbortController();
  let now = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => (now += 1500));
  try {
    const args = ["models", "--family", "dhvt,lightcnn", "--json"];
    const run = await cli(args, { onStatus: (line) => lines.push(line) });
    expect(lines[0]).toMatch(/^1 of \d+ models \(\d+ %\), [\d.]+ models\/s, .* left$/);
    expect(lines.at(-1)).toBe("");
    expect(JSON.parse(run.stdout)).toHaveLength(lines.length - 1);
    const onStatus = () => controller.abort();
    expect(await cli(args, { onStatus, signal: controller.signal })).toEqual({
      exitCode: 130,
      stdout: "",
      notes: ["saccade: stopped"],
    });
  } finally {
    clock.mockRestore();
  }
});
