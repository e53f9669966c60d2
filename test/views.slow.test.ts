// Several views of a picture through the tasks: the answers are the mean of those to the views one by one, whoever makes the views.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import type { RawImage } from "../src/image/raw-image.ts";
import { parseTransform, printTransform, transformToRaw } from "../src/image/transform.ts";
import { type Views, viewTransforms } from "../src/image/views.ts";
import { decodeWithSharp } from "../src/platform/node/decode.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type Classifier, loadClassifier } from "../src/tasks/classify/classifier.ts";
import { loadEmbedder } from "../src/tasks/embed/embedder.ts";
import { cli } from "./cli/fake-terminal.ts";
import { BOATS, temporaryFolder, writeMini } from "./cli/mini-model.ts";

const TRANSFORM = "resize_small(72,bicubic)|central_crop(64)|normalize(imagenet)";
const folder = temporaryFolder();
const model = writeMini(folder, "sparseformer_v1_mini_64x64", { transform: TRANSFORM });
const WIDE = join(folder, "wide.jpg");
const TALL = join(folder, "tall.jpg");
const SQUARE = join(folder, "square.jpg");
/** Crops of the wide picture, and views of it in all. */
const CROPS = 4;

beforeAll(async () => {
  const part = (width: number, height: number) => sharp(readFileSync(BOATS)).resize(width, height, { fit: "fill" });
  writeFileSync(WIDE, await part(1500, 500).jpeg({ quality: 95 }).toBuffer()); // large enough for a thread of its own
  writeFileSync(TALL, await part(120, 300).jpeg().toBuffer());
  writeFileSync(SQUARE, await part(90, 90).jpeg().toBuffer());
});

const open = (views?: Views) =>
  loadClassifier(nodeHost, model, { threads: 1, ...(views === undefined ? {} : { views }) });

async function probabilities(classifier: Classifier, picture: RawImage): Promise<number[]> {
  const { predictions } = await classifier.classify(picture, { topK: 1000 });
  return predictions.toSorted((a, b) => a.index - b.index).map(({ score }) => score);
}

/** The views of a picture as pictures, made one by one. */
function viewsOf(picture: RawImage, views: Views): RawImage[] {
  return viewTransforms(parseTransform(TRANSFORM), views, picture).map((one) => transformToRaw(picture, one).image);
}

const mean = (rows: readonly (readonly number[])[]) =>
  rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length);

const largest = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe.each(["whole", "crops", "whole+crops"] as const)("%s", (views) => {
  test("probabilities are the mean of the views', from files and from pixels, alone and in batches", async () => {
    const pictures = await Promise.all([WIDE, TALL, SQUARE].map((path) => decodeWithSharp(readFileSync(path))));
    const expected: number[][] = [];
    {
      await using alone = await loadClassifier(nodeHost, model, { transform: "normalize(imagenet)", threads: 1 });
      for (const picture of pictures) {
        const rows: number[][] = [];
        for (const view of viewsOf(picture, views)) rows.push(await probabilities(alone, view));
        expected.push(mean(rows));
      }
    }
    await using classifier = await open(views);
    for (const [i, picture] of pictures.entries())
      expect(largest(await probabilities(classifier, picture), expected[i]!)).toBeLessThan(1e-6);
    const files = [WIDE, WIDE, TALL, SQUARE, WIDE];
    for (const batchSize of [1, 8]) {
      const answers = await classifier.classify(files, { decode: "exact", batchSize, topK: 1000 });
      for (const [i, at] of [0, 0, 1, 2, 0].entries()) {
        const scores = answers[i]!.predictions.toSorted((a, b) => a.index - b.index).map(({ score }) => score);
        expect(largest(scores, expected[at]!)).toBeLessThan(1e-6);
      }
    }
  });

  test("fast decoding leaves enough for the sharpest view", async () => {
    await using classifier = await open(views);
    const [exact, fast] = await Promise.all(
      (["exact", "fast"] as const).map((decode) => classifier.classify(WIDE, { decode, topK: 1 })),
    );
    expect(fast!.predictions[0]!.index).toBe(exact!.predictions[0]!.index);
    expect(fast!.seen).toBe(exact!.seen);
  });
});

