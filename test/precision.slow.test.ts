// Eight bits against float32: how far the answers are apart, on every engine, through the library, the command line and an exported file.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { parseTransform, pixelNormalization } from "../src/image/transform.ts";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { loadModel, requireNative } from "../src/model-folder/load.ts";
import type { NativeModel } from "../src/model-folder/model.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { defineModel } from "../src/models/registry.ts";
import type { Precision } from "../src/onnx/lower.ts";
import { readMetadata } from "../src/onnx/metadata.ts";
import { readOnnx } from "../src/onnx/read.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { loadClassifier } from "../src/tasks/classify/classifier.ts";
import { loadEmbedder } from "../src/tasks/embed/embedder.ts";
import { type TensorData, toFloat32 } from "../src/tensor.ts";
import { cli } from "./cli/fake-terminal.ts";
import { BOATS, MINIS, PASTORAL, requireGolden, temporaryFolder } from "./cli/mini-model.ts";

const SOURCE = "saccade/everyday";

function mini(name: string): NativeModel {
  const { config, weights } = requireGolden(name);
  return nativeModel(defineModel("sparseformer", config), weights, { name });
}

async function logits(model: NativeModel, image: TensorData, precision: Precision, device: "cpu" | "wasm" = "cpu") {
  const bytes = exportOnnx(model, { precision, outputs: ["logits"] });
  await using session = await nodeHost.createSession(bytes, { device });
  return toFloat32((await session.run({ image })).logits!);
}

/** The largest difference, as a share of the largest value. */
function apart(a: Float32Array, b: Float32Array): number {
  const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest(a.map((value, i) => value - b[i]!)) / largest(b);
}

/** Each picture's likeliest class, for `count` pictures. */
function winners(scores: Float32Array, count: number): number[] {
  const classes = scores.length / count;
  const ofPicture = (i: number) => scores.subarray(i * classes, (i + 1) * classes);
  return Array.from({ length: count }, (_, i) => ofPicture(i).indexOf(Math.max(...ofPicture(i))));
}

describe.each(MINIS.filter((name) => name.startsWith("sparseformer")))("%s", (name) => {
  const golden = requireGolden(name);
  const expected = toFloat32(golden.outputs.get("logits")!);

  test("is near the official numbers, with the same answers", async () => {
    const eight = await logits(mini(name), golden.image, "int8");
    expect(apart(eight, expected)).toBeLessThan(0.1); // toys of random weights: 0.02 to 0.07
    expect(apart(eight, expected)).toBeGreaterThan(1e-4); // it is not the float model under another name
    const pictures = golden.image.shape[0]!;
    expect(winners(eight, pictures)).toEqual(winners(expected, pictures));
  });
});

test("WebAssembly multiplies to the same numbers", async () => {
  const name = "sparseformer_v1_mini_64x64";
  const { image } = requireGolden(name);
  const [native, wasm] = [await logits(mini(name), image, "int8"), await logits(mini(name), image, "int8", "wasm")];
  expect(apart(wasm, native)).toBeLessThan(0.01);
});

describe("the bundled model", () => {
  test("classifies and embeds nearly alike", async () => {
    await using exact = await loadClassifier(nodeHost, SOURCE, { device: "cpu" });
    await using eight = await loadClassifier(nodeHost, SOURCE, { device: "cpu", precision: "int8" });
    const answers = await Promise.all([exact, eight].map((classifier) => classifier.classify([PASTORAL, BOATS])));
    const [expected, actual] = answers as [(typeof answers)[0], (typeof answers)[0]];
    expected.forEach(({ predictions: [best] }, i) => {
      const same = actual[i]!.predictions.find(({ label }) => label === best!.label);
      expect(Math.abs(same!.score - best!.score)).toBeLessThan(0.05);
    });
    await using embedder = await loadEmbedder(nodeHost, SOURCE, { device: "cpu" });
    await using eightBits = await loadEmbedder(nodeHost, SOURCE, { device: "cpu", precision: "int8" });
    const [a, b] = [await embedder.embed(BOATS), await eightBits.embed(BOATS)];
    expect(a.reduce((dot, value, i) => dot + value * b[i]!, 0)).toBeGreaterThan(0.999);
  });

  test("answers the same from an exported file, which says its precision", async () => {
    const model = requireNative(await loadModel(nodeHost, SOURCE));
    // Of pixels, as the classifier's own session has it: its stem is in eight bits too.
    const form = { pixels: pixelNormalization(parseTransform(model.card.transform!))! };
    const bytes = exportOnnx(model, { precision: "int8", form, size: { height: 112, width: 112 } });
    expect(readMetadata(readOnnx(bytes).metadata).precision).toBe("int8");
    await using eight = await loadClassifier(nodeHost, SOURCE, { device: "cpu", precision: "int8" });
    await using file = await loadClassifier(nodeHost, bytes, { device: "cpu", precision: "int8" });
    // The file has standard operators, whose values differ in the last bit: here and there enough to be rounded to the next of 255 steps.
    for (const picture of [PASTORAL, BOATS]) {
      const [expected, actual] = [await eight.classify(picture), await file.classify(picture)];
      expect(actual.predictions.map(({ label }) => label)).toEqual(expected.predictions.map(({ label }) => label));
      actual.predictions.forEach(({ score }, i) => {
        expect(Math.abs(score - expected.predictions[i]!.score)).toBeLessThan(0.005);
      });
    }
  });

  test("an ONNX file keeps the precision it was written with", async () => {
    const bytes = exportOnnx(requireNative(await loadModel(nodeHost, SOURCE)));
    expect(readMetadata(readOnnx(bytes).metadata).precision).toBe("float32");
    await expect(loadClassifier(nodeHost, bytes, { precision: "int8" })).rejects.toThrow(UsageError);
  });
});

describe("the command line", () => {
  const folder = temporaryFolder();

  test("classifies in eight bits", async () => {
    const asked = ["classify", BOATS, "--model", SOURCE, "--precision", "int8", "--json", "--device", "cpu"];
    const { exitCode, stdout } = await cli(asked);
    expect(exitCode).toBe(0);
    await using eight = await loadClassifier(nodeHost, SOURCE, { device: "cpu", precision: "int8" });
    expect(JSON.parse(stdout).predictions).toEqual((await eight.classify(BOATS)).predictions);
  });

  test("exports in eight bits, compared with the model", async () => {
    const out = join(folder, "everyday.onnx");
    const { exitCode, stdout } = await cli(["export", SOURCE, out, "--precision", "int8"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("portable, int8");
    expect(stdout).toContain("largest difference");
    const { opCounts, opsets, metadata } = readOnnx(readFileSync(out));
    expect(Object.keys(opsets)).toEqual([""]);
    expect(opCounts.MatMulInteger).toBeGreaterThan(20);
    expect(readMetadata(metadata).precision).toBe("int8");
  });

  test("does not turn an ONNX file to eight bits", async () => {
    const out = join(folder, "float.onnx");
    await cli(["export", SOURCE, out, "--no-verify"]);
    const { exitCode, notes } = await cli(["classify", BOATS, "--model", out, "--precision", "int8"]);
    expect(exitCode).toBe(2);
    expect(notes.join("\n")).toContain("--precision int8 writes one");
  });
});
