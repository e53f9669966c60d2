import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { reshape } from "../../src/graph/build.ts";
import { trace } from "../../src/graph/scope.ts";
import { lower } from "../../src/onnx/lower.ts";
import { toFloat32 } from "../../src/tensor.ts";
import { readSafetensors } from "../../src/weights/safetensors.ts";
import { writeTextTower } from "../text-toys.ts";
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

describe("words beside pictures", () => {
  const tower = writeTextTower(folder, 12);
  const words = ["--text", "a boat", "--text", "a sheep", "--text-model", tower, "-m", clip, "--device", "cpu"];

  test("each picture's line has its cosines with all of them; --json has the space that they share", async () => {
    const { exitCode, stdout } = await cli(["embed", PASTORAL, ...words]);
    expect(exitCode).toBe(0);
    const json = await cli(["embed", PASTORAL, ...words, "--json"]);
    const lines = json.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ text, path }) => text ?? path)).toEqual(["a boat", "a sheep", PASTORAL]);
    expect(lines[0].text_model).toBe(tower);
    expect(lines[0].space).toEqual(lines[2].space);
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const [boat, sheep, picture] = lines.map(({ embedding }) => embedding as number[]);
    const shown = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.trim().split(/ {2,}/).slice(0, 2).map(Number));
    [boat, sheep, picture].forEach((vector, i) => {
      expect(shown[i]![0]).toBeCloseTo(dot(vector!, boat!), 3);
      expect(shown[i]![1]).toBeCloseTo(dot(vector!, sheep!), 3);
    });
  });

  test("words alone, in a file", async () => {
    const out = join(folder, "words.safetensors");
    expect((await cli(["embed", ...words, "--output", out])).exitCode).toBe(0);
    const { tensors, metadata } = readSafetensors(readFileSync(out));
    expect(tensors.get("embeddings")!.shape).toEqual([2, 12]);
    expect(JSON.parse(metadata.names!)).toEqual(["a boat", "a sheep"]);
  });

  test.each<[string, string[], RegExp]>([
    ["a model without a text model", ["--text", "a boat", "-m", classifier], /no text model/],
    ["a text model and no words", [PASTORAL, "--text-model", tower, "-m", clip], /--text-model is for words/],
    ["a layer", [...words, "--layer", "tokens"], /with --layer/],
    ["the power transform", [...words, "--power"], /with --power/],
    ["vectors as long as they are", [...words, "--no-normalize"], /with --no-normalize/],
    ["an empty text", [...words, "--text", " "], /a text is empty/],
  ])("refused: %s", async (_, args, message) => {
    const { exitCode, notes } = await cli(["embed", ...args]);
    expect(exitCode).toBe(2);
    expect(notes.join("\n")).toMatch(message);
  });
});