test("embeddings are averaged, then of length 1", async () => {
  const picture = await decodeWithSharp(readFileSync(WIDE));
  const rows: number[][] = [];
  {
    await using alone = await loadEmbedder(nodeHost, model, {
      transform: "normalize(imagenet)",
      threads: 1,
      normalize: false,
    });
    for (const view of viewsOf(picture, "crops")) rows.push([...(await alone.embed(view))]);
  }
  expect(rows).toHaveLength(CROPS);
  await using unscaled = await loadEmbedder(nodeHost, model, { views: "crops", threads: 1, normalize: false });
  const raw = [...(await unscaled.embed(picture))];
  expect(largest(raw, mean(rows))).toBeLessThan(1e-5);
  await using embedder = await loadEmbedder(nodeHost, model, { views: "crops", threads: 1 });
  const length = Math.hypot(...raw);
  expect(
    largest(
      [...(await embedder.embed(picture))],
      raw.map((value) => value / length),
    ),
  ).toBeLessThan(1e-6);
});

test("what was seen is that of all views together, and a gaze lies on the whole picture", async () => {
  await using usual = await open();
  await using several = await open("whole+crops");
  const one = await usual.classify(WIDE, { explain: true });
  const all = await several.classify(WIDE, { explain: true });
  expect(one.seen).toBeCloseTo((64 / 72) * (64 / 216), 2);
  expect(all.seen).toBe(1);
  expect(one.gaze?.views).toBeUndefined();
  expect(all.gaze?.views).toHaveLength(1 + CROPS);
  expect(all.gaze?.viewToPicture).toEqual({ scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 });
  const [stage] = all.gaze!.stages;
  expect(stage!.tokens).toBe((1 + CROPS) * one.gaze!.stages[0]!.tokens);
  expect(stage!.points).toHaveLength(2 * stage!.tokens * stage!.pointsPerToken);
  // The first region of the model's second crop, by the model alone.
  const picture = await decodeWithSharp(readFileSync(WIDE));
  await using alone = await loadClassifier(nodeHost, model, { transform: "normalize(imagenet)", threads: 1 });
  const crop = await alone.classify(viewsOf(picture, "crops")[1]!, { explain: true });
  const { scaleX, scaleY, offsetX, offsetY } = all.gaze!.views![2]!;
  const expected = [...crop.gaze!.stages[0]!.regions.subarray(0, 4)].map((value, at) =>
    at % 2 === 0 ? value * scaleX + offsetX : value * scaleY + offsetY,
  );
  // The view was decoded exactly there and fast here.
  const regions = (await several.classify(WIDE, { explain: true, decode: "exact" })).gaze!.stages[0]!.regions;
  const at = 4 * 2 * one.gaze!.stages[0]!.tokens;
  expect(largest([...regions.subarray(at, at + 4)], expected)).toBeLessThan(1e-4);
});

test("center is what it was without the option, to the bit", async () => {
  await using without = await open();
  await using center = await open("center");
  expect(await center.classify([WIDE, TALL])).toEqual(await without.classify([WIDE, TALL]));
});

test("a name that is none is refused", async () => {
  await expect(open("both" as Views)).rejects.toThrow(UsageError);
});

test("the transforms of views can be given as text", async () => {
  const picture = await decodeWithSharp(readFileSync(WIDE));
  const [whole] = viewTransforms(parseTransform(TRANSFORM), "whole", picture);
  await using named = await open("whole");
  await using written = await loadClassifier(nodeHost, model, { transform: printTransform(whole!), threads: 1 });
  expect(await written.classify(picture)).toEqual(await named.classify(picture));
});

describe("saccade", () => {
  test("classify --views: sees all of a panorama, and draws where it looked", async () => {
    const out = join(folder, "looked.svg");
    const args = ["classify", WIDE, "-m", model];
    expect((await cli(args)).stdout).toContain("only 26 % of the picture was seen");
    const { stdout, exitCode } = await cli([...args, "--views", "crops", "--explain", out]);
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain("was seen");
    expect(readFileSync(out, "utf8")).toContain("where it looked");
    expect((await cli([...args, "--views", "all"])).exitCode).toBe(2);
  });

  test("embed --views", async () => {
    const args = ["embed", WIDE, "-m", model, "--json"];
    const [center, crops] = [await cli(args), await cli([...args, "--views", "crops"])];
    expect(crops.exitCode).toBe(0);
    expect(crops.stdout).not.toBe(center.stdout);
  });

  test("a model that is stopped early has one view only", async () => {
    const { exitCode, notes } = await cli(["classify", WIDE, "--threshold", "0.8", "--views", "crops"]);
    expect(exitCode).toBe(2);
    expect(notes.join("\n")).toContain("one view");
  });
});
