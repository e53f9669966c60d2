import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { reshape } from "../../src/graph/build.ts";
import { trace } from "../../src/graph/scope.ts";
import { lower } from "../../src/onnx/lower.ts";
import { toFloat32 } from "../../src/tensor.ts";
import { readSafetensors } from "../../src/weights/safetensors.ts";
import { cli } from "./fake-terminal.ts";
import { BOATS, PASTORAL, temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const clip = writeMini(folder, "sparseformer_clip_mini_64x64");
const classifier = writeMini(folder, "sparseformer_v1_mini_64x64");

test("pictures and how alike they are to the first", async () => {
  const { exitCode, stdout } = await cli(["embed", PASTORAL, BOATS, PASTORAL, "-m", clip]);
  expect(exitCode).toBe(0);
  const [first, second, third] = stdout.trimEnd().split("\n");
  expect(first).toContain("first");
  expect(Number.parseFloat(second!)).toBeLessThan(0.9999);
  expect(third).toMatch(/^ 1\.000 {2}/);
});

test("vectors in a file: their names beside them, of length one, broken pictures left out", async () => {
  const broken = join(folder, "broken.jpg");
  writeFileSync(broken, "not a picture");
  const out = join(folder, "vectors.safetensors");
  const { exitCode, notes } = await cli(["embed", PASTORAL, broken, BOATS, "-m", classifier, "--output", out]);
  expect(exitCode).toBe(1);
  expect(notes.join("\n")).toContain("1 of 3 pictures could not be read");
  const { tensors, metadata } = readSafetensors(readFileSync(out));
  const embeddings = tensors.get("embeddings")!;
  expect(embeddings.shape).toEqual([2, 128]);
  expect(JSON.parse(metadata.names!)).toEqual([PASTORAL, BOATS]);
  expect(Math.hypot(...toFloat32(embeddings).subarray(128))).toBeCloseTo(1, 5);
});

test("features of anybody's ONNX file, however wide", async () => {
  const width = 3 * 224 * 224;
  const file = join(folder, "wide.onnx");
  const graph = trace(({ graph }) => ({
    features: reshape(graph.input("image", ["batch", 3, 224, 224]), ["batch", width]),
  }));
  writeFileSync(file, lower(graph));
  const { exitCode, stdout } = await cli(["embed", PASTORAL, "-m", file, "--json"]);
  expect(exitCode).toBe(0);
  const embedding: number[] = JSON.parse(stdout).embedding;
  expect(embedding).toHaveLength(width);
  expect(embedding.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 4);
});

test("--json, without normalisation, from standard input", async () => {
  const args = ["embed", "-", "-m", clip, "--json", "--no-normalize"];
  const { stdout } = await cli(args, { stdin: readFileSync(PASTORAL) });
  const { path, embedding } = JSON.parse(stdout);
  expect(path).toBe("-");
  expect(embedding).toHaveLength(12);
  expect(Math.abs(Math.hypot(...embedding) - 1)).toBeGreaterThan(1e-3);
});
