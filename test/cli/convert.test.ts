import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/weights/safetensors.ts";
import { goldenPath, maxDifference, toleranceOf } from "../golden-case.ts";
import { cli } from "./fake-terminal.ts";
import { requireGolden, temporaryFolder, writeInput, writeVit } from "./mini-model.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const golden = requireGolden("sparseformer_v1_mini_64x64");
const checkpoint = at("mini.safetensors");
const config = at("mini.json");
const input = at("image.safetensors");

beforeAll(() => {
  writeFileSync(checkpoint, writeSafetensors(golden.weights));
  writeFileSync(config, JSON.stringify({ config: golden.config, source: "a golden case's own JSON" }));
  writeInput(input, [["image", golden.image]]);
});

const configOf = (model: string) => JSON.parse(readFileSync(join(model, "config.json"), "utf8"));

async function differenceOfLogits(model: string): Promise<number> {
  const output = at("out.safetensors");
  const { exitCode } = await cli(["run", model, "--input", input, "--output", output, "--outputs", "logits"]);
  expect(exitCode).toBe(0);
  const { tensors } = readSafetensors(readFileSync(output));
  return maxDifference(tensors.get("logits"), golden.outputs.get("logits")!);
}

test("a checkpoint and a configuration become a model folder that runs", async () => {
  const labels = at("labels.txt");
  writeFileSync(labels, Array.from({ length: 10 }, (_, i) => `thing ${i}\n`).join(""));
  const out = at("whole");
  const extra = ["--labels", labels, "--transform", "resize(64,64)|normalize(imagenet)", "--licence", "CC0-1.0"];
  const { exitCode, stdout, notes } = await cli(["convert", checkpoint, out, "--config", config, ...extra]);
  expect(notes).toEqual([]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("sparseformer, 586 k parameters in 82 tensors, float32");
  expect(stdout).toContain("10 labels");
  expect(configOf(out)).toMatchObject({
    architecture: "sparseformer",
    licence: "CC0-1.0",
    transform: "resize(64,64)|normalize(imagenet)",
    provenance: { converted_from: "mini.safetensors" },
  });
  expect(configOf(out).labels).toHaveLength(10);
  expect(await differenceOfLogits(out)).toBeLessThan(toleranceOf(golden, "logits"));
});

test("a model folder becomes another one: half precision, other labels; what it is stays", async () => {
  expect((await cli(["convert", checkpoint, at("first"), "--config", config, "--licence", "MIT"])).exitCode).toBe(0);
  const half = ["convert", `${at("first")}/`, at("second"), "--dtype", "float16", "--transform", "resize(64,64)"];
  const { exitCode, stdout } = await cli(half);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("float16");
  expect(configOf(at("second"))).toMatchObject({
    licence: "MIT",
    transform: "resize(64,64)",
    config: configOf(at("first")).config,
    provenance: { converted_from: "first" },
  });
  expect(await differenceOfLogits(at("second"))).toBeLessThan(0.05);
  const changed = await cli(["convert", at("first"), at("changed"), "--config", "proj_dim=3"]);
  expect(changed.exitCode).toBe(1);
  expect(changed.notes.join(" ")).toContain("do not fit"); // ten classes were learnt
  const other = await cli(["convert", at("first"), at("changed"), "--architecture", "vit"]);
  expect(other.exitCode).toBe(2);
  expect(other.notes.join(" ")).toContain("config.json says what it is");
});

test("a model folder becomes one with fewer tokens, and with all of them again", async () => {
  const vit = await writeVit(at("vit"));
  const run = (...args: string[]) => cli(["convert", ...args]);
  expect((await run(vit, at("fewer"), "--tokens", "merge=3:tome")).exitCode).toBe(0);
  expect(configOf(at("fewer")).config).toEqual({ ...configOf(vit).config, tokens: "merge=3:tome" });
  expect((await run(at("fewer"), at("all"), "--tokens", "none")).exitCode).toBe(0);
  expect(configOf(at("all")).config).toEqual(configOf(vit).config);
  const refused = await run(vit, at("refused"), "--tokens", "keep=0.7@9:evit");
  expect(refused.exitCode).toBe(2);
  expect(refused.notes.join(" ")).toMatch(/block/);
});

test("--config takes a model folder's config.json, a bare object, and fields that change it", async () => {
  const whole = at("folder-config.json");
  writeFileSync(whole, JSON.stringify({ architecture: "sparseformer", config: golden.config, licence: "MIT" }));
  expect((await cli(["convert", checkpoint, at("from-folder"), "--config", whole])).exitCode).toBe(0);
  expect(configOf(at("from-folder")).licence).toBe("MIT");
  const bare = at("bare.json");
  writeFileSync(bare, JSON.stringify({ ...golden.config, proj_dim: 99 }));
  const args = ["convert", checkpoint, at("from-bare"), "--config", bare, "--config", "proj_dim=10"];
  expect((await cli(args)).exitCode).toBe(0);
  expect(configOf(at("from-bare")).config.proj_dim).toBe(10);
});

test("an image checkpoint becomes a video model when the configuration is one", async () => {
  const video = at("video.json");
  writeFileSync(video, JSON.stringify({ ...golden.config, replicates: 2 }));
  const args = ["convert", checkpoint, at("video"), "--config", video, "--architecture", "media_sparseformer"];
  const { exitCode, stdout } = await cli(args);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/computed \d+: /);
  expect(configOf(at("video")).architecture).toBe("media_sparseformer");
});

