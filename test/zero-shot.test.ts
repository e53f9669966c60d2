// Naming by text with towers made here: what is computed, kept, carried and refused.
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NotFoundError, UsageError } from "../src/errors.ts";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { loadModel, requireNative, writeModelFolder } from "../src/model-folder/load.ts";
import { nodeFiles } from "../src/platform/node/files.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { loadEmbedder } from "../src/tasks/embed/embedder.ts";
import { labelVectors } from "../src/tasks/zero-shot/label-vectors.ts";
import { loadTextEmbedder, type TextEmbedder } from "../src/tasks/zero-shot/text-embedder.ts";
import { loadZeroShot, type ZeroShotClassifier } from "../src/tasks/zero-shot/zero-shot-classifier.ts";
import { BOATS, PASTORAL, temporaryFolder, writeMini } from "./cli/mini-model.ts";
import { sharingSessions } from "./shared-sessions.ts";
import { writeTextTower } from "./text-toys.ts";

const folder = temporaryFolder();
const WIDTH = 12;
const pictures = writeMini(folder, "sparseformer_clip_mini_64x64");
const tower = writeTextTower(folder, WIDTH);
const cache = join(folder, "cache");
const host = sharingSessions({ ...nodeHost, folders: { ...nodeHost.folders, cache } });
const LABELS = ["a sheep", "a boat", "a dog"];
const options = { device: "cpu", textModel: tower } as const;
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

let classifier: ZeroShotClassifier;
let texts: TextEmbedder;
beforeAll(async () => {
  classifier = await loadZeroShot(host, pictures, options);
  texts = classifier.texts;
});
afterAll(() => classifier.dispose());

test("scores are the softmax of scaled cosines with the mean of a label's sentences", async () => {
  const templates = ["a photo of {a}.", "{}"];
  const results = await classifier.classify([PASTORAL, BOATS], LABELS, { templates, explain: true });
  await using embedder = await loadEmbedder(host, pictures, { device: "cpu" });
  const vectors = await embedder.embed([PASTORAL, BOATS]);
  const scale = await texts.scale();
  const prompts = await texts.embed(LABELS.flatMap((label) => [`a photo of ${label}.`, label]));
  for (const [i, { predictions, gaze }] of results.entries()) {
    const logits = LABELS.map((_, at) => {
      const sum = prompts[2 * at]!.map((value, j) => value + prompts[2 * at + 1]![j]!);
      return (scale * dot(vectors[i]!, sum)) / Math.hypot(...sum);
    });
    const total = logits.reduce((sum, value) => sum + Math.exp(value), 0);
    for (const { label, index, score } of predictions) {
      expect(label).toBe(LABELS[index]);
      expect(score).toBeCloseTo(Math.exp(logits[index]!) / total, 4);
    }
    expect(predictions.map(({ score }) => score)).toEqual(predictions.map(({ score }) => score).sort((a, b) => b - a));
    expect(gaze!.stages.length).toBeGreaterThan(0);
  }
  expect(results[0]!.predictions).not.toEqual(results[1]!.predictions);
});

test("vectors have length one, do not depend on the batch, and texts that read the same are one", async () => {
  const many = Array.from({ length: 40 }, (_, i) => `${i} boats`);
  const all = await texts.embed(many);
  expect(Math.hypot(...all[0]!)).toBeCloseTo(1, 5);
  await using alone = await loadTextEmbedder(host, tower, { device: "cpu", cache: false });
  expect(Math.max(...(await alone.embed("7 boats")).map((value, i) => Math.abs(value - all[7]![i]!)))).toBeLessThan(
    1e-5,
  );
  expect(await texts.embed("7  BOATS ")).toEqual(all[7]);
});

