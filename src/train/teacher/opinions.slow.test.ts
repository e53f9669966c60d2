import { expect, test } from "vitest";
import { createSession } from "../../../test/train/fit.ts";
import { shapes, worker } from "../../../test/train/shapes.ts";
import { type Dataset, subset } from "../../data/dataset.ts";
import { AbortedError, FormatError, UsageError } from "../../errors.ts";
import { reduceMean, reshape } from "../../graph/build.ts";
import { trace } from "../../graph/scope.ts";
import { lower } from "../../onnx/lower.ts";
import { RandomSource } from "../../random.ts";
import type { Session } from "../../runtime/session.ts";
import { tensor } from "../../tensor.ts";
import { writeSafetensors } from "../../weights/safetensors.ts";
import { teacherLoader } from "../loaders.ts";
import { MemoryFiles } from "../run/memory-files.test-helper.ts";
import { openTeacher } from "./open.ts";
import { askTeacher, loadOpinions, requireRoomForOpinions, saveOpinions, withTeacher } from "./opinions.ts";
import { applyProbe, fitProbe } from "./probe.ts";

/** Points around `classes` corners, and their labels. */
function clouds(count: number, classes: number, width: number) {
  const random = new RandomSource(1, "clouds");
  const labels = Int32Array.from({ length: count }, (_, row) => row % classes);
  const data = Float32Array.from({ length: count * width }, (_, i) => {
    const [row, k] = [Math.floor(i / width), i % width];
    return (k === labels[row] ? 2 : 0) + 0.5 * random.normal();
  });
  return { features: tensor("float32", [count, width], data), labels };
}

function accuracy(logits: Float32Array, labels: Int32Array, classes: number): number {
  const right = [...labels.keys()].filter((row) => {
    const scores = [...logits.subarray(row * classes, (row + 1) * classes)];
    return scores.indexOf(Math.max(...scores)) === labels[row];
  });
  return right.length / labels.length;
}

test("the probe separates clouds, also when they are fewer than a batch, and passes over rows without a label", async () => {
  const { features, labels } = clouds(90, 3, 6);
  const probe = await fitProbe(features, labels, {
    classes: 3,
    epochs: 60,
    learningRate: 0.05,
    seed: 0,
    createSession,
  });
  expect(accuracy(applyProbe(probe, features).data, labels, 3)).toBeGreaterThan(0.95);
  const misleading = features.data.slice();
  misleading.fill(1e6, 0, 30 * 6);
  const hidden = labels.map((label, row) => (row < 30 ? -1 : label));
  const other = await fitProbe(tensor("float32", [90, 6], misleading), hidden, {
    classes: 3,
    epochs: 60,
    learningRate: 0.05,
    batch: 32,
    seed: 0,
    createSession,
  });
  expect(accuracy(applyProbe(other, features).data, labels, 3)).toBeGreaterThan(0.95);
});

test("the probe is the same for the same seed, and stops when it is told to", async () => {
  const { features, labels } = clouds(64, 3, 6);
  const probeOf = (seed: number) =>
    fitProbe(features, labels, { classes: 3, epochs: 3, batch: 16, seed, createSession });
  expect(await probeOf(1)).toEqual(await probeOf(1));
  expect(await probeOf(2)).not.toEqual(await probeOf(1));
  const stopped = fitProbe(features, labels, { classes: 3, seed: 0, createSession, signal: AbortSignal.abort() });
  await expect(stopped).rejects.toThrow(AbortedError);
});

test("applyProbe is features times weights plus bias", () => {
  const probe = { weight: Float32Array.of(1, 2, 3, 4, 5, 6), bias: Float32Array.of(0.5, -1) };
  const logits = applyProbe(probe, tensor("float32", [2, 3], Float32Array.of(1, 0, -1, 2, 2, 2)));
  expect(logits.shape).toEqual([2, 2]);
  expect([...logits.data]).toEqual([-1.5, -3, 12.5, 29]);
});

