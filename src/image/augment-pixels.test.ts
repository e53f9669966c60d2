import { describe, expect, test } from "vitest";
import { crc32 } from "../weights/crc32.ts";
import { affine, rotate } from "./augment-affine.ts";
import {
  adjustBrightness,
  adjustColor,
  adjustContrast,
  adjustHue,
  adjustSharpness,
  autoContrast,
  equalize,
  invert,
  posterize,
  solarize,
  solarizeAdd,
} from "./augment-color.ts";
import { flipHorizontally } from "./augment-crop.ts";
import { PILLOW } from "./augment-pillow.test-helper.ts";
import type { RawImage } from "./raw-image.ts";
import { copyWindow, resample } from "./resample.ts";

function noise(width: number, height: number): RawImage {
  const data = new Uint8Array(width * height * 3).map((_, i) => (Math.imul(i + 1, 2654435761) >>> 11) & 255);
  return { width, height, data };
}

function waves(width: number, height: number): RawImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      data.set(
        [((x * 29 + y * 7 + 20) % 200) + 20, Math.floor(((x * 5 + y * 31) % 256) / 2) + 60, (x * x + y * y * 3) % 256],
        (y * width + x) * 3,
      );
  return { width, height, data };
}

const fill = [124, 116, 104] as const;
const bilinear = { filter: "bilinear", fill } as const;
const bicubic = { filter: "bicubic", fill } as const;

/** Keyed like the numbers that Pillow made. */
const OPERATIONS: Readonly<Record<string, (image: RawImage) => RawImage>> = {
  autocontrast: autoContrast,
  equalize,
  invert,
  "posterize 0": (image) => posterize(image, 0),
  "posterize 3": (image) => posterize(image, 3),
  "solarize 100": (image) => solarize(image, 100),
  "solarize_add 99": (image) => solarizeAdd(image, 99),
  "color 0.37": (image) => adjustColor(image, 0.37),
  "color 1.81": (image) => adjustColor(image, 1.81),
  "contrast 0.37": (image) => adjustContrast(image, 0.37),
  "contrast 1.81": (image) => adjustContrast(image, 1.81),
  "brightness 0.37": (image) => adjustBrightness(image, 0.37),
  "brightness 1.81": (image) => adjustBrightness(image, 1.81),
  "sharpness 0.1": (image) => adjustSharpness(image, 0.1),
  "sharpness 1.9": (image) => adjustSharpness(image, 1.9),
  "hue -0.3": (image) => adjustHue(image, -0.3),
  "hue 0.1": (image) => adjustHue(image, 0.1),
  "shear_x bilinear": (image) => affine(image, [1, 0.27, 0, 0, 1, 0], bilinear),
  "shear_y bicubic": (image) => affine(image, [1, 0, 0, -0.27, 1, 0], bicubic),
  "translate_x bicubic": (image) => affine(image, [1, 0, 0.405 * image.width, 0, 1, 0], bicubic),
  "translate_y bilinear": (image) => affine(image, [1, 0, 0, 0, 1, -0.405 * image.height], bilinear),
  "rotate 27 bilinear": (image) => rotate(image, 27, bilinear),
  "rotate -13.7 bicubic": (image) => rotate(image, -13.7, bicubic),
  "crop resize bicubic": (image) =>
    resample(copyWindow(image, { x: 1, y: 2, width: 5, height: 4 }), 4, 4, { filter: "bicubic" }),
  flip: flipHorizontally,
};

describe("pixels as Pillow makes them", () => {
  test.each(Object.keys(PILLOW))("%s", (name) => {
    const [pixels, noiseCrc, wavesCrc] = PILLOW[name]!;
    const operation = OPERATIONS[name]!;
    const before = noise(7, 6);
    expect([...operation(before).data]).toEqual([...Buffer.from(pixels, "base64")]);
    expect(before).toEqual(noise(7, 6));
    expect(crc32(operation(noise(64, 48)).data)).toBe(noiseCrc);
    expect(crc32(operation(waves(64, 48)).data)).toBe(wavesCrc);
  });

  test("a picture of one colour has no contrast to stretch", () => {
    const grey: RawImage = { width: 2, height: 2, data: new Uint8Array(12).fill(90) };
    expect(autoContrast(grey)).toEqual(grey);
    expect(equalize(grey)).toEqual(grey);
    expect(adjustHue(grey, 0.4)).toEqual(grey);
    expect(adjustSharpness(grey, 3)).toEqual(grey);
    expect(rotate(grey, 720, bilinear)).toBe(grey);
  });
});
