// Masks whose values are classes, as PNGs of every kind that people save.
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { decodeWithSharp } from "../../platform/node/decode.ts";
import { loadSemantic } from "./index-picture.ts";

const SIZE = { width: 4, height: 2 };
const VALUES = Uint8Array.of(0, 1, 2, 2, 1, 255, 0, 1);

const load = (bytes: Uint8Array, classes = 3, size = SIZE) =>
  loadSemantic({ picture: { kind: "encoded", bytes }, name: "a.png", classes }, size, {
    files: { read: () => Promise.reject(new Error("nothing is read")) },
    decode: decodeWithSharp,
  });

const grey = (values: Uint8Array) => sharp(values, { raw: { ...SIZE, channels: 1 } });

test("grey values are classes, 255 says nothing", async () => {
  expect(await load(await grey(VALUES).toColourspace("b-w").png().toBuffer())).toEqual(VALUES);
  expect(await load(await grey(VALUES).toColourspace("srgb").png().toBuffer())).toEqual(VALUES);
});

test("places in a palette are classes, whatever their colours", async () => {
  const colours = [
    [0, 0, 0],
    [128, 0, 0],
    [0, 128, 0],
    [0, 0, 255],
  ];
  const places = Uint8Array.of(0, 1, 2, 2, 1, 2, 0, 1);
  const pixels = Uint8Array.from([...places].flatMap((place) => colours[place]!));
  const bytes = await sharp(pixels, { raw: { ...SIZE, channels: 3 } })
    .png({ palette: true, dither: 0 })
    .toBuffer();
  // The order of the palette is the encoder's: what counts is that places are the file's own.
  const palette = paletteOf(bytes);
  const found = await load(bytes, 256);
  expect([...found].map((place) => palette[place])).toEqual([...places].map((place) => colours[place]!.join()));
});

function paletteOf(bytes: Uint8Array): string[] {
  const at = Buffer.from(bytes).indexOf("PLTE");
  const length = Buffer.from(bytes).readUInt32BE(at - 4);
  return Array.from({ length: length / 3 }, (_, i) => bytes.subarray(at + 4 + 3 * i, at + 7 + 3 * i).join());
}

describe("refused, with the reason", () => {
  test.each([
    [
      "another size",
      () => grey(VALUES).png().toBuffer(),
      3,
      { width: 2, height: 4 },
      /is 4 x 2, and its picture 2 x 4/,
    ],
    [
      "a value that is no class",
      () => grey(VALUES).png().toBuffer(),
      2,
      SIZE,
      /has the value 2, and the classes are 0 to 1/,
    ],
    ["JPEG", () => grey(VALUES).jpeg().toBuffer(), 3, SIZE, /is no PNG/],
    ["sixteen bits", () => grey(VALUES).toColourspace("grey16").png().toBuffer(), 3, SIZE, /values of 16 bits/],
    [
      "colours",
      () =>
        sharp(
          Uint8Array.from({ length: 24 }, (_, i) => i),
          { raw: { ...SIZE, channels: 3 } },
        )
          .png()
          .toBuffer(),
      3,
      SIZE,
      /has colours/,
    ],
  ] as const)("%s", async (_, make, classes, size, message) => {
    await expect(load(await make(), classes, size)).rejects.toThrow(message);
  });
});
