import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exportOnnx } from "../../src/model-folder/compile.ts";
import { loadModel, requireNative } from "../../src/model-folder/load.ts";
import { verifyExport } from "../../src/model-folder/verify.ts";
import { readMetadata } from "../../src/onnx/metadata.ts";
import { readOnnx } from "../../src/onnx/read.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { tensor, toFloat32 } from "../../src/tensor.ts";
import { cli } from "./fake-terminal.ts";
import { PASTORAL, temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const labels = Array.from({ length: 10 }, (_, i) => `thing ${i}`);
const card = { labels, licence: "CC0-1.0", provenance: { source: "the goldens", epochs: 3 } };
const model = writeMini(folder, "sparseformer_v1_mini_64x64", card);

test("an export is compared with its model and carries everything a model never travels without", async () => {
  const out = at("mini.onnx");
  const { exitCode, stdout, notes } = await cli(["export", model, out]);
  expect(notes).toEqual([]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("compared with the model on 1x3x224x224 and 2x3x128x192");
  const { metadata, producer, inputs } = readOnnx(readFileSync(out));
  expect(readMetadata(metadata)).toMatchObject({
    labels,
    licence: "CC0-1.0",
    transform: "resize(64,64)|normalize(imagenet)",
    provenance: JSON.stringify(card.provenance),
  });
  expect(producer).toMatch(/^saccade \d/);
  expect(inputs).toEqual([{ name: "image", dtype: "float32", shape: ["batch", 3, "height", "width"] }]);
});

test("the file classifies as the folder does", async () => {
  const out = at("mini.onnx");
  await cli(["export", model, out, "--no-verify"]);
  const answers = [];
  for (const source of [model, out]) {
    const { stdout } = await cli(["classify", PASTORAL, "-m", source, "--json", "-k", "10"]);
    answers.push(JSON.parse(stdout).predictions);
  }
  expect(answers[1].map(({ label }: { label: string }) => label)).toEqual(
    answers[0].map(({ label }: { label: string }) => label),
  );
});

test.each(["sparseformer_btsp_mini_48x80", "sparseformer_clip_mini_48x80", "media_sparseformer_v1_mini_r4_0"])(
  "%s: portable and with ONNX Runtime's kernels",
  async (name) => {
    const source = writeMini(folder, name);
    for (const target of ["portable", "onnxruntime"]) {
      const { exitCode, stdout } = await cli(["export", source, at(`${name}.onnx`), "--target", target]);
      expect(exitCode).toBe(0);
      expect(stdout).toContain("largest difference");
    }
  },
);

test("sizes can be fixed, outputs chosen", async () => {
  const out = at("fixed.onnx");
  const args = ["export", model, out, "--batch", "2", "--height", "64", "--width", "96", "--outputs", "logits"];
  const { exitCode, stdout } = await cli(args);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("2x3x64x96");
  const { inputs, outputs } = readOnnx(readFileSync(out));
  expect(inputs[0]?.shape).toEqual([2, 3, 64, 96]);
  expect(outputs).toEqual([{ name: "logits", dtype: "float32", shape: [2, 10] }]);
});

test("a file that computes something else is found out", async () => {
  const native = requireNative(await loadModel(nodeHost, model));
  const name = "proj.bias";
  const bias = native.weights.get(name)!;
  const moved = tensor(
    "float32",
    bias.shape,
    toFloat32(bias).map((value) => value + 0.001),
  );
  const other = exportOnnx({ ...native, weights: new Map([...native.weights, [name, moved]]) });
  const { largest, differences } = await verifyExport(nodeHost, native, other);
  expect(largest.output).toBe("logits");
  expect(largest.difference).toBeGreaterThan(1e-4);
  expect(differences.get("features")).toBeLessThan(1e-4);
});

test.each([
  [["--outputs", "logit"], 2, 'no output "logit"'],
  [["--frames", "3"], 2, "video"],
  [["--height", "none"], 2, "integer"],
  [["--target", "tensorrt"], 2, "Allowed choices"],
] as [string[], number, string][])("%j is refused and nothing is written", async (extra, exitCode, message) => {
  const out = at("never.onnx");
  const run = await cli(["export", model, out, ...extra]);
  expect(run.notes.join("\n")).toContain(message);
  expect(run.exitCode).toBe(exitCode);
  expect(existsSync(out)).toBe(false);
});

test("an ONNX file stays what it is", async () => {
  await cli(["export", model, at("once.onnx"), "--no-verify"]);
  const refused = await cli(["export", at("once.onnx"), at("twice.onnx"), "--target", "onnxruntime"]);
  expect([refused.exitCode, refused.notes.join()]).toEqual([2, expect.stringContaining("is an ONNX file")]);
  expect((await cli(["export", at("once.onnx"), at("twice.onnx")])).exitCode).toBe(0);
  expect(readFileSync(at("twice.onnx")).equals(readFileSync(at("once.onnx")))).toBe(true);
});

test("a file can take pixels and normalise them itself", async () => {
  const out = at("pixels.onnx");
  const { exitCode, stdout } = await cli(["export", model, out, "--input", "uint8"]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("takes pixels");
  expect(stdout).toContain("largest difference");
  expect(readOnnx(readFileSync(out)).inputs).toEqual([
    { name: "image", dtype: "uint8", shape: ["batch", "height", "width", 3] },
  ]);
  const scores = async (source: string, ...extra: string[]) => {
    const { stdout } = await cli(["classify", PASTORAL, "-m", source, "--json", "-k", "10", ...extra]);
    return JSON.parse(stdout).predictions.map(({ score }: { score: number }) => score);
  };
  const expected = await scores(model);
  for (const [i, score] of (await scores(out)).entries()) expect(score).toBeCloseTo(expected[i], 5);
  for (const [i, score] of (await scores(out, "--transform", "resize(64,64)")).entries())
    expect(score).toBeCloseTo(expected[i], 5);
  const other = await cli(["classify", PASTORAL, "-m", out, "--transform", "resize(64,64)|normalize(clip)"]);
  expect(other.exitCode).toBe(2);
  expect(other.notes.join()).toContain("normalises them itself");
});

test("with large sizes fixed, features are computed where they are sampled: the same answers, and no map", async () => {
  const out = at("large.onnx");
  const args = ["export", model, out, "--height", "640", "--width", "600", "--batch", "1"];
  for (const input of ["float32", "uint8"]) {
    const { exitCode, stdout } = await cli([...args, "--input", input]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("compared with the model on 1x3x640x600");
    expect(readOnnx(readFileSync(out)).opCounts.Conv ?? 0).toBeGreaterThan(1); // one for each look instead of one for the picture
  }
});
