// Recognisers whose classes begin with the texts of their labels, with towers made here: the pictures' tower sees colours and says them in the words
// of the text tower, far from where its texts lie.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { add, matMul, reduceMean } from "../src/graph/build.ts";
import { trace } from "../src/graph/scope.ts";
import { loadModel } from "../src/model-folder/load.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { loadClassifier } from "../src/tasks/classify/classifier.ts";
import { Recogniser } from "../src/tasks/recognise/recogniser.ts";
import type { RecogniserOptions } from "../src/tasks/recognise/recogniser-options.ts";
import { labelVectors } from "../src/tasks/zero-shot/label-vectors.ts";
import { loadTextEmbedder } from "../src/tasks/zero-shot/text-embedder.ts";
import { tensor } from "../src/tensor.ts";
import { temporaryFolder } from "./cli/mini-model.ts";
import { sharingSessions } from "./shared-sessions.ts";
import { writeTextTower } from "./text-toys.ts";

const folder = temporaryFolder();
const host = sharingSessions({ ...nodeHost, folders: { ...nodeHost.folders, cache: join(folder, "cache") } });
const COLOURS = ["red", "green", "blue"];
const WIDTH = 12;
const SIZE = 16;
const tower = writeTextTower(folder, WIDTH);
const other = writeTextTower(folder, WIDTH, { salt: 1 });

/** An ONNX file whose embedding is the mean colour, each channel in the direction of its name's text, and the same for all pictures beside it. */
async function writePictureTower(): Promise<string> {
  await using texts = await loadTextEmbedder(host, tower, { device: "cpu" });
  const vectors = await labelVectors(texts, COLOURS);
  const random = new RandomSource(0, "apart");
  const apart = Float32Array.from({ length: WIDTH }, () => random.normal());
  const parameters = new Map([
    ["words", tensor("float32", [3, WIDTH], Float32Array.from(vectors.flatMap((vector) => [...vector])))],
    ["apart", tensor("float32", [WIDTH], apart)],
  ]);
  const graph = trace((scope) => {
    const colour = reduceMean(scope.graph.input("image", ["batch", 3, SIZE, SIZE]), [2, 3]); // (N, 3)
    const words = scope.graph.parameter("words", [3, WIDTH], { kind: "zeros" });
    return { embedding: add(matMul(colour, words), scope.graph.parameter("apart", [WIDTH], { kind: "zeros" })) };
  });
  const file = join(folder, "colours.onnx");
  writeFileSync(file, lower(graph, { parameters }));
  return file;
}
const pictures = await writePictureTower();
const model = await loadModel(nodeHost, pictures, { transform: `resize(${SIZE},${SIZE})|normalize(imagenet)` });

/** Of a colour, more or less, and rather less. */
function picture(label: string, seed: number) {
  const random = new RandomSource(seed, `a ${label} picture`);
  const colour = COLOURS.map((name) =>
    Math.round(Math.min(255, Math.max(0, 110 + (name === label ? 45 : 0) + 30 * random.normal()))),
  );
  return { width: SIZE, height: SIZE, data: Uint8Array.from({ length: SIZE * SIZE * 3 }, (_, i) => colour[i % 3]!) };
}
const labelled = (label: string, count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ picture: picture(label, from + i), label, name: `${label} ${from + i}` }));
const few = (count: number, labels = COLOURS) => labels.flatMap((label) => labelled(label, count));
const unseen = COLOURS.flatMap((label) => labelled(label, 60, 1000));

const RUNNING = { threads: 1, device: "cpu" } as const;
const learn = (given: ReturnType<typeof few>, options: RecogniserOptions = { text: { model: tower } }) =>
  Recogniser.learn(host, model, given, { ...RUNNING, ...options });
const right = async (recogniser: Recogniser) => (await recogniser.measure(unseen)).top1;

test("two pictures, or one, with their label's text are better than two without", async () => {
  await using alone = await learn(few(2), { head: "nearest-mean" });
  const without = await right(alone);
  for (const count of [1, 2]) {
    await using recogniser = await learn(few(count));
    expect((await recogniser.fit()).textWeight).toBeGreaterThan(0);
    expect(await right(recogniser)).toBeGreaterThan(without + 0.05);
  }
});

let made = 0;
const freshFolder = () => join(folder, `learnt ${made++}`);
const contents = (path: string) =>
  new Map(readdirSync(path).map((name) => [name, readFileSync(join(path, name), "latin1")]));