test("soft labels: the teacher's softened opinion has its weight, the label the rest, rows sum to 1", async () => {
  const dataset = subset(shapes(2), [0, 1, 2, 4]);
  const logits = tensor("float32", [4, 3], Float32Array.of(1, 2, 3, 0, 0, 0, 80, -80, 0, 5, 0, 0));
  const taught = withTeacher(dataset, logits, { weight: 0.6, temperature: 2 });
  const rows = await Promise.all([0, 1, 2, 3].map(async (index) => (await taught.item(index)).softLabel!));
  for (const row of rows) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
  const e = [0.5, 1, 1.5].map(Math.exp);
  const sum = e[0]! + e[1]! + e[2]!;
  [0.6 * (e[0]! / sum) + 0.4, 0.6 * (e[1]! / sum), 0.6 * (e[2]! / sum)].forEach((value, c) => {
    expect(rows[0]![c]).toBeCloseTo(value, 6);
  });
  [0.2, 0.2 + 0.4, 0.2].forEach((value, c) => {
    expect(rows[1]![c]).toBeCloseTo(value, 6);
  });
  // Opinions of any size stay finite.
  expect(rows[2]![0]).toBeCloseTo(0.6, 6);
  expect(taught.targets).toBe(dataset.targets);
});

test("a picture that has a soft label already keeps it as its own share", async () => {
  const plain = subset(shapes(1), [0]);
  const dataset: typeof plain = {
    ...plain,
    item: async (index) => ({ ...(await plain.item(index)), softLabel: Float32Array.of(0.5, 0.5, 0) }),
  };
  const taught = withTeacher(dataset, tensor("float32", [1, 3], new Float32Array(3)), { weight: 0.3, temperature: 1 });
  const { softLabel } = await taught.item(0);
  [0.45, 0.45, 0.1].forEach((value, c) => {
    expect(softLabel![c]).toBeCloseTo(value, 6);
  });
});

/** A teacher that tells colours: the mean of each channel. */
const colourTeacher = (output: string) =>
  lower(
    trace((scope) => {
      const image = scope.graph.input("pixels", ["batch", 3, 16, 16]);
      return { [output]: reduceMean(image, [2, 3]) };
    }),
    {},
  );

const openLoader = (pictures: Dataset) => teacherLoader(pictures, "resize(16,16)|normalize(imagenet)", [worker()]);

