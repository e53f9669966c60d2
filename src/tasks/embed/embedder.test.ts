import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UsageError } from "../../errors.ts";
import { exportOnnx } from "../../model-folder/compile.ts";
import type { NativeModel } from "../../model-folder/model.ts";
import { nativeModel } from "../../model-folder/native.ts";
import { onnxModel } from "../../model-folder/onnx-model.ts";
import { inferenceGraph, initialWeights } from "../../models/graph.ts";
import { defineModel } from "../../models/registry.ts";
import { readNodes } from "../../onnx/nodes.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { type TensorData, tensor } from "../../tensor.ts";
import { allAnswers } from "../engine/picture-stream.ts";
import { type EmbedderOptions, loadEmbedder } from "./embedder.ts";

const root = mkdtempSync(join(tmpdir(), "saccade-embedder-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const TRANSFORM = "resize(32,32,bilinear)|normalize(imagenet)";
let model: NativeModel;
let pictures: string[];
let sessions = 0;
const host = {
  ...nodeHost,
  folders: { cache: join(root, "cache"), bundledModels: root },
  createSession: ((bytes, options) => {
    sessions++;
    return nodeHost.createSession(bytes, options);
  }) as typeof nodeHost.createSession,
};

beforeAll(async () => {
  const config = { layers: [1, 1, 1, 1], channels: [4, 6, 8, 10], stem_channels: 4, num_classes: 3 };
  const definition = defineModel("resnet18", config);
  const card = { name: "toy", transform: TRANSFORM };
  const weights = [...initialWeights(inferenceGraph(definition), 1)].map(
    ([name, { shape, data }]): [string, TensorData] => {
      const values = Float32Array.from(data as Float32Array, (_, i) => 0.5 * Math.sin(13 * i + name.length));
      return [name, tensor("float32", shape, name.endsWith("running_var") ? values.map((x) => x * x + 0.5) : values)];
    },
  );
  model = nativeModel(definition, new Map(weights), card);
  pictures = await Promise.all(
    [0, 1, 2].map(async (n) => {
      const data = Uint8Array.from({ length: 3 * 40 * 30 }, (_, i) => (i * (7 + n)) & 255);
      const path = join(root, `${n}.png`);
      writeFileSync(path, await nodeHost.encodePng({ width: 40, height: 30, data }));
      return path;
    }),
  );
});

const options: EmbedderOptions = { device: "cpu", threads: 1 };
const close = (values: Iterable<number>) => [...values].map((value) => expect.closeTo(value, 5));

async function embedded(more: EmbedderOptions = {}, source: Parameters<typeof loadEmbedder>[1] = model) {
  await using embedder = await loadEmbedder(host, source, { ...options, ...more });
  return { vectors: await embedder.embed(pictures), space: embedder.space };
}

test("the mean of the last stage is the features; widths are stated", async () => {
  const usual = await embedded();
  const last = await embedded({ layer: "stage.4" });
  last.vectors.forEach((vector, i) => {
    expect([...vector]).toEqual(close(usual.vectors[i]!));
  });
  expect(usual.space).toMatchObject({ layer: "features", pooling: "none", width: 10, transform: TRANSFORM });
  expect(last.space).toMatchObject({ layer: "stage.4", pooling: "mean", width: 10 });
  const all = await embedded({ layer: "stage.3", pooling: "none" });
  expect(all.vectors[0]).toHaveLength(8 * 2 * 2);
  expect(all.space.width).toBe(8 * 2 * 2);
});

test("a value in the middle of an ONNX file is what the model computes there", async () => {
  const onnx = onnxModel(exportOnnx(model), "toy.onnx");
  const relus = readNodes(onnx.bytes).filter(({ op }) => op === "Relu");
  const inner = await embedded({ layer: relus.at(-1)!.outputs[0]! }, onnx);
  const native = await embedded({ layer: "stage.4" });
  expect(inner.space.width).toBe(10);
  inner.vectors.forEach((vector, i) => {
    expect([...vector]).toEqual(close(native.vectors[i]!));
  });
});

test("layers and poolings that there are not", async () => {
  const refused = async (more: EmbedderOptions, message: RegExp, source?: Parameters<typeof loadEmbedder>[1]) => {
    await expect(embedded(more, source)).rejects.toThrow(UsageError);
    await expect(embedded(more, source)).rejects.toThrow(message);
  };
  await refused({ layer: "stage.9" }, /no layer "stage.9"/);
  await refused({ layer: "stage.4", pooling: "first" }, /not tokens/);
  await refused({ pooling: "median" as never }, /pooling is mean, max, first, none/);
  await refused({ views: "eleven" as never }, /views are center/);
  const projection = { mean: new Float64Array(3), components: new Float64Array(3), scale: new Float64Array(1) };
  await refused({ projection }, /for vectors of 3 numbers, and the layer gives 10/);
  await refused({ layer: "nowhere" }, /no layer "nowhere"/, onnxModel(exportOnnx(model), "toy.onnx"));
});

test("several views: their mean, and each for itself", async () => {
  await using embedder = await loadEmbedder(host, model, { ...options, views: "flips", normalize: false });
  const [views] = await allAnswers(embedder.embedViews([pictures[0]!]));
  const vector = await embedder.embed(pictures[0]!);
  expect(views).toHaveLength(2);
  expect([...views![0]!]).not.toEqual(close(views![1]!));
  expect([...vector]).toEqual(close(views![0]!.map((value, i) => (value + views![1]![i]!) / 2)));
});

test("a second time over the same pictures no model is opened, and the bytes are the same", async () => {
  const first = await embedded({ cache: true });
  const before = sessions;
  const again = await embedded({ cache: true });
  expect(sessions).toBe(before);
  expect(again.vectors).toEqual(first.vectors);
  // What is made of features afterwards is made of the same ones.
  const rooted = await embedded({ cache: true, power: true, normalize: false });
  expect(sessions).toBe(before);
  expect(rooted.space.id).not.toBe(first.space.id);
  expect(rooted.vectors).toEqual((await embedded({ power: true, normalize: false })).vectors);
});

test("by their content: other names find it, other layers and decoding do not; errors stay where they are", async () => {
  await embedded({ cache: true });
  await using embedder = await loadEmbedder(host, model, { ...options, cache: true });
  const before = sessions;
  const bytes = readFileSync(pictures[1]!);
  const broken = join(root, "broken.png");
  writeFileSync(broken, "no picture");
  const answers = [];
  for await (const answer of embedder.embedAll([pictures[0]!, broken, bytes])) answers.push(answer);
  expect(sessions).toBe(before);
  expect(answers.map(({ error }) => error === undefined)).toEqual([true, false, true]);
  const expected = (await embedded()).vectors;
  expect(answers[2]!.answer).toEqual(expected[1]);
  const without = sessions;
  await embedder.embed(pictures[0]!, { decode: "exact" });
  await embedded({ cache: true, layer: "stage.2" });
  expect(sessions).toBe(without + 2);
});

test("known and unknown pictures, in their order", async () => {
  const changed = { cache: true, transform: "resize(48,48)|normalize(imagenet)" };
  await using embedder = await loadEmbedder(host, model, { ...options, ...changed });
  const one = await embedder.embed(pictures[1]!);
  const all = await embedder.embed(pictures);
  expect(all[1]).toEqual(one);
  const expected = (await embedded({ transform: changed.transform })).vectors;
  all.forEach((vector, i) => {
    expect([...vector]).toEqual(close(expected[i]!));
  });
});
