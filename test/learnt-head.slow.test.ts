// A learnt head as a graph says what its numbers say, on a model of this library and joined to an ONNX file, whatever the head and whatever tells
// strangers; and learning on is learning anew.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import type { HeadName } from "../src/learn/heads.ts";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { loadModel } from "../src/model-folder/load.ts";
import type { LoadedModel, NativeModel } from "../src/model-folder/model.ts";
import { onnxModel } from "../src/model-folder/onnx-model.ts";
import type { UnknownScore } from "../src/models/learnt-head/head.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { loadClassifier } from "../src/tasks/classify/classifier.ts";
import { ExampleSet, type LearntExample } from "../src/tasks/recognise/example-set.ts";
import { fitRecogniser } from "../src/tasks/recognise/fit-recogniser.ts";
import { Recogniser } from "../src/tasks/recognise/recogniser.ts";
import { readWeights } from "../src/weights/load.ts";
import { writeMini } from "./cli/mini-model.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-learnt-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const native = (await loadModel(nodeHost, writeMini(folder, "sparseformer_v1_mini_64x64"))) as NativeModel;
/** The same as anybody's file, with the same preprocessing. */
const foreign: LoadedModel = onnxModel(exportOnnx(native), "foreign.onnx");
const THREADS = { threads: 1 };

/** Pictures of a class are of one colour, more or less. */
function picture(label: number, seed: number) {
  const random = new RandomSource(seed, `picture ${label}`);
  const base = [0, 1, 2].map((channel) => (channel === label % 3 ? 200 : 40));
  const data = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => base[i % 3]! + random.integer(50));
  return { width: 64, height: 64, data };
}
const labelled = (label: number, count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({
    picture: picture(label, from + i),
    label: `class ${label}`,
    name: `${label}/${from + i}`,
  }));
const three = [0, 1, 2].flatMap((label) => labelled(label, 4));
const questions = [
  picture(0, 90),
  picture(1, 91),
  picture(2, 92),
  { ...picture(0, 93), data: new Uint8Array(64 * 64 * 3).fill(128) },
];

let made = 0;
const freshFolder = () => join(folder, `model ${made++}`);

/** The graph's answers are the recogniser's. */
async function expectSame(recogniser: Recogniser, path: string): Promise<void> {
  const expected = await recogniser.classify(questions);
  await using classifier = await loadClassifier(nodeHost, path, THREADS);
  const actual = await classifier.classify(questions);
  expect(classifier.labels).toEqual(recogniser.labels);
  for (const [i, { predictions, unknown }] of actual.entries()) {
    expect(unknown).toBe(expected[i]!.unknown);
    for (const { label, score } of predictions)
      expect(score).toBeCloseTo(expected[i]!.predictions.find((other) => other.label === label)!.score, 3);
  }
}

test.each<[string, LoadedModel, HeadName, UnknownScore]>([
  ["a model of this library", native, "lda", "probability"],
  ["a model of this library", native, "knn", "neighbours"],
  ["a model of this library", native, "ridge", "mahalanobis"],
  ["an ONNX file", foreign, "nearest-mean", "energy"],
  ["an ONNX file", foreign, "knn", "mahalanobis"],
])("%s: %s, strangers by %s", async (_, model, head, unknownScore) => {
  const options = { head, unknown: 0.1, unknownScore, ...THREADS };
  await using recogniser = await Recogniser.learn(nodeHost, model, three, options);
  const path = freshFolder();
  await recogniser.save(path);
  await expectSame(recogniser, path);
});

test("what is learnt is one ONNX file, of which nothing is lost", async () => {
  await using recogniser = await Recogniser.learn(nodeHost, native, three, { unknown: 0.1, ...THREADS });
  const path = freshFolder();
  await recogniser.save(path);
  const model = (await loadModel(nodeHost, path)) as NativeModel;
  const bytes = exportOnnx(model);
  const expected = await recogniser.classify(questions);
  await using classifier = await loadClassifier(nodeHost, bytes, THREADS);
  const actual = await classifier.classify(questions);
  expect(classifier.labels).toEqual(["class 0", "class 1", "class 2"]);
  expect(actual.map(({ unknown }) => unknown)).toEqual(expected.map(({ unknown }) => unknown));
  expect(actual.map(({ predictions }) => predictions[0]!.label)).toEqual(
    expected.map(({ predictions }) => predictions[0]!.label),
  );
  expect(classifier.looks).toBe(true);
});

/** Everything in a folder. */
const contents = (path: string) =>
  new Map(readdirSync(path).map((name) => [name, readFileSync(join(path, name), "latin1")]));