test("a teacher of colours is asked about every picture once, in their order", async () => {
  const dataset = shapes(20);
  const teacher = await openTeacher(colourTeacher("features"), "colours.onnx", createSession);
  const done: number[] = [];
  try {
    const asked = { teacher, dataset, openLoader, seed: 0, createSession };
    const { logits, accuracy } = await askTeacher({ ...asked, onProgress: (count) => done.push(count) });
    expect(done).toEqual([32, 60]);
    expect(logits.shape).toEqual([60, 3]);
    expect(accuracy).toBeGreaterThan(0.5);
    await expect(askTeacher({ ...asked, signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
  } finally {
    await teacher.dispose();
  }
});

test("where not all features can be kept, all pictures are judged all the same, and none is shown twice", async () => {
  const dataset = shapes(20);
  const teacher = await openTeacher(colourTeacher("features"), "colours.onnx", createSession);
  const asked = { teacher, dataset, openLoader, seed: 0, createSession };
  const done: number[] = [];
  try {
    const all = await askTeacher(asked);
    const opened: number[] = [];
    const part = await askTeacher({
      ...asked,
      maxFeatureBytes: 4 * 3 * 30, // half of them
      openLoader(pictures) {
        opened.push(pictures.length);
        return openLoader(pictures);
      },
      onProgress: (count) => done.push(count),
    });
    expect(opened).toEqual([30, 30]);
    expect(done).toEqual([30, 60]);
    for (let row = 0; row < 60; row++)
      expect(part.logits.data.slice(3 * row, 3 * row + 3)).not.toEqual(new Float32Array(3));
    expect(part.logits).not.toEqual(all.logits);
    expect(part.accuracy).toBe(accuracy(part.logits.data as Float32Array, dataset.targets, 3));
    expect(part.accuracy).toBeGreaterThan(0.5);
    // A model that does not say how wide its features are is shown a batch to find out.
    const silent = { ...bound(teacher), outputs: [{ name: "features", dtype: "float32", shape: [] }] } as const;
    expect(await askTeacher({ ...asked, teacher: silent })).toEqual(all);
  } finally {
    await teacher.dispose();
  }
});

/** A session's members as an object that can be changed. */
const bound = (session: Session): Session => ({
  device: session.device,
  inputs: session.inputs,
  outputs: session.outputs,
  run: (feeds, options) => session.run(feeds, options),
  dispose: () => session.dispose(),
});

test("opinions that would not fit into memory are refused before anything is begun", () => {
  const labels = Array.from({ length: 1000 }, (_, i) => `${i}`);
  expect(() => requireRoomForOpinions({ length: 500_000, labels })).not.toThrow();
  const refused = () => requireRoomForOpinions({ length: 1_281_167, labels });
  expect(refused).toThrow(UsageError);
  expect(refused).toThrow(/1281167 pictures and 1000 classes would take 5\.1 GB/);
});

/** A teacher whose features are the pixels: enough of them to learn sixty pictures by heart. */
const pixelTeacher = () =>
  lower(
    trace((scope) => {
      const image = scope.graph.input("pixels", ["batch", 3, 16, 16]);
      return { features: reshape(image, ["batch", 768]) };
    }),
    {},
  );

test("opinions do not repeat labels that say nothing: no classifier was fitted to the pictures that it judges", async () => {
  const plain = shapes(20);
  const random = new RandomSource(3, "labels");
  const targets = plain.targets.map(() => random.integer(3));
  const item = async (index: number) => ({ ...(await plain.item(index)), label: targets[index]! });
  const dataset = { ...plain, targets, item };
  const teacher = await openTeacher(pixelTeacher(), "pixels.onnx", createSession);
  try {
    const { logits, accuracy: judged } = await askTeacher({ teacher, dataset, openLoader, seed: 0, createSession });
    expect(accuracy(logits.data as Float32Array, dataset.targets, 3)).toBeLessThan(0.6);
    expect(judged).toBeCloseTo(accuracy(logits.data as Float32Array, dataset.targets, 3), 6);
  } finally {
    await teacher.dispose();
  }
});

test("a model without features is no teacher", async () => {
  const opened = openTeacher(colourTeacher("logits"), "colours.onnx", createSession);
  await expect(opened).rejects.toThrow(FormatError);
  await expect(opened).rejects.toThrow(/colours\.onnx: .*no output named features/);
  await expect(opened).rejects.toMatchObject({ hint: expect.stringContaining("logits") });
});

test("opinions are kept for a resumed run, and not believed about other data", async () => {
  const files = new MemoryFiles();
  const logits = tensor(
    "float32",
    [6, 3],
    Float32Array.from({ length: 18 }, (_, i) => i / 7),
  );
  await saveOpinions(files, "/teacher.safetensors", logits, shapes(2));
  expect(await loadOpinions(files, "/teacher.safetensors", shapes(2))).toEqual(logits);
  const moved = { ...shapes(2), name: (index: number) => `elsewhere/${shapes(2).name(index)}` };
  expect(await loadOpinions(files, "/teacher.safetensors", moved)).toEqual(logits);
  expect(await loadOpinions(files, "/teacher.safetensors", shapes(3))).toBeUndefined();
  expect(await loadOpinions(files, "/nothing.safetensors", shapes(2))).toBeUndefined();
  // As many pictures of each class, and others: another seed's part of the same set.
  const others = subset(shapes(3), [0, 4, 2, 3, 1, 5]);
  expect(await loadOpinions(files, "/teacher.safetensors", others)).toBeUndefined();
  // A file of before says nothing about pictures.
  await files.writeAtomic("/old.safetensors", writeSafetensors(new Map([["logits", logits]])));
  expect(await loadOpinions(files, "/old.safetensors", others)).toEqual(logits);
});
