// Pictures in Chromium are those of Node: the same size, the right way up, the same pixels but for what is said in docs/browser.md.
import { readFileSync } from "node:fs";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rgbPixels } from "../../src/image/pixels.ts";
import { transformToRaw } from "../../src/image/transform.ts";
import { parseTransform } from "../../src/image/transform-syntax.ts";
import { decodeImage, type RawImage } from "../../src/node.ts";
import { PASTORAL } from "../cli/mini-model.ts";
import { noChromium } from "./chromium.ts";
import type { PicturesApi, PlainPicture } from "./pages/pictures-page.ts";
import { type OpenPage, openSite, type Site } from "./site.ts";

/** The largest and the mean difference of two pictures' values, of 255. */
interface Difference {
  readonly most: number;
  readonly mean: number;
}

const NONE: Difference = { most: 0, mean: 0 };
/** Alpha is multiplied in by the browser, in eight bits. */
const ROUNDED: Difference = { most: 1, mean: 0.6 };

describe.skipIf(noChromium)("pictures in a page", () => {
  let site: Site<PicturesApi>;
  let page: OpenPage<PicturesApi>;
  let small: Buffer;
  let raw: { readonly width: number; readonly height: number; readonly data: Buffer };

  beforeAll(async () => {
    site = await openSite({ page: "pictures-page" });
    page = await site.open();
    small = await sharp(PASTORAL).resize(301, 203).png().toBuffer();
    const { data, info } = await sharp(small).raw().toBuffer({ resolveWithObject: true });
    raw = { width: info.width, height: info.height, data };
  });
  afterAll(() => site?.close());

  const put = (bytes: Buffer) => site.server.put("/picture", bytes);

  async function compare(bytes: Buffer, most: Difference): Promise<void> {
    put(bytes);
    const inPage = read(await page.api.decode("/picture", "Blob"));
    const inNode = await decodeImage(bytes);
    expect([inPage.width, inPage.height]).toEqual([inNode.width, inNode.height]);
    const { most: found, mean } = difference(inPage, inNode);
    expect(found).toBeLessThanOrEqual(most.most);
    expect(mean).toBeLessThanOrEqual(most.mean);
  }

  test("photographs: JPEG, progressive, grey, 4:4:4, with a colour profile, WebP, GIF, BMP, PNG of 8 and 16 bits", async () => {
    await compare(readFileSync(PASTORAL), NONE);
    const as = (picture: Sharp) => picture.toBuffer();
    const files = [
      as(sharp(small).jpeg({ quality: 90 })),
      as(sharp(small).jpeg({ quality: 90, progressive: true })),
      as(sharp(small).jpeg({ quality: 90, chromaSubsampling: "4:4:4" })),
      as(sharp(small).greyscale().jpeg()),
      as(sharp(small).withIccProfile("p3").jpeg()),
      as(sharp(small).withIccProfile("p3").png()),
      as(sharp(small).webp({ quality: 80 })),
      as(sharp(small).webp({ lossless: true })),
      as(sharp(small).gif()),
      as(sharp(small).greyscale().png()),
      as(sharp(small).toColourspace("rgb16").png()),
      as(sharp(small).toColourspace("grey16").png()),
    ];
    for (const file of files) await compare(await file, NONE);
    await compare(bitmapFile(raw), NONE);
  });

  test("inks and AVIF are one value of 255 apart at most", async () => {
    await compare(await sharp(small).toColourspace("cmyk").jpeg({ quality: 90 }).toBuffer(), { most: 1, mean: 0.5 });
    await compare(await sharp(small).avif().toBuffer(), { most: 1, mean: 0.05 });
  });

  test.each(["jpeg", "png", "webp", "avif"] as const)("%s is upright, whatever its EXIF says", async (format) => {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const turned = await sharp(small).withMetadata({ orientation }).toFormat(format).toBuffer();
      await compare(turned, format === "avif" ? { most: 1, mean: 0.05 } : NONE);
    }
  });

  test("alpha lets the background through, one value of 255 apart at most", async () => {
    const { width, height, data } = raw;
    const rgba = Buffer.alloc(width * height * 4);
    for (let i = 0; i < width * height; i++) rgba.set([...data.subarray(3 * i, 3 * i + 3), (i * 7) % 256], 4 * i);
    const transparent = () => sharp(rgba, { raw: { width, height, channels: 4 } });
    await compare(await transparent().png().toBuffer(), ROUNDED);
    await compare(await transparent().png({ palette: true }).toBuffer(), ROUNDED);
    await compare(await transparent().webp({ lossless: true }).toBuffer(), ROUNDED);
    put(await transparent().png().toBuffer());
    const options = { background: [10, 200, 60] } as const;
    const overGreen = read(await page.api.decode("/picture", "Blob", options));
    expect(difference(overGreen, await decodeImage(await transparent().png().toBuffer(), options)).most).toBeLessThan(
      2,
    );
  });

  test("what a model sees of a photograph is the same, but for what Node leaves out when it may", async () => {
    put(readFileSync(PASTORAL));
    const transform = parseTransform("resize_small(256,bicubic)|central_crop(224)|normalize(imagenet)");
    const seen = (picture: RawImage) => transformToRaw(picture, transform).image;
    const inPage = seen(read(await page.api.decode("/picture", "Blob")));
    expect(difference(inPage, seen(await decodeImage(PASTORAL)))).toEqual(NONE);
  });

  test("larger files are decoded in a worker, and by the page where there is none", async () => {
    const large = await sharp(PASTORAL).resize(1600, 1200).png().toBuffer();
    const inNode = await decodeImage(large);
    const workersOf = ({ page }: OpenPage<PicturesApi>) => page.workers().map((worker) => worker.url());
    const other = await site.open();
    site.server.put("/picture", large);
    expect(difference(read(await other.api.decode("/picture", "Blob")), inNode)).toEqual(NONE);
    expect(workersOf(other).join()).toContain("view-worker");
    // Cut off: the worker says nothing of it, the page says what is wrong.
    site.server.put("/picture", large.subarray(0, large.length - 1000));
    expect(await other.api.decode("/picture", "Blob").catch((error: unknown) => error)).toMatchObject({
      code: "image_truncated",
    });
    await other.page.context().close();
    const without = await site.open();
    await without.page.route("**/view-worker.js", (route) => route.abort());
    site.server.put("/picture", large);
    expect(difference(read(await without.api.decode("/picture", "Blob")), inNode)).toEqual(NONE);
    expect(workersOf(without).join()).not.toContain("view-worker");
    await without.page.context().close();
  });

  test("every kind of picture that a page has", async () => {
    put(small);
    const inNode = await decodeImage(small);
    for (const kind of await page.api.kinds())
      expect([kind, difference(read(await page.api.decode("/picture", kind)), inNode)]).toEqual([kind, NONE]);
    for (const picture of await page.api.fetched("/picture")) expect(difference(read(picture), inNode)).toEqual(NONE);
    expect(difference(read(await page.api.encoded("/picture")), inNode)).toEqual(NONE);
    const { width, height, data } = read(await page.api.filmed("rgb(200 40 90)"));
    expect([width, height]).toEqual([64, 48]);
    for (const [i, value] of [200, 40, 90].entries()) expect(Math.abs(data[i]! - value)).toBeLessThan(8);
  });

  test("an img with EXIF is as it is shown, and one of another colour profile as it is stored", async () => {
    const turned = await sharp(small).withMetadata({ orientation: 6 }).withIccProfile("p3").jpeg().toBuffer();
    put(turned);
    expect(difference(read(await page.api.decode("/picture", "img")), await decodeImage(turned))).toEqual(NONE);
  });

  test("what is no picture is said in words", async () => {
    const failure = async (bytes: Buffer | string, options = {}) => {
      site.server.put("/picture", bytes);
      return page.api.decode("/picture", "Blob", options).then(
        () => undefined,
        (error: unknown) => error,
      );
    };
    expect(await failure("")).toMatchObject({ code: "image_empty" });
    expect(await failure("hello, this is text")).toMatchObject({
      code: "not_an_image",
      message: "this is text, not a picture",
    });
    for (const format of ["jpeg", "png", "webp", "gif"] as const) {
      const whole = await sharp(small).toFormat(format).toBuffer();
      const cut = await failure(whole.subarray(0, whole.length >> 1));
      expect(cut).toMatchObject({ code: "image_truncated", message: expect.stringContaining("truncated") });
    }
    expect(await failure(await sharp(small).tiff().toBuffer())).toMatchObject({
      code: "image_unsupported",
      message: expect.stringContaining("this browser does not decode TIFF"),
    });
    expect(await failure(small, { maxBytes: 100 })).toMatchObject({ code: "limit" });
    for (const format of ["jpeg", "png", "webp", "gif", "avif"] as const) {
      const file = await sharp(small).toFormat(format).toBuffer();
      expect(await failure(file, { maxPixels: 1000 })).toMatchObject({
        code: "limit",
        message: expect.stringContaining("301 x 203"),
      });
    }
    // A header that announces a thousand million pixels is refused before anything is decoded.
    const huge = Buffer.from(small);
    huge.writeUInt32BE(40_000, 16);
    huge.writeUInt32BE(30_000, 20);
    expect(await failure(huge)).toMatchObject({ code: "limit" });
  });

  test("elements that show nothing, and things that are no pictures", async () => {
    const failure = (what: Parameters<PicturesApi["refused"]>[0]) =>
      page.api.refused(what).then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(await failure("video")).toMatchObject({ code: "image_empty", hint: expect.stringContaining("loadeddata") });
    expect(await failure("img")).toMatchObject({ code: "image_empty" });
    expect(await failure("closed bitmap")).toMatchObject({ code: "image_empty" });
    expect(await failure("empty canvas")).toMatchObject({ code: "image_empty" });
    expect(await failure("object")).toMatchObject({ code: "usage" });
    expect(await failure("address")).toMatchObject({ code: "usage" });
    // The page's policy lets it fetch from its own server alone.
    expect(await failure("blob: URL")).toMatchObject({ code: "network", hint: "hand over the Blob itself" });
    expect(await page.api.fetched("/nothing").catch((error: unknown) => error)).toMatchObject({
      code: "network",
      message: expect.stringContaining("answered 404"),
    });
  });
});

const read = ({ width, height, base64 }: PlainPicture): RawImage =>
  rgbPixels({ width, height, data: new Uint8Array(Buffer.from(base64, "base64")) });

function difference(a: RawImage, b: RawImage): Difference {
  expect([a.width, a.height]).toEqual([b.width, b.height]);
  let [most, sum] = [0, 0];
  for (let i = 0; i < a.data.length; i++) {
    const apart = Math.abs(a.data[i]! - b.data[i]!);
    most = Math.max(most, apart);
    sum += apart;
  }
  return { most, mean: sum / a.data.length };
}

/** An uncompressed BMP of 24 bits. */
function bitmapFile({ width, height, data }: { width: number; height: number; data: Buffer }): Buffer {
  const stride = Math.ceil((3 * width) / 4) * 4;
  const file = Buffer.alloc(54 + stride * height);
  file.write("BM");
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < 3; channel++)
        file[54 + (height - 1 - y) * stride + 3 * x + channel] = data[3 * (y * width + x) + 2 - channel]!;
  return file;
}
