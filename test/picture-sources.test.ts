// Everything that may be handed over as a picture or a model gives the same answer, and everything else is named.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  AdaptiveClassifier,
  Classifier,
  decodeImage,
  drawGaze,
  drawGlimpses,
  drawTokens,
  Embedder,
  encodeGaze,
  encodeGlimpses,
  encodePng,
  encodeTokens,
  type PictureSource,
} from "../src/node.ts";
import { PASTORAL, temporaryFolder, writeMini } from "./cli/mini-model.ts";

const folder = temporaryFolder();
const model = writeMini(folder, "sparseformer_v1_mini_64x64");
const session = { device: "cpu", threads: 1 } as const;
const file = readFileSync(PASTORAL);
const bytes = new Uint8Array(file);

/** Pixels that are handed over are all there; a file is only then as good when it is decoded wholly. */
const whole = { decode: "exact" } as const;
let classifier: Classifier;
let expected: readonly { readonly index: number; readonly score: number }[];
beforeAll(async () => {
  classifier = await Classifier.load(model, session);
  expected = (await classifier.classify(PASTORAL, whole)).predictions;
});
afterAll(() => classifier.dispose());

/** The same bytes in an array that a vm context made. */
const foreign = (): Uint8Array => {
  const array = runInNewContext(`new Uint8Array(${bytes.length})`) as Uint8Array;
  array.set(bytes);
  return array;
};

test("a photograph may be decoded smaller: nearly the same answer, the same alone and among others", async () => {
  const { predictions } = await classifier.classify(PASTORAL);
  expect(predictions).not.toEqual(expected);
  expect(predictions.map(({ index }) => index)).toContain(expected[0]!.index);
  const together = await classifier.classify([PASTORAL, PASTORAL, bytes, PASTORAL]);
  for (const one of together)
    for (const [i, { index, score }] of one.predictions.entries()) {
      expect(index).toBe(predictions[i]!.index);
      expect(score).toBeCloseTo(predictions[i]!.score, 5); // batches of other sizes round differently
    }
  await expect(classifier.classify(PASTORAL, { ...whole, topK: 1 })).resolves.toMatchObject({
    predictions: [{ score: expected[0]!.score }],
  });
});

describe("one photograph, as", () => {
  test.each<[string, () => PictureSource | Promise<PictureSource>]>([
    ["bytes", () => bytes],
    ["a Buffer", () => file],
    ["an ArrayBuffer", () => bytes.slice().buffer],
    ["another realm's bytes", foreign],
    ["another realm's ArrayBuffer", () => foreign().buffer],
    ["a DataView", () => new DataView(bytes.buffer)],
    ["shared memory", () => Object.assign(new Uint8Array(new SharedArrayBuffer(bytes.length)), bytes)],
    ["a Blob", () => new Blob([bytes])],
    ["a URL", () => pathToFileURL(PASTORAL)],
    ["a Response", () => new Response(bytes)],
    ["pixels", () => decodeImage(bytes)],
    [
      "a canvas's pixels",
      async () => {
        const { width, height, data } = await decodeImage(bytes);
        const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
        for (let i = 0; i < width * height; i++) rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
        return { width, height, data: rgba };
      },
    ],
  ])("%s", async (_name, make) => {
    expect((await classifier.classify(await make(), whole)).predictions).toEqual(expected);
  });
});