test("what is saved answers the same, learns on, and forgets without a trace", async () => {
  const path = freshFolder();
  await using recogniser = await learn(few(2), { text: { model: tower, weight: 3 } });
  await recogniser.save(path);
  const asked = unseen.slice(0, 4).map((one) => one.picture);
  const expected = await recogniser.classify(asked);
  await using classifier = await loadClassifier(host, path, RUNNING);
  for (const [i, { predictions }] of (await classifier.classify(asked)).entries())
    for (const { label, score } of predictions)
      expect(score).toBeCloseTo(expected[i]!.predictions.find((one) => one.label === label)!.score, 3);

  const before = contents(path);
  await using again = await Recogniser.load(host, path, RUNNING);
  expect(await again.classify(asked)).toEqual(expected);
  await again.add(labelled("dark_grey", 1));
  expect(again.labels).toEqual(["blue", "dark_grey", "green", "red"]);
  expect((await again.fit()).textWeight).toBe(3);
  await using texts = await loadTextEmbedder(host, tower, RUNNING);
  expect(again.examples.texts.get("dark_grey")).toEqual((await labelVectors(texts, ["dark grey", "red"]))[0]);
  await again.save(path);
  expect(contents(path)).not.toEqual(before);
  await using third = await Recogniser.load(host, path, RUNNING);
  await third.forget("dark_grey");
  await third.save(path);
  expect(contents(path)).toEqual(before);
});

test("what another has learnt gets texts too; pictures may stay away altogether", async () => {
  await using one = await learn(few(8, ["red", "green"]), { text: { model: tower, labels: ["blue"] } });
  expect(one.examples.counts()).toEqual([0, 8, 8]);
  const blue = await one.classify(labelled("blue", 40, 500).map(({ picture }) => picture));
  expect(blue.filter(({ predictions }) => predictions[0]!.label === "blue").length).toBeGreaterThan(20);
  await using two = await learn([...labelled("blue", 2), ...labelled("red", 2, 8)], { head: "nearest-mean" });
  await one.merge(two);
  await using whole = await learn([...labelled("blue", 2), ...labelled("red", 10), ...labelled("green", 8)]);
  expect(one.examples.toTable()).toEqual(whole.examples.toTable());
  await using grey = await learn(few(2), { text: { model: tower, labels: ["grey"] } });
  await one.merge(grey);
  expect(one.examples.counts()).toEqual([2, 8, 0, 10]);
  await two.merge(whole);
  expect(two.examples.texts.size).toBe(0);
});

describe("refused, with what to do", () => {
  test.each<[string, () => Promise<unknown>, RegExp]>([
    ["a model that has no text model", () => learn(few(2), { text: true }), /no text model/],
    [
      "texts of another length",
      () => learn(few(2), { text: { model: writeTextTower(folder, 32) } }),
      /12 numbers, and .* of 32/,
    ],
    ["another head", () => learn(few(2), { text: { model: tower }, head: "svm" }), /not by svm/],
    ["another layer", () => learn(few(2), { text: { model: tower }, layer: "image" }), /not in its layer "image"/],
    ["a weight that is none", () => learn(few(2), { text: { model: tower, weight: -1 } }), /weight .* is -1/],
    [
      "one picture in all",
      () => learn(labelled("red", 1), { text: { model: tower, labels: ["green"] } }),
      /one picture/,
    ],
    ["labels that read the same", () => learn(few(2), { text: { model: tower, labels: ["Red"] } }), /the same/],
    [
      "strangers where a class has no picture",
      () => learn(few(2), { text: { model: tower, labels: ["grey"] }, unknown: 0.1 }),
      /"grey" has no picture/,
    ],
  ])("%s", async (_, run, message) => {
    const running = run();
    await expect(running).rejects.toThrow(UsageError);
    await expect(running).rejects.toThrow(message);
  });

  test("another text model than before, and texts for what was learnt without", async () => {
    const path = freshFolder();
    await using recogniser = await learn(few(2));
    await recogniser.save(path);
    await using again = await Recogniser.load(host, path, { ...RUNNING, text: { model: other } });
    await expect(again.add(labelled("grey", 1))).rejects.toThrow(/not the text model/);
    expect(again.labels).toEqual(recogniser.labels);
    const plain = freshFolder();
    await using without = await learn(few(2), { head: "nearest-mean" });
    await without.save(plain);
    await expect(Recogniser.load(host, plain, { ...RUNNING, text: true })).rejects.toThrow(/learnt without texts/);
  });
});