test.each([
  ["float16", 0.52, 0.05, "float16"],
  ["int8", 0.33, 0.5, "matrices stored as int8"],
] as const)("%s makes the file small and keeps the answer", async (dtype, share, difference, said) => {
  const out = at(`small-${dtype}`);
  const { exitCode, stdout } = await cli(["convert", checkpoint, out, "--config", config, "--dtype", dtype]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain(said);
  const size = readFileSync(join(out, "model.safetensors")).length;
  expect(size).toBeLessThan(share * readFileSync(checkpoint).length);
  expect(await differenceOfLogits(out)).toBeLessThan(difference);
});

test("a folder that holds something is left alone, unless --force says otherwise", async () => {
  const out = at("taken");
  mkdirSync(out);
  writeFileSync(join(out, "precious.txt"), "mine");
  const refused = await cli(["convert", checkpoint, out, "--config", config]);
  expect(refused.exitCode).toBe(2);
  expect(refused.notes.join()).toContain("is not empty");
  expect(existsSync(join(out, "config.json"))).toBe(false);
  expect((await cli(["convert", checkpoint, out, "--config", config, "--force"])).exitCode).toBe(0);
  expect(existsSync(join(out, "precious.txt"))).toBe(true);
  expect((await cli(["convert", checkpoint, checkpoint, "--config", config])).exitCode).toBe(2);
});

describe("what does not fit is said, and nothing is written", () => {
  const wrongLabels = at("two.txt");
  writeFileSync(wrongLabels, "one\ntwo\n");
  test.each([
    [[], 2, "no registered model has these 82 tensors"],
    [["--architecture", "sparseformer_v1_tiny"], 1, "the weights do not fit sparseformer_v1_tiny"],
    [["--config", config, "--config", "proj_dim=12"], 1, "proj.weight is [10, 128] but must be [12, 128]"],
    [["--config", config, "--labels", wrongLabels], 2, "10 classes, but there are 2 labels"],
    [["--config", config, "--transform", "blur(3)"], 2, "blur"],
    [["--config", checkpoint], 1, "is not text"],
    [["--config", "nowhere.json"], 1, "file not found"],
    [["--config", config, "--dtype", "int4"], 2, "Allowed choices"],
    [["--architecture", "lenet"], 1, "model not found"],
  ] as [string[], number, string][])("%j", async (extra, exitCode, message) => {
    const out = at("never");
    const run = await cli(["convert", checkpoint, out, ...extra]);
    expect(run.notes.join("\n")).toContain(message);
    expect(run.exitCode).toBe(exitCode);
    expect(existsSync(join(out, "config.json"))).toBe(false);
  });
});

// PyTorch's own files are too large to keep in the project.
const FILES = [
  ["torch113-zip-training.pth", "sparseformer_v1_mini_64x64", 'the entry "model"'],
  ["torch113-legacy-training.pth", "sparseformer_v1_mini_64x64", 'the entry "model"'],
  ["torch213-zip-training.pth", "sparseformer_v1_mini_64x64", 'the entry "model"'],
  ["module-prefix.pth.tar", "sparseformer_v1_mini_64x64", "prefixes were removed from names: module."],
  ["first-release-names.pth", "sparseformer_v1_mini_64x64", "token_roi.weight -> initial_roi.weight"],
  ["bootstrapped-names.pth", "sparseformer_btsp_mini_64x64", "blocks.0.norm1.weight -> layers.3.norm1.weight"],
] as const;

describe.each(FILES)("%s", (file, name, words) => {
  const path = goldenPath(`checkpoints/${file}`);
  test.skipIf(path === undefined)("becomes a model folder; what was done to it is said", async () => {
    const { config } = requireGolden(name);
    writeFileSync(at(`${file}.json`), JSON.stringify(config));
    const { exitCode, stdout, notes } = await cli(["convert", path!, at(file), "--config", at(`${file}.json`)]);
    expect(notes).toEqual([]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(words);
    if (name === "sparseformer_v1_mini_64x64" && file !== "first-release-names.pth")
      expect(await differenceOfLogits(at(file))).toBeLessThan(toleranceOf(golden, "logits"));
  });
});

test("a model with a name becomes a folder too; what has no weights says where there are some", async () => {
  const named = await cli(["convert", "saccade/everyday", at("everyday")]);
  expect([named.exitCode, named.notes]).toEqual([0, []]);
  expect(configOf(at("everyday")).labels).toHaveLength(49);
  for (const [name, hint] of [
    ["resnet18", "saccade pull resnet18"],
    ["glsim_vit_b16_cub", "no official file of them is known"],
  ] as const) {
    const { exitCode, notes } = await cli(["convert", name, at("never")]);
    expect([exitCode, notes.join("\n")]).toEqual([1, expect.stringContaining(hint)]);
  }
  expect(existsSync(at("never"))).toBe(false);
});
