// Pictures of all sizes through the classifier: whichever form of the model runs them, the answers are those of the plain graph on the plainly
// preprocessed picture.
import { afterAll, describe, expect, test } from "vitest";
import type { RawImage } from "../src/image/raw-image.ts";
import { atResolution, type Resolution } from "../src/image/resolution.ts";
import { applyTransform, parseTransform } from "../src/image/transform.ts";
import { exportOnnx } from "../src/model-folder/compile.ts";
import type { NativeModel, OnnxModel } from "../src/model-folder/model.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { onnxModel } from "../src/model-folder/onnx-model.ts";
import { runTensors } from "../src/model-folder/run-tensors.ts";
import { isFasterWhereSampled } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import type { Host } from "../src/platform/host.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import type { Session } from "../src/runtime/session.ts";
import { Classifier, loadClassifier } from "../src/tasks/classify/classifier.ts";
import { tensor } from "../src/tensor.ts";
import { cli } from "./cli/fake-terminal.ts";
import { PASTORAL } from "./cli/mini-model.ts";
import { loadGolden } from "./golden-case.ts";

const golden = loadGolden("sparseformer/sparseformer_v1_mini_64x64")!;
const definition = defineModel("sparseformer", golden.config);
const TRANSFORM = "resize_small(72,bilinear)|central_crop(64)|normalize(imagenet)";
const model: NativeModel = nativeModel(definition, golden.weights, { name: "mini", transform: TRANSFORM });

/** Waves, so that neighbouring pixels have to do with each other; bytes. */
function picture(width: number, height: number): RawImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        data[(y * width + x) * 3 + c] =
          128 + 60 * Math.sin((9 * x) / width + c) + 60 * Math.cos((7 * y) / height - (3 * x * c) / width);
  return { width, height, data };
}

const plain: Session = await nodeHost.createSession(
  exportOnnx(model, { outputs: ["logits"], form: { onlyWhereSampled: false } }),
  { device: "cpu" },
);
afterAll(() => plain.dispose());

async function expectedLogits(image: RawImage, transform: string, resolution: Resolution): Promise<Float32Array> {
  const view = applyTransform(image, atResolution(parseTransform(transform), resolution));
  return (await plain.run({ image: view })).logits!.data as Float32Array;
}

/** A host that remembers what the inputs of its sessions were, and which of them were disposed. */
function watchedHost(): { host: Host; inputs: string[]; open: () => number } {
  const inputs: string[] = [];
  let open = 0;
  const createSession: Host["createSession"] = async (bytes, options) => {
    const session = await nodeHost.createSession(bytes, options);
    inputs.push(session.inputs.map(({ dtype, shape }) => `${dtype}[${shape.join(", ")}]`).join());
    open++;
    return Object.assign(Object.create(session) as Session, {
      run: session.run.bind(session),
      dispose: () => {
        open--;
        return session.dispose();
      },
    });
  };
  return { host: { ...nodeHost, createSession }, inputs, open: () => open };
}

const largest = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

const WHOLE = "uint8[batch, height, width, 3]";
const BY_FOURS = "uint8[batch, height, width, 12]";

