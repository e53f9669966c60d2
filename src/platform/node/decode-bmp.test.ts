// The values are what Pillow 12 reads, except where its reader of run lengths is wrong.
import { expect, test } from "vitest";
import { decodeWithSharp } from "./decode.ts";

interface Layout {
  readonly width: number;
  /** Negative: rows from top to bottom. */
  readonly height: number;
  readonly bits: number;
  readonly compression?: number;
  readonly headerSize?: number;
  readonly masks?: readonly number[];
  readonly palette?: readonly (readonly number[])[];
  /** Bytes between the header and the pixels. */
  readonly gap?: number;
  readonly data: readonly number[];
}

function bmp(layout: Layout): Buffer {
  const { width, height, bits, compression = 0, headerSize = 40, masks = [], palette = [], gap = 0, data } = layout;
  const header = Buffer.alloc(14 + Math.max(headerSize, 40 + 4 * masks.length));
  header.write("BM");
  header.writeUInt32LE(headerSize, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(bits, 28);
  header.writeUInt32LE(compression, 30);
  header.writeUInt32LE(palette.length, 46);
  masks.forEach((mask, i) => void header.writeUInt32LE(mask, 54 + 4 * i));
  const colors = palette.flatMap(([r, g, b]) => [b!, g!, r!, 0]);
  const file = Buffer.concat([header, Buffer.from(colors), Buffer.alloc(gap, 0xaa), Buffer.from(data)]);
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(header.length + colors.length + gap, 10);
  return file;
}

const K = [0, 0, 0];
const R = [250, 10, 20];
const G = [30, 240, 40];
const W = [255, 255, 255];
const palette = [K, R, G, W];
/** Blue, green, red, and a fourth byte. */
const BGRX = [20, 10, 250, 128];
const MASKS = [0xff0000, 0xff00, 0xff];

test.each<[string, Layout, readonly (readonly number[])[]]>([
  ["1 bit", { width: 3, height: 1, bits: 1, palette: [K, R], data: [0b101_00000, 0, 0, 0] }, [R, K, R]],
  [
    "4 bits, an odd width",
    { width: 3, height: 2, bits: 4, palette, data: [0x32, 0x10, 0, 0, 0x01, 0x20, 0, 0] },
    [K, R, G, W, G, R],
  ],
  ["8 bits", { width: 3, height: 2, bits: 8, palette, data: [3, 2, 1, 0, 0, 1, 2, 0] }, [K, R, G, W, G, R]],
  [
    "from top to bottom",
    { width: 3, height: -2, bits: 8, palette, data: [3, 2, 1, 0, 0, 1, 2, 0] },
    [W, G, R, K, R, G],
  ],
  [
    "pixels that do not follow the palette",
    { width: 2, height: 1, bits: 8, palette, gap: 10, data: [1, 2, 0, 0] },
    [R, G],
  ],
  ["16 bits, the whole range", { width: 2, height: 1, bits: 16, data: [0xff, 0x7f, 0x00, 0x04] }, [W, [8, 0, 0]]],
  [
    "16 bits, 5-6-5",
    { width: 2, height: 1, bits: 16, compression: 3, masks: [0xf800, 0x7e0, 0x1f], data: [0xff, 0xff, 0x20, 0x00] },
    [W, [0, 4, 0]],
  ],
  ["24 bits", { width: 1, height: 2, bits: 24, data: [20, 10, 250, 0, 40, 240, 30, 0] }, [G, R]],
  ["24 bits with a long header", { width: 1, height: 1, bits: 24, headerSize: 124, data: [20, 10, 250, 0] }, [R]],
  ["32 bits: the fourth byte is nothing", { width: 1, height: 1, bits: 32, data: BGRX }, [R]],
  ["32 bits with masks", { width: 1, height: 1, bits: 32, compression: 3, masks: MASKS, data: BGRX }, [R]],
  [
    "32 bits, red and blue swapped",
    { width: 1, height: 1, bits: 32, compression: 3, masks: [0xff, 0xff00, 0xff0000], data: BGRX },
    [[20, 10, 250]],
  ],
  [
    "a long header without a mask for alpha",
    { width: 1, height: 1, bits: 32, compression: 3, headerSize: 108, masks: [...MASKS, 0], data: BGRX },
    [R],
  ],
  [
    "alpha over white",
    { width: 1, height: 1, bits: 32, compression: 3, headerSize: 108, masks: [...MASKS, 0xff000000], data: BGRX },
    [[252, 132, 137]],
  ],
  [
    "run lengths of 8 bits",
    { width: 4, height: 2, bits: 8, compression: 1, palette, data: [3, 1, 1, 2, 0, 0, 0, 3, 1, 2, 3, 0, 1, 0, 0, 1] },
    [R, G, W, K, R, R, R, G],
  ],
  [
    "run lengths of 4 bits",
    { width: 5, height: 1, bits: 4, compression: 2, palette, data: [0, 3, 0x12, 0x30, 2, 0x12, 0, 1] },
    [R, G, W, R, G],
  ],
])("%s", async (_name, layout, expected) => {
  const { width, height, data } = await decodeWithSharp(bmp(layout));
  expect([width, height]).toEqual([layout.width, Math.abs(layout.height)]);
  expect([...data]).toEqual(expected.flat());
});

const small: Layout = { width: 3, height: 2, bits: 8, palette, data: [3, 2, 1, 0, 0, 1, 2, 0] };

test("truncated at any length", async () => {
  const file = bmp(small);
  for (let length = 6; length < file.length; length += 5)
    await expect(decodeWithSharp(file.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({
      code: "image_truncated",
    });
});

test("headers that lie are refused before anything is allocated", async () => {
  await expect(decodeWithSharp(bmp({ ...small, width: 60000, height: 60000 }))).rejects.toMatchObject({
    code: "limit",
  });
  await expect(decodeWithSharp(bmp({ ...small, width: 2000, height: 2000 }))).rejects.toMatchObject({
    code: "image_truncated",
  });
  for (const lie of [{ width: 0 }, { width: -3 }, { height: 0 }, { bits: 7 }])
    await expect(decodeWithSharp(bmp({ ...small, ...lie })), JSON.stringify(lie)).rejects.toMatchObject({
      code: "image",
    });
  await expect(decodeWithSharp(bmp({ ...small, compression: 5 }))).rejects.toMatchObject({ code: "image_unsupported" });
  // And the next one is read as if nothing had been.
  expect((await decodeWithSharp(bmp(small))).width).toBe(3);
});

test("bytes turned over anywhere are refused or decoded, never anything else", async () => {
  const file = bmp(small);
  for (let at = 2; at < file.length; at++) {
    const damaged = Buffer.from(file);
    damaged[at]! ^= 0xff;
    await decodeWithSharp(damaged, { maxPixels: 1e6 }).catch((error: { code: string }) => {
      expect(error.code).toMatch(/^(image|limit)/);
    });
  }
});
