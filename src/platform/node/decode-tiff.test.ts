// TIFF says what its bands are. Where Pillow reads such a file, the colours are Pillow's.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { decodeWithSharp } from "./decode.ts";

interface Layout {
  readonly photometric: number;
  readonly bands: readonly number[];
  readonly extra?: readonly number[];
  readonly planar?: boolean;
  readonly bits?: 8 | 16;
  readonly inkSet?: number;
  readonly bigEndian?: boolean;
}

const [WIDTH, HEIGHT] = [4, 3];
const SHORT = 3;
const LONG = 4;

/** An uncompressed TIFF, every pixel of which has these bands. */
function tiff({ photometric, bands, extra, planar = false, bits = 8, inkSet, bigEndian = false }: Layout): Uint8Array {
  const bytesPerValue = bits / 8;
  const strips = planar ? bands.length : 1;
  const stripBytes = (WIDTH * HEIGHT * bands.length * bytesPerValue) / strips;
  const tags: (readonly [tag: number, type: number, values: readonly number[]])[] = [
    [256, LONG, [WIDTH]],
    [257, LONG, [HEIGHT]],
    [258, SHORT, bands.map(() => bits)],
    [259, SHORT, [1]],
    [262, SHORT, [photometric]],
    [273, LONG, new Array<number>(strips).fill(0)],
    [277, SHORT, [bands.length]],
    [278, LONG, [HEIGHT]],
    [279, LONG, new Array<number>(strips).fill(stripBytes)],
    [284, SHORT, [planar ? 2 : 1]],
    ...(inkSet === undefined ? [] : [[332, SHORT, [inkSet]] as const]),
    ...(extra === undefined ? [] : [[338, SHORT, extra] as const]),
  ];
  const file = Buffer.alloc(8192);
  const write = (value: number, at: number, size: number) =>
    bigEndian ? file.writeUIntBE(value, at, size) : file.writeUIntLE(value, at, size);
  file.write(bigEndian ? "MM" : "II", "latin1");
  write(42, 2, 2);
  write(8, 4, 4);
  write(tags.length, 8, 2);
  let free = 8 + 2 + 12 * tags.length + 4;
  const pixels = 4096;
  tags.forEach(([tag, type, values], i) => {
    const at = 10 + 12 * i;
    const size = type === SHORT ? 2 : 4;
    write(tag, at, 2);
    write(type, at + 2, 2);
    write(values.length, at + 4, 4);
    const start = values.length * size <= 4 ? at + 8 : free;
    if (start === free) {
      write(free, at + 8, 4);
      free += values.length * size;
    }
    values.forEach((value, j) => void write(tag === 273 ? pixels + j * stripBytes : value, start + j * size, size));
  });
  for (let pixel = 0; pixel < WIDTH * HEIGHT; pixel++)
    bands.forEach((value, band) => {
      const index = planar ? band * WIDTH * HEIGHT + pixel : pixel * bands.length + band;
      write(bits === 16 ? value * 257 : value, pixels + index * bytesPerValue, bytesPerValue);
    });
  return file.subarray(0, pixels + strips * stripBytes);
}

const RGB = [10, 30, 50];
/** RGB of which 70 of 255 are seen over white, as it is and already multiplied. */
const SEEN = [188, 193, 199];
const SEEN_MULTIPLIED = [195, 215, 235];
/** Pillow's RGB of the inks 10, 30, 50, 70. */
const INKS = [178, 163, 149];

