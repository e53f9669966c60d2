import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readOnnx } from "../../onnx/read.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { onnxModel } from "../../platform/node/onnx-fixtures.test-helper.ts";
import { openSubject } from "./subjects.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-subjects-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inputOf = (bytes: Uint8Array) => readOnnx(bytes).inputs[0]?.shape;

test("a registered model needs no weights; the seed makes them", async () => {
  const subject = await openSubject(nodeHost, { source: "mobilenetv3_small_050" }, 1);
  expect(subject).toMatchObject({ answers: "classes", usual: { height: 224, width: 224 } });
  expect(subject.parameters).toBeGreaterThan(1e6);
  expect(subject.normalization).toMatch(/^normalize\(/);
  const compile = (one: typeof subject) => one.compile({ height: 64, width: 96 }, "float32", { target: "onnxruntime" });
  const { bytes, inputName, outputName } = compile(subject);
  expect(inputOf(bytes)).toEqual(["batch", 3, 64, 96]);
  expect(readOnnx(bytes).outputs.map(({ name }) => name)).toEqual(["logits"]);
  expect([inputName, outputName]).toEqual(["image", "logits"]);
  const again = await openSubject(nodeHost, { source: "mobilenetv3_small_050" }, 1);
  const another = await openSubject(nodeHost, { source: "mobilenetv3_small_050" }, 2);
  expect(Buffer.compare(compile(again).bytes, bytes)).toBe(0);
  expect(Buffer.compare(compile(another).bytes, bytes)).not.toBe(0);
  expect(subject.refuses({ height: 64, width: 96 }, "float32")).toBeUndefined();
});

test("a model that comes with a transform has the size that it makes", async () => {
  const subject = await openSubject(nodeHost, { source: "saccade/everyday" }, 0);
  const config = await nodeHost.files.read(join(nodeHost.folders.bundledModels, "everyday", "config.json"));
  const size = Number(/central_crop\((\d+)\)/.exec(new TextDecoder().decode(config))![1]);
  expect(size).toBeLessThan(224);
  expect(subject.usual).toEqual({ height: size, width: size });
});

function writeForeign(name: string, shape: readonly (number | string)[]): string {
  const path = join(folder, name);
  const bytes = onnxModel(
    [{ name: "data", dtype: "float32", shape: [...shape] }],
    [{ op: "Flatten", inputs: ["data"], outputs: ["prob"] }],
    [{ name: "prob", dtype: "float32", shape: [shape[0]!, "classes"] }],
  );
  writeFileSync(path, bytes);
  return path;
}

test("anybody's ONNX file: its own names and size, and why it takes no other", async () => {
  const fixed = await openSubject(nodeHost, { source: writeForeign("fixed.onnx", [1, 3, 96, 64]) }, 0);
  expect(fixed.usual).toEqual({ height: 96, width: 64 });
  expect(fixed.cost(fixed.usual)).toBeUndefined();
  expect(fixed.compile(fixed.usual, "float32", { target: "onnxruntime" })).toMatchObject({
    inputName: "data",
    outputName: "prob",
  });
  expect(fixed.refuses({ ...fixed.usual, batch: 1 }, "float32")).toBeUndefined();
  expect(fixed.refuses({ ...fixed.usual, batch: 8 }, "float32")).toBe("the file takes [1, 3, 96, 64] only");
  expect(fixed.refuses({ height: 64, width: 64 }, "float32")).toBeDefined();
  const free = await openSubject(nodeHost, { source: writeForeign("free.onnx", ["N", 3, "H", "W"]) }, 0);
  expect(free.usual).toEqual({ height: 224, width: 224 });
  expect(free.refuses({ height: 50, width: 70, batch: 9 }, "float32")).toBeUndefined();
});

test("what is not there is said", async () => {
  await expect(openSubject(nodeHost, { source: "no_such_model" }, 0)).rejects.toThrow("model not found: no_such_model");
  const text = join(folder, "text.onnx");
  writeFileSync(text, "hello");
  await expect(openSubject(nodeHost, { source: text }, 0)).rejects.toThrow(text);
});

const shared = resolve(import.meta.dirname, "../../../../shared/models/mobilenet_v2_imagenet.onnx");
const hasShared = (await nodeHost.files.stat(shared)) !== undefined;
if (!hasShared) console.log("skipped: mobilenet_v2_imagenet.onnx is not beside this checkout");
test.skipIf(!hasShared)("a real foreign model", async () => {
  const subject = await openSubject(nodeHost, { source: shared }, 0);
  expect(subject.usual).toEqual({ height: 224, width: 224 });
  expect(subject.parameters).toBeGreaterThan(3.4e6);
});

test("with fewer tokens it has another name and does less", async () => {
  const dense = await openSubject(nodeHost, { source: "deit_tiny_patch16_224" }, 0);
  const merged = await openSubject(nodeHost, { source: "deit_tiny_patch16_224", tokens: "keep=0.5@3,6,9:evit" }, 0);
  expect(merged.name).toBe("deit_tiny_patch16_224, keep=0.5@3,6,9:evit");
  expect(merged.cost(merged.usual)!.macs).toBeLessThan(0.7 * dense.cost(dense.usual)!.macs);
  await expect(openSubject(nodeHost, { source: "resnet50", tokens: "keep=0.5@3,6,9:evit" }, 0)).rejects.toThrow(
    /no tokens/,
  );
});
