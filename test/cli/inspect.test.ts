import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tensor } from "../../src/tensor.ts";
import { readSafetensors, writeSafetensors } from "../../src/weights/safetensors.ts";
import { goldenPath } from "../golden-case.ts";
import { cli } from "./fake-terminal.ts";
import { PASTORAL, temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const labels = Array.from({ length: 10 }, (_, i) => `thing ${i}`);
const model = writeMini(folder, "sparseformer_v1_mini_64x64", { labels, licence: "CC0-1.0" });
const small = at("small.safetensors");
writeFileSync(
  small,
  writeSafetensors(
    [
      ["weight", tensor("float32", [2, 3], new Float32Array(6))],
      ["steps", tensor("int64", [], BigInt64Array.of(7n))],
      ["half", tensor("float16", [2], Uint16Array.of(0x3c00, 0x7c00))],
    ],
    { author: "somebody" },
  ),
);

const lines = (stdout: string) => stdout.trimEnd().split("\n");

test("a model folder: what it is, whether its weights fit, the first tensors", async () => {
  const { exitCode, stdout } = await cli(["inspect", model]);
  expect(exitCode).toBe(0);
  for (const words of ["model folder, safetensors", "82 (82 float32), 586 k values", "fit the configuration"])
    expect(stdout).toContain(words);
  expect(stdout).toContain("labels        10: thing 0, thing 1, thing 2");
  expect(stdout).toContain("… and 70 more (--tensors lists all)");
  expect(Math.max(...lines(stdout).map((line) => line.length))).toBeLessThanOrEqual(80);
});

test("--tensors lists all of them", async () => {
  const { stdout } = await cli(["inspect", model, "--tensors"]);
  expect(lines(stdout).filter((line) => line.startsWith("float32"))).toHaveLength(82);
});

test("--json: names, dtypes, shapes, sums and metadata", async () => {
  const { stdout } = await cli(["inspect", small, "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({
    kind: "checkpoint",
    format: "safetensors",
    parameters: 9,
    tensor_bytes: 36,
    metadata: { author: "somebody" },
    fits: [],
    dtypes: { float32: { tensors: 1, elements: 6 }, int64: { tensors: 1, elements: 1 } },
    tensors: [
      { name: "steps", dtype: "int64", shape: [] },
      { name: "weight", dtype: "float32", shape: [2, 3], bytes: 24 },
      { name: "half", dtype: "float16", shape: [2] },
    ],
  });
});

test("--check finds values that are no numbers, and its exit code says so", async () => {
  const { exitCode, stdout } = await cli(["inspect", small, "--check"]);
  expect(exitCode).toBe(1);
  expect(stdout).toContain("1 tensors hold faulty values");
  expect(stdout).toMatch(/half +0 +1/);
  const sound = await cli(["inspect", model, "--check"]);
  expect(sound.exitCode).toBe(0);
  expect(sound.stdout).toContain("every value of the weights is a finite number");
});

test("--check runs a model on a grey picture, and names the first value that is not a number, and what it is made from", async () => {
  const sound = await cli(["inspect", model, "--check"]);
  expect(sound.stdout).toMatch(/all \d+ values of the model are finite/);
  const { tensors } = readSafetensors(readFileSync(join(model, "model.safetensors")));
  const proj = tensors.get("proj.weight")!;
  (proj.data as Float32Array)[3] = Number.NaN;
  const damaged = at("damaged");
  mkdirSync(damaged);
  writeFileSync(join(damaged, "config.json"), readFileSync(join(model, "config.json")));
  writeFileSync(join(damaged, "model.safetensors"), writeSafetensors(tensors));
  const { exitCode, stdout } = await cli(["inspect", damaged, "--check", "--json"]);
  expect(exitCode).toBe(1);
  const { trial, tensors: facts } = JSON.parse(stdout);
  expect(facts.find(({ name }: { name: string }) => name === "proj.weight")).toMatchObject({ nan: 1, infinite: 0 });
  expect(trial).toMatchObject({
    isDamaged: true,
    firstNan: { weights: expect.arrayContaining(["proj.weight"]), nan: 1 },
  });
  const classified = await cli(["classify", PASTORAL, "-m", damaged]);
  expect([classified.exitCode, classified.stdout]).toEqual([1, ""]);
  expect(classified.notes.join("\n")).toContain("inspect MODEL --check");
});

test("a model folder whose weights are another model's is told, with exit code 1", async () => {
  const wrong = at("wrong");
  mkdirSync(wrong);
  writeFileSync(join(wrong, "config.json"), JSON.stringify({ architecture: "sparseformer_v1_tiny" }));
  writeFileSync(join(wrong, "model.safetensors"), readFileSync(small));
  const { exitCode, stdout } = await cli(["inspect", wrong]);
  expect(exitCode).toBe(1);
  expect(stdout).toContain("the weights do not fit sparseformer_v1_tiny");
});

test("an ONNX file: inputs, outputs, operators, and what it says about itself", async () => {
  const onnx = at("mini.onnx");
  await cli(["export", model, onnx, "--no-verify", "--outputs", "logits"]);
  const { exitCode, stdout } = await cli(["inspect", onnx]);
  expect(exitCode).toBe(0);
  for (const words of [
    "image: float32[batch, 3, height, width]",
    "logits: float32[batch, 10]",
    "standard 20",
    "MaxPool",
    "CC0-1.0",
    "resize(64,64)|normalize(imagenet)",
    'from the architecture "sparseformer"',
  ])
    expect(stdout).toContain(words);
  const { onnx: facts, card } = JSON.parse((await cli(["inspect", onnx, "--json"])).stdout);
  expect(facts.opsets).toEqual({ "": 20 });
  expect(facts.op_counts.MaxPool).toBe(1);
  expect(card.labels).toEqual(labels);
});

test("PyTorch files say which entry was taken and what else is there", async () => {
  const path = goldenPath("checkpoints/torch113-zip-flat.pth")!;
  const { exitCode, stdout } = await cli(["inspect", path]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("PyTorch checkpoint");
  expect(stdout).toContain("float16");
});

const training = goldenPath("checkpoints/torch213-zip-training.pth");
test.skipIf(training === undefined)("--all shows the optimizer's tensors too, --entry another entry", async () => {
  const all = JSON.parse((await cli(["inspect", training!, "--all", "--json"])).stdout);
  expect(all.tensors.length).toBeGreaterThan(82);
  expect(all.tensors.some(({ name }: { name: string }) => name.startsWith("model."))).toBe(true);
  const wrong = await cli(["inspect", training!, "--entry", "nowhere"]);
  expect(wrong.exitCode).toBe(1);
  expect(wrong.notes.join("\n")).toContain('entries that hold tensors: "model"');
});

test("names cannot move the cursor of the terminal they are printed on", async () => {
  const path = at("hostile.safetensors");
  const name = "evil\u001b[2J\u0007name\nsecond line";
  writeFileSync(
    path,
    writeSafetensors([[name, tensor("uint8", [1], Uint8Array.of(1))]], { "k\u001b[1m": "v\u001b[0m" }),
  );
  const { stdout } = await cli(["inspect", path, "--tensors"]);
  expect(stdout).toContain("evil\\x1b[2J\\x07name\\nsecond line");
  expect(stdout.includes("\u001b")).toBe(false);
});

test.each([
  ["nowhere.pth", "", 1, "file not found"],
  ["page.pth", "<!DOCTYPE html><html>", 1, "a web page"],
  ["empty.safetensors", "", 1, "an empty file"],
  ["cut.onnx", "\u0008\u0009:\u00ff", 1, "cut off"],
  ["sparseformer_v1_tiny", "", 1, "saccade pull sparseformer_v1_tiny"],
])("%s: said in one or two lines", async (name, content, exitCode, message) => {
  process.env.SACCADE_CACHE = at("cache");
  const registered = !name.includes(".");
  if (!registered && name !== "nowhere.pth") writeFileSync(at(name), content, "latin1");
  const run = await cli(["inspect", registered ? name : at(name)]);
  expect(run.exitCode).toBe(exitCode);
  expect(run.notes.join("\n")).toContain(message);
  expect(run.stdout).toBe("");
});