describe("resolutions", () => {
  test.each([
    [64, WHOLE],
    [61, WHOLE],
    [304, BY_FOURS],
    [303, WHOLE], // sampled too, pixel by pixel
  ] as const)("%i pixels: one session, and the plain graph's answers", async (resolution, input) => {
    const { host, inputs } = watchedHost();
    const classifier = await loadClassifier(host, model, { device: "cpu", resolution });
    const images = [picture(90, 70), picture(333, 401), picture(64, 64)];
    const scores = await classifier.scores(images);
    for (const [i, image] of images.entries())
      expect(largest(scores[i]!.scores, await expectedLogits(image, TRANSFORM, resolution))).toBeLessThan(1e-4);
    expect(inputs).toEqual([input]);
    await classifier.dispose();
  });

  test("the sizes above are on both sides of where sampling begins", () => {
    const at = (side: number) => isFasterWhereSampled(definition, { height: side, width: side });
    expect([64, 303, 304].map(at)).toEqual([false, true, true]);
    expect(isFasterWhereSampled(definition, { height: 8, width: 1e6 })).toBe(false);
  });

  test("native: pictures of all sizes, three sessions at most, all of them disposed", async () => {
    const { host, inputs, open } = watchedHost();
    const classifier = await loadClassifier(host, model, { device: "cpu", resolution: "native" });
    const sizes = [
      [97, 61],
      [400, 301],
      [401, 300],
      [16, 900],
      [5, 4],
      [97, 61],
    ] as const;
    const images = sizes.map(([width, height]) => picture(width, height));
    const scores = await classifier.scores(images);
    for (const [i, image] of images.entries())
      expect(largest(scores[i]!.scores, await expectedLogits(image, TRANSFORM, "native"))).toBeLessThan(1e-4);
    expect([...inputs].sort()).toEqual([BY_FOURS, WHOLE, WHOLE]);
    await classifier.dispose();
    expect(open()).toBe(0);
  });

  test("a size that comes twice at once makes one session", async () => {
    const { host, inputs } = watchedHost();
    const classifier = await loadClassifier(host, model, { device: "cpu", resolution: "native" });
    await Promise.all([1, 2, 3].map(() => classifier.scores([picture(50, 40)])));
    expect(inputs).toHaveLength(2);
    await classifier.dispose();
  });

  test("values without a mean go to the model as floats", async () => {
    const { host, inputs } = watchedHost();
    const transform = "resize(64,64)|value_range(0.5,0.5)";
    const classifier = await loadClassifier(host, model, { device: "cpu", transform });
    const [scores] = await classifier.scores([picture(30, 30)]);
    const view = applyTransform(picture(30, 30), parseTransform(transform));
    const { logits } = await plain.run({ image: view });
    expect(largest(scores!.scores, logits!.data as Float32Array)).toBeLessThan(1e-4);
    expect(inputs).toEqual(["float32[batch, 3, height, width]"]);
    await classifier.dispose();
  });

  test("where it looked is told for pictures of their own size too", async () => {
    await using classifier = await loadClassifier(nodeHost, model, { device: "cpu", resolution: "native" });
    const [{ gaze } = {}] = await classifier.scores([picture(400, 300)], { explain: true });
    expect(gaze!.stages).toHaveLength(3);
    expect(gaze!.viewToPicture).toEqual({ scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 });
  });
});

describe("files", () => {
  const file = (options: Parameters<typeof exportOnnx>[1]): OnnxModel =>
    onnxModel(exportOnnx(model, { outputs: ["logits"], ...options }), "file.onnx");

  test("of one size are refused at another", async () => {
    const { host, open } = watchedHost();
    const fixed = file({ size: { height: 64, width: 64 } });
    for (const resolution of [96, "native"] as const)
      await expect(loadClassifier(host, fixed, { device: "cpu", resolution })).rejects.toThrow(/64 x 64 only/);
    expect(open()).toBe(0);
    await using classifier = await loadClassifier(host, fixed, { device: "cpu", resolution: 64 });
    expect(classifier).toBeInstanceOf(Classifier);
  });

  test("that take pixels are given pixels, at any resolution", async () => {
    const mean = [0.485, 0.456, 0.406] as const;
    const taking = file({ form: { pixels: { mean, std: [0.229, 0.224, 0.225] } } });
    await using classifier = await loadClassifier(nodeHost, taking, { device: "cpu", resolution: 100 });
    const [scores] = await classifier.scores([picture(120, 170)]);
    expect(largest(scores!.scores, await expectedLogits(picture(120, 170), TRANSFORM, 100))).toBeLessThan(1e-4);
  });
});

test("raw tensors of large pictures give the plain graph's outputs", async () => {
  const { data } = applyTransform(picture(300, 301), parseTransform("normalize(imagenet)"));
  const image = tensor("float32", [1, 3, 301, 300], data);
  const { outputs } = await runTensors(nodeHost, model, new Map([["image", image]]), { device: "cpu" });
  const expected = await plain.run({ image });
  expect(largest(outputs.logits!.data as Float32Array, expected.logits!.data as Float32Array)).toBeLessThan(1e-4);
});

describe("on the command line", () => {
  const run = (...args: string[]) => cli(["classify", PASTORAL, "-m", "saccade/everyday", "--device", "cpu", ...args]);

  test.each([["200"], ["native"], ["200", "--threshold", "1"]])("--resolution %s", async (...args) => {
    const { exitCode, stdout, notes } = await run("--json", "--resolution", ...args);
    expect(notes).toEqual([]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).predictions[0].label).toBe("elephant");
  });

  test.each(["0", "15", "20000", "huge", "1.5e3x"])("--resolution %s is refused", async (value) => {
    const { exitCode, notes, stdout } = await run("--resolution", value);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(notes.join("\n")).toContain("16 to 16384 pixels or native");
  });
});
