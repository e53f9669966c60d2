// Resampling and transforms against what Pillow and torchvision's rules answered (test/goldens/preprocess).
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { type RawImage, rawImage } from "./raw-image.ts";
import { type ResampleFilter, resample } from "./resample.ts";
import { applyTransform, type Transform } from "./transform.ts";

const FOLDER = resolve(import.meta.dirname, "../../test/goldens/preprocess");

interface ResizeCase {
  key: string;
  image: string;
  op: "resize";
  filter: ResampleFilter;
  width: number;
  height: number;
  box?: [number, number, number, number];
}
interface EvalCase {
  key: string;
  image: string;
  op: string;
  filter: ResampleFilter;
  short_side: number;
  crop: number;
  mean: [number, number, number];
  std: [number, number, number];
}

const { cases } = JSON.parse(readFileSync(join(FOLDER, "preprocess.json"), "utf8")) as {
  cases: (ResizeCase | EvalCase)[];
};

const file = readFileSync(join(FOLDER, "preprocess.safetensors"));
const headerLength = Number(file.readBigUInt64LE(0));
const header = JSON.parse(file.toString("utf8", 8, 8 + headerLength)) as Record<
  string,
  { data_offsets: [number, number] }
>;

function golden(key: string): Uint8Array<ArrayBuffer> {
  const [start, end] = header[key]!.data_offsets;
  return new Uint8Array(file.subarray(8 + headerLength + start, 8 + headerLength + end));
}

async function picture(name: string): Promise<RawImage> {
  const { data, info } = await sharp(join(FOLDER, name)).raw().toBuffer({ resolveWithObject: true });
  return rawImage(info.width, info.height, data);
}

const isResize = (c: ResizeCase | EvalCase): c is ResizeCase => c.op === "resize";

test.each(cases.filter(isResize))("resize $key is Pillow's, byte for byte", async (c) => {
  const { filter, box } = c;
  const result = resample(await picture(c.image), c.width, c.height, { filter, ...(box === undefined ? {} : { box }) });
  expect(Buffer.compare(result.data, golden(c.key))).toBe(0);
});

test.each(cases.filter((c): c is EvalCase => !isResize(c)))("evaluation transform $key", async (c) => {
  const transform: Transform = [
    { op: "resize_small", size: c.short_side, filter: c.filter },
    { op: "central_crop", width: c.crop, height: c.crop },
    { op: "normalize", mean: c.mean, std: c.std },
  ];
  const result = applyTransform(await picture(c.image), transform);
  expect(result.shape).toEqual([1, 3, c.crop, c.crop]);
  const expected = new Float32Array(golden(c.key).buffer);
  expect(result.data.length).toBe(expected.length);
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - result.data[i]!)), 0);
  expect(worst).toBeLessThan(1e-6);
});