describe("what is no picture is named", () => {
  const values: [unknown, string][] = [
    [null, "null"],
    [undefined, "undefined"],
    [42, "the number 42"],
    [true, "the boolean true"],
    [() => PASTORAL, "a function"],
    [new Float32Array(3), "a Float32Array"],
    [{}, "an empty object"],
    [{ data: bytes, info: {} }, "an object with the fields data, info"],
    [new Map(), "a Map"],
  ];
  test.each(values)("%s", async (value, name) => {
    const message = `a picture is a path, bytes or pixels; this is ${name}`;
    const refused = { code: "usage", message };
    await expect(classifier.classify(value as PictureSource)).rejects.toMatchObject(refused);
    await expect(classifier.classify([PASTORAL, value as PictureSource])).rejects.toMatchObject(refused);
    await expect(decodeImage(value as PictureSource)).rejects.toMatchObject(refused);
    // Beside others it is that picture's error.
    const answers = [];
    for await (const answer of classifier.classifyAll([value as PictureSource, PASTORAL], whole)) answers.push(answer);
    expect(answers[0]).toMatchObject({ error: refused });
    expect(answers[1]?.answer?.predictions).toEqual(expected);
  });

  test("a promise", async () => {
    const promise = Promise.resolve(PASTORAL) as unknown as string;
    await expect(decodeImage(promise)).rejects.toThrow("this is a promise: await it first");
  });

  test("an array inside an array", async () => {
    await expect(classifier.classify([[PASTORAL]] as unknown as string[])).rejects.toThrow("this is an array");
  });

  test("ten bytes as a 10 x 10 picture, wherever pixels are taken", async () => {
    const wrong = { width: 10, height: 10, data: new Uint8Array(10) };
    const refused = {
      code: "image_pixels",
      message: "a 10 x 10 picture needs 300 (RGB) or 400 (RGBA) bytes, got 10",
    };
    const whole = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };
    const stages = [{ name: "block 0", tokens: 1, origin: Float32Array.of(1) }];
    const tokens = { grid: { height: 1, width: 1 }, views: [{ viewToPicture: whole, stages }] };
    await using embedder = await Embedder.load(model, session);
    for (const refuse of [
      () => classifier.classify(wrong),
      () => classifier.scores([wrong]),
      () => embedder.embed(wrong),
      () => decodeImage(wrong),
      async () => encodePng(wrong),
      async () => drawGaze(wrong, { stages: [], viewToPicture: whole }),
      async () => drawGlimpses(wrong, []),
      async () => drawTokens(wrong, tokens),
      () => encodeTokens(wrong, tokens),
      () => encodeGaze(wrong, { stages: [], viewToPicture: whole }),
      () => encodeGlimpses(wrong, []),
    ])
      await expect(refuse()).rejects.toMatchObject(refused);
  });

  test("bytes that were transferred away, whatever shows them", async () => {
    const lose = <T extends ArrayBufferView>(view: T): T => {
      structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
      return view;
    };
    for (const gone of [
      lose(new Uint8Array(bytes)).buffer,
      lose(new Uint8Array(bytes)),
      lose(new DataView(new Uint8Array(bytes).buffer)),
    ])
      await expect(decodeImage(gone)).rejects.toMatchObject({
        code: "usage",
        message: expect.stringContaining("transferred"),
      });
  });

  test("a single picture where many are expected", () => {
    for (const single of ["photo.jpg", bytes, undefined, { width: 1, height: 1, data: new Uint8Array(3) }])
      expect(() => classifier.classifyAll(single as unknown as string[])).toThrow(/many pictures come as an array/);
  });

  test("addresses, error pages, and responses that are used up or too large", async () => {
    await expect(decodeImage(new URL("https://example.com/a.jpg"))).rejects.toThrow("addresses are not fetched");
    await expect(decodeImage("https://example.com/a.jpg")).rejects.toMatchObject({
      code: "not_found",
      hint: expect.stringContaining("addresses are not fetched"),
    });
    await expect(decodeImage(new Response("no", { status: 404 }))).rejects.toThrow("status 404");
    const used = new Response(bytes);
    await used.arrayBuffer();
    await expect(decodeImage(used)).rejects.toThrow("read already");
    await expect(decodeImage(new Response(bytes), { maxBytes: 1000 })).rejects.toMatchObject({ code: "limit" });
    await expect(decodeImage(new Blob([bytes]), { maxBytes: 1000 })).rejects.toMatchObject({ code: "limit" });
    await expect(decodeImage(new Response(null))).rejects.toMatchObject({ code: "image_empty" });
  });
});

describe("a model, as", () => {
  const weights = readFileSync(join(model, "model.safetensors"));
  const path = join(folder, "weights.safetensors");
  writeFileSync(path, weights);
  const options = {
    ...session,
    architecture: "sparseformer",
    config: JSON.parse(readFileSync(join(model, "config.json"), "utf8")).config,
  };

  test.each([
    ["a path", () => path],
    ["a URL", () => pathToFileURL(path)],
    ["an ArrayBuffer", () => new Uint8Array(weights).buffer],
    ["a Blob", () => new Blob([weights])],
  ])("%s", async (_name, make) => {
    await using loaded = await Classifier.load(make(), options);
    expect((await loaded.scores([await decodeImage(bytes)]))[0]!.scores).toHaveLength(10);
  });

  test.each([
    [undefined, "undefined"],
    [null, "null"],
    [7, "the number 7"],
    [["a"], "an array"],
    [{ model: "a" }, "an object with the fields model"],
  ])("%s is refused", async (value, name) => {
    const message = `a model is a name, a path or bytes; this is ${name}`;
    for (const load of [Classifier.load, AdaptiveClassifier.load, Embedder.load])
      await expect(load(value as unknown as string)).rejects.toMatchObject({ code: "usage", message });
  });
});