test.each<[string, Layout, readonly number[]]>([
  ["RGB", { photometric: 2, bands: RGB }, RGB],
  ["a fourth band of which nothing is said", { photometric: 2, bands: [...RGB, 70], extra: [0] }, RGB],
  ["in planes", { photometric: 2, bands: [...RGB, 70], extra: [0], planar: true }, RGB],
  ["in 16 bits", { photometric: 2, bands: [...RGB, 70], extra: [0], bits: 16 }, RGB],
  ["big-endian", { photometric: 2, bands: [...RGB, 70], extra: [0], bigEndian: true }, RGB],
  ["a fourth band without the tag", { photometric: 2, bands: [...RGB, 70] }, RGB],
  ["two bands of which nothing is said", { photometric: 2, bands: [...RGB, 70, 80], extra: [0, 0] }, RGB],
  ["alpha", { photometric: 2, bands: [...RGB, 70], extra: [2] }, SEEN],
  ["alpha in planes", { photometric: 2, bands: [...RGB, 70], extra: [2], planar: true }, SEEN],
  ["alpha and another band", { photometric: 2, bands: [...RGB, 70, 80], extra: [2, 0] }, SEEN],
  ["another band and alpha", { photometric: 2, bands: [...RGB, 80, 70], extra: [0, 2] }, SEEN],
  ["colours multiplied by alpha", { photometric: 2, bands: [...RGB, 70], extra: [1] }, SEEN_MULTIPLIED],
  ["the same in 16 bits", { photometric: 2, bands: [...RGB, 70], extra: [1], bits: 16 }, SEEN_MULTIPLIED],
  ["grey", { photometric: 1, bands: [10] }, [10, 10, 10]],
  ["grey, white is zero", { photometric: 0, bands: [10] }, [245, 245, 245]],
  ["grey and a band of which nothing is said", { photometric: 1, bands: [10, 70], extra: [0] }, [10, 10, 10]],
  ["grey with alpha", { photometric: 1, bands: [10, 70], extra: [2] }, [188, 188, 188]],
  ["inks", { photometric: 5, bands: [...RGB, 70] }, INKS],
  ["inks in planes", { photometric: 5, bands: [...RGB, 70], planar: true }, INKS],
  ["inks and a band of which nothing is said", { photometric: 5, bands: [...RGB, 70, 90], extra: [0] }, INKS],
  ["inks with alpha", { photometric: 5, bands: [...RGB, 70, 90], extra: [2] }, [228, 223, 218]],
])("%s", async (_name, layout, expected) => {
  const { width, height, data } = await decodeWithSharp(tiff(layout));
  expect([width, height]).toEqual([WIDTH, HEIGHT]);
  expect([...data]).toEqual(new Array(WIDTH * HEIGHT).fill(expected).flat());
});

test.each<[string, Layout, string]>([
  ["3 bands of grey", { photometric: 1, bands: RGB, extra: [0, 0] }, "3 bands and does not say which are red"],
  [
    "13 bands",
    { photometric: 1, bands: new Array(13).fill(9), extra: new Array(12).fill(0) },
    "13 bands and does not say",
  ],
  [
    "RGB and 5 others",
    { photometric: 2, bands: new Array(8).fill(9), extra: new Array(5).fill(0) },
    "8 bands, and 5 are read",
  ],
  ["five inks", { photometric: 5, bands: [1, 2, 3, 4, 5], inkSet: 2 }, "not cyan, magenta, yellow and black"],
  ["a palette and alpha", { photometric: 3, bands: [1, 2], extra: [2] }, "a palette and other bands"],
  [
    "colours multiplied by the second extra band",
    { photometric: 2, bands: [1, 2, 3, 4, 5], extra: [0, 1] },
    "multiplied by an alpha",
  ],
])("%s is refused in words", async (_name, layout, message) => {
  await expect(decodeWithSharp(tiff(layout))).rejects.toMatchObject({
    code: "image_unsupported",
    message: expect.stringContaining(message),
    hint: expect.stringContaining("RGB"),
  });
});

test("four-bands.tif: what another program wrote", async () => {
  const { data } = await decodeWithSharp(
    readFileSync(resolve(import.meta.dirname, "../../../test/cases/four-bands.tif")),
  );
  expect([...data]).toEqual(new Array(64).fill(RGB).flat());
});