describe("the cache on the disk", () => {
  const file = () => join(cache, "texts", readdirSync(join(cache, "texts"))[0]!);

  test("answers without the model, to the last bit", async () => {
    const [first] = await labelVectors(texts, LABELS);
    const size = statSync(file()).size;
    const never = { ...host, createSession: () => Promise.reject(new Error("the model ran")) };
    const again = await loadTextEmbedder(never, tower, { device: "cpu" });
    expect((await labelVectors(again, LABELS))[0]).toEqual(first);
    await expect(again.embed("something new")).rejects.toThrow("the model ran");
    expect(statSync(file()).size).toBe(size);
  });

  test("with a torn end, foreign lines and vectors of another length is read as far as it goes", async () => {
    const [first] = await labelVectors(texts, LABELS);
    appendFileSync(file(), '\nnonsense\n["1 2 3",[1,2]]\n{"a":1}\n["1 2",["x"]]\n["5 6",[0.1,0.2');
    const again = await loadTextEmbedder(host, tower, { device: "cpu" });
    expect((await labelVectors(again, LABELS))[0]).toEqual(first);
    const added = await again.embed("one more text");
    await again.dispose();
    const never = { ...host, createSession: () => Promise.reject(new Error("the model ran")) };
    expect(await (await loadTextEmbedder(never, tower, { device: "cpu" })).embed("one more text")).toEqual(added);
  });

  test("is another model's own", async () => {
    const other = await loadTextEmbedder(host, writeTextTower(folder, WIDTH, { salt: 1 }), { device: "cpu" });
    expect(other.digest).not.toBe(texts.digest);
    expect(await other.embed("a boat")).not.toEqual(await texts.embed("a boat"));
    await other.dispose();
  });

  test("where nothing can be written changes nothing", async () => {
    const blocked = join(folder, "blocked");
    writeFileSync(blocked, "a file where the folder would be");
    const here = { ...host, folders: { ...host.folders, cache: blocked } };
    await using alone = await loadTextEmbedder(here, tower, { device: "cpu" });
    expect(await alone.embed("a boat")).toEqual(await texts.embed("a boat"));
  });
});

describe("the vocabulary travels", () => {
  test("in a model folder, and in an exported file", async () => {
    const model = requireNative(await loadModel(host, tower));
    const copy = join(folder, "copy");
    await writeModelFolder(nodeFiles, copy, model);
    expect(readFileSync(join(copy, "merges.txt"), "utf8")).toBe(readFileSync(join(tower, "merges.txt"), "utf8"));
    const file = join(folder, "texts.onnx");
    writeFileSync(file, exportOnnx(model));
    const expected = await texts.embed("a boat");
    for (const place of [copy, file]) {
      await using other = await loadTextEmbedder(host, place, { device: "cpu", cache: false });
      const vector = await other.embed("a boat");
      expect(Math.max(...vector.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-5);
      expect(await other.scale()).toBeCloseTo(await texts.scale(), 4);
    }
  });
});

describe("refused, with what to do", () => {
  test.each<[string, () => Promise<unknown>, new (...args: never[]) => Error, RegExp]>([
    [
      "a model that has no text model",
      () => loadZeroShot(host, pictures, { device: "cpu" }),
      UsageError,
      /no text model/,
    ],
    [
      "vectors of different lengths",
      () => loadZeroShot(host, pictures, { device: "cpu", textModel: writeTextTower(folder, 32) }),
      UsageError,
      /12 numbers, and .* of 32/,
    ],
    ["pictures as texts", () => loadTextEmbedder(host, pictures, {}), UsageError, /model of pictures/],
    ["texts as pictures", () => loadEmbedder(host, tower, {}), UsageError, /text model, and pictures are wanted/],
    [
      "no vocabulary",
      () => loadTextEmbedder(host, writeTextTower(folder, WIDTH, { vocabulary: false }), {}),
      NotFoundError,
      /vocabulary not found/,
    ],
    ["an empty text", () => texts.embed(["a boat", "  "]), UsageError, /empty/],
    ["a text longer than the context", () => texts.embed("boat ".repeat(80)), UsageError, /the model reads 58/],
    ["a label twice", () => classifier.classify(PASTORAL, ["boat", "boat"]), UsageError, /the same/],
    [
      "a template without a place",
      () => classifier.classify(PASTORAL, LABELS, { templates: ["boat"] }),
      UsageError,
      /no place/,
    ],
  ])("%s", async (_, run, kind, message) => {
    const error = await run().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(message);
  });

  test("but a long text is cut where that is asked for", async () => {
    const [a, b] = await texts.embed(["boat ".repeat(80), "boat ".repeat(90)], { truncate: true });
    expect(a).toEqual(b);
  });
});
