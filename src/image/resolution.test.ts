import { describe, expect, test } from "vitest";
import { UsageError } from "../errors.ts";
import { atResolution, parseResolution, type Resolution } from "./resolution.ts";
import { parseTransform, printTransform, transformOutputSize } from "./transform.ts";

const at = (text: string, resolution: Resolution) => printTransform(atResolution(parseTransform(text), resolution));

describe("at another resolution", () => {
  test.each([
    [
      "resize_small(256,bicubic)|central_crop(224)|normalize(imagenet)",
      448,
      "resize_small(512,bicubic)|central_crop(448)",
    ],
    [
      "resize_small(256,bilinear)|central_crop(224)|normalize(imagenet)",
      1024,
      "resize_small(1170,bilinear)|central_crop(1024)",
    ],
    [
      "resize_small(256,bilinear)|central_crop(192,224)|normalize(imagenet)",
      96,
      "resize_small(128,bilinear)|central_crop(96,112)",
    ],
    ["resize(64,64,bicubic)|normalize(imagenet)", 100, "resize(100,100,bicubic)"],
    ["resize_long(512,bilinear)|pad_square(114)|normalize(imagenet)", 256, "resize_long(256,bilinear)|pad_square(114)"],
    ["resize_small(256,bilinear)|normalize(imagenet)", 512, "resize_small(512,bilinear)"],
    ["normalize(imagenet)", 300, "resize_small(300,bilinear)"],
  ])("%s at %i", (text, resolution, expected) => {
    expect(at(text, resolution)).toBe(`${expected}|normalize(imagenet)`);
  });

  test("the crop is as large as was asked for, whatever the sizes", () => {
    const transform = parseTransform("resize_small(248,bicubic)|central_crop(224)|normalize(imagenet)");
    for (const resolution of [16, 17, 100, 223, 225, 333, 1000, 4096, 14000])
      expect(transformOutputSize(atResolution(transform, resolution), 640, 480)).toEqual({
        width: resolution,
        height: resolution,
      });
  });

  test("native leaves pictures as they are", () => {
    expect(at("resize_small(256)|central_crop(224)|normalize(clip)", "native")).toBe("normalize(clip)");
    expect(at("resize(64,64)|value_range(-1,1)", "native")).toBe("value_range(-1,1)");
    expect(at("resize(64,64)", "native")).toBe("");
  });

  test("sizes that make no sense are refused", () => {
    const transform = parseTransform("resize_small(256)|central_crop(224)");
    for (const resolution of [0, -4, 15, 16385, 100.5, Number.NaN])
      expect(() => atResolution(transform, resolution)).toThrow(UsageError);
    expect(() => atResolution(transform, 16384)).toThrow(/would resize pictures to 18725/); // the resize before the crop
  });
});

test("as text", () => {
  expect(parseResolution("native")).toBe("native");
  expect(parseResolution("1024")).toBe(1024);
  for (const text of ["", "huge", "12", "1e9", "224x224"]) expect(() => parseResolution(text)).toThrow(UsageError);
});