test("a forgotten class leaves no trace, and what was added in any order is the same", async () => {
  const anew = freshFolder();
  {
    await using recogniser = await Recogniser.learn(nodeHost, native, [...labelled(0, 4), ...labelled(1, 4)], THREADS);
    await recogniser.save(anew);
  }
  const path = freshFolder();
  {
    await using recogniser = await Recogniser.learn(nodeHost, native, [...labelled(1, 2), ...labelled(2, 4)], THREADS);
    await recogniser.save(path);
  }
  await using recogniser = await Recogniser.load(nodeHost, path, THREADS);
  await recogniser.add([...labelled(0, 4), ...labelled(1, 2, 2)]);
  await recogniser.forget("class 2");
  await recogniser.save(path);
  expect(contents(path)).toEqual(contents(anew));
  await expect(recogniser.forget("class 9")).rejects.toThrow(/"class 9" is none of the 2 classes/);
  await expect(recogniser.forget("class 1")).rejects.toThrow(/one class/);
  expect(recogniser.labels).toEqual(["class 0", "class 1"]);
});

test("changes at once are all kept, and a folder that another one has changed is not written over", async () => {
  const path = join(folder, "at-once");
  await using one = await Recogniser.learn(nodeHost, native, [...labelled(0, 2), ...labelled(1, 2)], {
    head: "nearest-mean",
    ...THREADS,
  });
  await one.save(path);
  await using two = await Recogniser.load(nodeHost, path, THREADS);
  await Promise.all([one.add(labelled(2, 2)), one.add(labelled(0, 3)), one.fit()]);
  expect(one.examples.counts()).toEqual([3, 2, 2]);
  expect((await one.fit()).described.classes).toBe(3);
  await one.save(path);
  await two.add(labelled(1, 3));
  await expect(two.save(path)).rejects.toMatchObject({ code: "changed" });
  await one.forget(one.labels[2]!);
  await one.save(path); // its own change is none of another one
  await using last = await Recogniser.load(nodeHost, path, THREADS);
  expect(last.examples.counts()).toEqual([3, 2]);
});

test("two recognisers become one, if their features are the same", async () => {
  await using one = await Recogniser.learn(nodeHost, native, [...labelled(0, 3), ...labelled(1, 3)], THREADS);
  await using two = await Recogniser.learn(nodeHost, native, [...labelled(1, 3), ...labelled(2, 3)], THREADS);
  await one.merge(two);
  expect(one.labels).toEqual(["class 0", "class 1", "class 2"]);
  expect(one.examples.counts()).toEqual([3, 3, 3]); // the same pictures are not learnt twice
  await using other = await Recogniser.learn(nodeHost, foreign, [...labelled(0, 3), ...labelled(1, 3)], THREADS);
  await expect(one.merge(other)).rejects.toThrow(UsageError);
  await expect(one.merge(other)).rejects.toThrow(/model: /);
});

const space = { ...(await spaceOf()), width: 3 };
async function spaceOf() {
  await using recogniser = await Recogniser.learn(nodeHost, native, three, THREADS);
  return recogniser.space;
}

const example = (label: string, hash: number): LearntExample => {
  const random = new RandomSource(hash, label);
  const vector = Float32Array.from({ length: 3 }, () => random.normal());
  return { label, vector, path: `${hash}`, size: 1, hash: `${hash}` };
};

test("a set of examples is the same in whatever order they came", () => {
  const numbers = fc.uniqueArray(fc.nat(1000), { minLength: 4, maxLength: 20 });
  fc.assert(
    fc.property(numbers, fc.nat(), (hashes, seed) => {
      const examples = hashes.map((hash) => example(hash % 2 === 0 ? "even" : "odd", hash));
      const shuffled = new RandomSource(seed).shuffle([...examples, ...examples]);
      const set = shuffled.reduce((all, one) => all.with([one]), ExampleSet.of(space, []));
      expect(set.items).toEqual(ExampleSet.of(space, examples).items);
    }),
    { numRuns: 30 },
  );
});

test("what cannot be learnt from says what is missing", async () => {
  const learn = (examples: LearntExample[]) => fitRecogniser(ExampleSet.of(space, examples), {});
  await expect(learn([])).rejects.toThrow(/no picture/);
  await expect(learn([example("a", 1), example("a", 2)])).rejects.toThrow(/one class, "a"/);
  await expect(learn([example("a", 1), example("a", 2), example("b", 3)])).rejects.toThrow(/"b" has one picture/);
  const broken = { ...example("a", 1), vector: Float32Array.of(1, Number.NaN, 2) };
  expect(() => ExampleSet.of(space, [broken])).toThrow(/features of 1 are not all finite/);
  expect(() => ExampleSet.of(space, [{ ...broken, vector: new Float32Array(5) }])).toThrow(/5 numbers/);
});

test("training from a learnt model begins with the model under the head", async () => {
  const path = freshFolder();
  await using recogniser = await Recogniser.learn(nodeHost, native, three, THREADS);
  await recogniser.save(path);
  const { tensors } = readWeights(new Uint8Array(readFileSync(join(path, "model.safetensors"))));
  expect([...tensors.keys()].sort()).toEqual([...native.weights.keys()].sort());
  const model = (await loadModel(nodeHost, path)) as NativeModel;
  expect(model.definition.learnt?.head.classes).toBe(3);
});
