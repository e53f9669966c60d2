import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { webpOrientation } from "./orientation.ts";
import { storedSize } from "./stored-size.ts";

const picture = sharp({
  create: { width: 37, height: 21, channels: 4, background: { r: 9, g: 80, b: 3, alpha: 0.5 } },
});

describe("the size that a header announces", () => {
  test.each(["jpeg", "png", "gif", "avif"] as const)("%s", async (format) => {
    expect(storedSize(await picture.clone().toFormat(format).toBuffer(), format)).toEqual({ width: 37, height: 21 });
  });

  test("WebP in its three forms", async () => {
    const opaque = picture.clone().flatten();
    const files = [opaque.clone().webp(), opaque.clone().webp({ lossless: true }), picture.clone().webp()];
    const chunks: string[] = [];
    for (const file of files) {
      const bytes = await file.toBuffer();
      chunks.push(bytes.toString("latin1", 12, 16));
      expect(storedSize(bytes, "webp")).toEqual({ width: 37, height: 21 });
    }
    expect(chunks).toEqual(["VP8 ", "VP8L", "VP8X"]);
  });

  test("BMP, old and new, from either end", () => {
    const bytes = new Uint8Array(26);
    const view = new DataView(bytes.buffer);
    view.setUint32(14, 40, true);
    view.setInt32(18, 300, true);
    view.setInt32(22, -200, true);
    expect(storedSize(bytes, "bmp")).toEqual({ width: 300, height: 200 });
    view.setUint32(14, 12, true);
    view.setUint16(18, 30, true);
    view.setUint16(20, 20, true);
    expect(storedSize(bytes, "bmp")).toEqual({ width: 30, height: 20 });
  });

  test("a header that is cut off says nothing", () => {
    for (const format of ["jpeg", "png", "gif", "webp", "avif", "heic", "bmp", "tiff"] as const)
      expect(storedSize(new Uint8Array(6), format)).toBeUndefined();
  });
});

test("a WebP says how it is turned", async () => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = await picture.clone().withMetadata({ orientation }).webp().toBuffer();
    expect(webpOrientation(file)).toBe(orientation);
  }
  expect(webpOrientation(await picture.clone().webp().toBuffer())).toBe(1);
});
