// What a model that takes reflections away gains on pictures that it has not seen, each with another one reflected in it as in training, in decibels over the blends themselves.
//
//   npx tsx bench/reflections.ts MODEL PICTURES OUT.json [DRAWING.png]
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { psnr } from "../src/evaluate/dense/psnr.ts";
import { trace } from "../src/graph/scope.ts";
import type { RawImage } from "../src/image/raw-image.ts";
import { copyWindow, resample } from "../src/image/resample.ts";
import { Restorer } from "../src/node.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { readPicture } from "../src/tasks/engine/pictures.ts";
import { tensor, toFloat32 } from "../src/tensor.ts";
import { blended } from "../src/train/pretext/reflections.ts";

/** Small, as the pictures that it learnt from: a reflection is what is smoother than the picture, and in a large one everything is smooth. */
const SIDE = 64;
const PICTURES = 100;
/** The objective's own ranges. */
const OPTIONS = { blur: [2, 5], strength: [0.4, 1] } as const;
const SEED = 7;
/** Drawn: a row each. */
const SHOWN = 4;

const [model, folder, out, drawing] = process.argv.slice(2) as [string, string, string, string | undefined];

/** The middle square of so many pictures, evenly out of all. */
async function pictures(): Promise<RawImage[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\.jpe?g$/i.test(name)).sort();
  const chosen = Array.from({ length: PICTURES }, (_, i) => names[Math.floor((i * names.length) / PICTURES)]!);
  return Promise.all(chosen.map(async (name) => middle(await readPicture(nodeHost, join(folder, name)))));
}

function middle(picture: RawImage): RawImage {
  const side = Math.min(picture.width, picture.height);
  const [x, y] = [Math.floor((picture.width - side) / 2), Math.floor((picture.height - side) / 2)];
  return resample(copyWindow(picture, { x, y, width: side, height: side }), SIDE, SIDE, { filter: "bicubic" });
}

/** Each with the next one reflected in it. */
async function blend(all: readonly RawImage[]): Promise<RawImage[]> {
  const plane = SIDE * SIDE;
  const values = new Float32Array(all.length * 3 * plane);
  all.forEach(({ data }, n) => {
    for (let i = 0; i < plane; i++)
      for (let channel = 0; channel < 3; channel++)
        values[(n * 3 + channel) * plane + i] = data[3 * i + channel]! / 255;
  });
  const shape = [all.length, 3, SIDE, SIDE];
  const graph = trace((scope) => ({
    blends: blended(scope.graph.input("image", shape), OPTIONS, (input) => scope.graph.input(input.name, input.shape)),
  }));
  const random = new RandomSource(SEED, "reflections");
  const drawn = () =>
    tensor(
      "float32",
      [all.length],
      Float32Array.from(all, () => random.uniform()),
    );
  await using session = await nodeHost.createSession(lower(graph, { target: "onnxruntime" }), { device: "cpu" });
  const { blends } = await session.run({ image: tensor("float32", shape, values), blur: drawn(), strength: drawn() });
  const mixed = toFloat32(blends!);
  return all.map((_, n) => {
    const at = (i: number) => mixed[(n * 3 + (i % 3)) * plane + Math.floor(i / 3)]!;
    return {
      width: SIDE,
      height: SIDE,
      data: Uint8Array.from({ length: 3 * plane }, (_, i) => Math.round(255 * at(i))),
    };
  });
}

/** Rows of three: with the reflection, restored, without it. */
function sheet(rows: readonly (readonly RawImage[])[]): RawImage {
  const gap = 4;
  const [width, height] = [3 * SIDE + 2 * gap, rows.length * (SIDE + gap) - gap];
  const data = new Uint8Array(width * height * 3).fill(255);
  rows.forEach((row, r) => {
    row.forEach((picture, c) => {
      for (let y = 0; y < SIDE; y++)
        data.set(
          picture.data.subarray(y * SIDE * 3, (y + 1) * SIDE * 3),
          ((r * (SIDE + gap) + y) * width + c * (SIDE + gap)) * 3,
        );
    });
  });
  return { width, height, data };
}

const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

const truths = await pictures();
const blends = await blend(truths);
await using restorer = await Restorer.load(model, { threads: 1 });
const restored = (await restorer.restore(blends)).map(({ picture }) => picture);
const before = blends.map((picture, i) => psnr(picture, truths[i]!));
const after = restored.map((picture, i) => psnr(picture, truths[i]!));
const gains = after.map((value, i) => value - before[i]!);
const result = {
  model: restorer.card.name,
  pictures: truths.length,
  side: SIDE,
  ...OPTIONS,
  psnr_of_blends: mean(before),
  psnr_restored: mean(after),
  gain: mean(gains),
  improved: gains.filter((gain) => gain > 0).length / gains.length,
};
await nodeHost.files.writeAtomic(out, new TextEncoder().encode(`${JSON.stringify(result, undefined, 2)}\n`));
console.log(result);
if (drawing !== undefined) {
  const rows = Array.from({ length: SHOWN }, (_, row) => {
    const i = Math.floor((row * truths.length) / SHOWN);
    return [blends[i]!, restored[i]!, truths[i]!];
  });
  const bytes = /\.png$/.test(drawing)
    ? await nodeHost.encodePng(sheet(rows))
    : await nodeHost.encodeJpeg(sheet(rows), 85);
  await nodeHost.files.writeAtomic(drawing, bytes);
}
