import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SaccadeError, UsageError } from "../errors.ts";
import { RandomSource } from "../random.ts";
import { type Augmentation, createAugmenter, parseAugmentation, printAugmentation } from "./augment.ts";
import { drawCrop, flipHorizontally, randomCrop, randomResizedCrop } from "./augment-crop.ts";
import { randomErase } from "./augment-erase.ts";
import { parseRandAugment, printRandAugment, RAND_AUGMENT_OPERATIONS, randAugment } from "./augment-rand.ts";
import type { RawImage } from "./raw-image.ts";
import { applyTransform, parseTransform } from "./transform.ts";

const RECIPE =
  "random_resized_crop(64,0.25:1,random)|flip(0.5)|rand_augment(rand-m9-mstd0.5-inc1)|normalize(imagenet)|random_erasing(0.25)";

function noise(width: number, height: number): RawImage {
  const data = new Uint8Array(width * height * 3).map((_, i) => (Math.imul(i + 1, 2654435761) >>> 11) & 255);
  return { width, height, data };
}

const probability = fc.double({ min: 0, max: 1, noNaN: true });
const side = fc.integer({ min: 1, max: 300 });
const range = (high: number) =>
  fc
    .tuple(fc.double({ min: 0.01, max: high, noNaN: true }), fc.double({ min: 0.01, max: high, noNaN: true }))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const config = fc.record({
  magnitude: fc.integer({ min: 0, max: 20 }),
  layers: fc.integer({ min: 1, max: 4 }),
  probability: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
  magnitudeStd: fc.constantFrom(0, 0.5, 1, Number.POSITIVE_INFINITY),
  magnitudeMax: fc.constantFrom(10, 20),
  increasing: fc.boolean(),
});
const filter = fc.constantFrom("bilinear" as const, "bicubic" as const, "random" as const);
const pixelOp = fc.oneof(
  fc.record({
    op: fc.constant("random_resized_crop" as const),
    width: side,
    height: side,
    scale: range(1),
    ratio: range(5),
    filter,
  }),
  fc.record({
    op: fc.constant("random_affine" as const),
    degrees: fc.double({ min: 0, max: 180, noNaN: true }),
    translate: fc.double({ min: 0, max: 1, noNaN: true }),
    scale: fc.constantFrom([1, 1] as const, [0.8, 1.25] as const, [1, 2] as const),
  }),
  fc.record({ op: fc.constant("random_crop" as const), width: side, height: side, padding: fc.nat(20) }),
  fc.record({ op: fc.constant("flip" as const), probability }),
  config.map((c) => ({ op: "rand_augment" as const, ...c })),
  fc.record({
    op: fc.constant("color_jitter" as const),
    brightness: probability,
    contrast: probability,
    saturation: probability,
    hue: fc.double({ min: 0, max: 0.5, noNaN: true }),
  }),
  fc.record({ op: fc.constant("central_crop" as const), width: side, height: side }),
);
const augmentations: fc.Arbitrary<Augmentation> = fc
  .tuple(
    fc.array(pixelOp, { maxLength: 5 }),
    fc.option(fc.constantFrom(...parseTransform("normalize(imagenet)"))),
    fc.array(
      fc.record({
        op: fc.constant("random_erasing" as const),
        probability,
        area: range(1),
        mode: fc.constantFrom("pixel" as const, "color" as const, "zero" as const),
      }),
      { maxLength: 2 },
    ),
  )
  .map(([pixels, values, erasings]) => (values === null ? pixels : [...pixels, values, ...erasings]));

describe("the text of an augmentation", () => {
  test("prints what it parses", () => {
    expect(printAugmentation(parseAugmentation(RECIPE))).toBe(RECIPE);
    expect(parseAugmentation("random_resized_crop(64x48, 0.25:1) | color_jitter(0.4,0.4,0.4)")).toEqual([
      {
        op: "random_resized_crop",
        width: 64,
        height: 48,
        scale: [0.25, 1],
        ratio: [3 / 4, 4 / 3],
        filter: "bilinear",
      },
      { op: "color_jitter", brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0 },
    ]);
    expect(parseAugmentation("")).toEqual([]);
  });

  test("round trip of any augmentation", () => {
    fc.assert(
      fc.property(augmentations, (value) => {
        expect(parseAugmentation(printAugmentation(value))).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(config, (value) => {
        expect(parseRandAugment(printRandAugment(value))).toEqual(value);
      }),
    );
  });

  test("mistakes are pointed at", () => {
    const mistake = (text: string) => {
      try {
        parseAugmentation(text);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
        return `${(error as UsageError).message}\n${(error as UsageError).hint}`;
      }
      throw new Error(`${text} was accepted`);
    };
    expect(mistake("flip(0.5)|flop(1)")).toContain('column 11: "flop" is not an operation');
    expect(mistake("flip(2)")).toContain('"2" is not a number from 0 to 1');
    expect(mistake("flip(0.5")).toContain("column 1: the arguments are not in one pair");
    expect(mistake("random_erasing(0.25)")).toContain("normalize or value_range comes before it");
    expect(mistake("normalize(imagenet)|flip(0.5)")).toContain("flip works on pixels");
    expect(mistake("random_resized_crop(64,1:0.25)")).toContain("LOW:HIGH");
    expect(mistake("random_resized_crop(0)")).toContain("not a size");
    expect(mistake("random_resized_crop(64,0.5:1,nearest)")).toContain("none of bilinear, bicubic, random");
    expect(mistake("rand_augment(rand-m9-q4)")).toContain('"q4" is not a section');
    expect(mistake("rand_augment(original)")).toContain("rand-m9");
    expect(mistake("flip(0.5)||flip(0.5)")).toContain("column 11");
  });

  test("any text is an augmentation or a UsageError", () => {
    const pieces = fc.constantFrom(
      "flip",
      "random_crop",
      "random_erasing",
      "(",
      ")",
      ",",
      ":",
      "|",
      "0.5",
      "64",
      "x",
      " ",
      "-",
    );
    const text = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (input) => {
        try {
          parseAugmentation(input);
        } catch (error) {
          expect(error).toBeInstanceOf(SaccadeError);
        }
      }),
    );
  });
});

describe("an augmenter", () => {
  test("the same random numbers give the same values, others do not", () => {
    const augmenter = createAugmenter(parseAugmentation(RECIPE));
    const image = noise(80, 70);
    const values = (position: number) => {
      const out = new Float32Array(3 * 64 * 64);
      augmenter.apply(image, new RandomSource(1, `augment/0/${position}`), out, 0);
      return out;
    };
    expect(values(3)).toEqual(values(3));
    expect(values(3)).not.toEqual(values(4));
    expect(image).toEqual(noise(80, 70));
    expect(augmenter).toMatchObject({ width: 64, height: 64, isRandom: true });
  });

  test("without random operations it is the transform", () => {
    const text = "resize_small(40,bicubic)|central_crop(32)|normalize(imagenet)";
    const augmenter = createAugmenter(parseAugmentation(text));
    expect(augmenter.isRandom).toBe(false);
    const out = new Float32Array(2 * 3 * 32 * 32);
    augmenter.apply(noise(50, 60), new RandomSource(0), out, 3 * 32 * 32);
    expect(out.slice(3 * 32 * 32)).toEqual(applyTransform(noise(50, 60), parseTransform(text)).data);
  });

  test("every augmentation leaves bytes as bytes and sizes as said", () => {
    fc.assert(
      fc.property(augmentations, side, side, fc.nat(), (ops, width, height, seed) => {
        const small = ops.filter((op) => !("width" in op) || (op.width <= 40 && op.height <= 40));
        const augmenter = createAugmenter([
          ...small.filter((op) => op.op !== "random_erasing" && op.op !== "normalize"),
          { op: "central_crop", width: 9, height: 7 },
        ]);
        const result = augmenter.pixels(noise((width % 50) + 1, (height % 50) + 1), new RandomSource(seed));
        expect([result.width, result.height, result.data.length]).toEqual([9, 7, 189]);
      }),
      { numRuns: 60 },
    );
  });

  test("pictures of different sizes are refused", () => {
    expect(() => createAugmenter(parseAugmentation("flip(0.5)|normalize(imagenet)"))).toThrow("different sizes");
    expect(() => createAugmenter(parseAugmentation("resize_small(64)"))).toThrow("different sizes");
    expect(createAugmenter(parseAugmentation("central_crop(64)|pad_square()|resize_small(32)"))).toMatchObject({
      width: 32,
      height: 32,
    });
  });
});

describe("crops", () => {
  test("lie inside, with the area and the aspect ratio asked for", () => {
    const random = new RandomSource(1, "crops");
    for (let i = 0; i < 500; i++) {
      const crop = drawCrop(90, 60, [0.25, 1], [0.5, 2], random);
      expect(crop.x + crop.width).toBeLessThanOrEqual(90);
      expect(crop.y + crop.height).toBeLessThanOrEqual(60);
      expect((crop.width * crop.height) / 5400).toBeGreaterThan(0.24);
      expect(crop.width / crop.height).toBeGreaterThan(0.48);
      expect(crop.width / crop.height).toBeLessThan(2.1);
    }
  });

  test("the middle, where no crop of the ratio has the area", () => {
    // torchvision's fallback: a wide picture keeps its height, a tall one its width
    expect(drawCrop(100, 10, [1, 1], [0.75, 4 / 3], new RandomSource(1))).toEqual({
      x: 43,
      y: 0,
      width: 13,
      height: 10,
    });
    expect(drawCrop(10, 100, [1, 1], [0.75, 4 / 3], new RandomSource(1))).toEqual({
      x: 0,
      y: 43,
      width: 10,
      height: 13,
    });
    expect(drawCrop(1, 1, [0.01, 0.01], [1, 1], new RandomSource(1))).toEqual({ x: 0, y: 0, width: 1, height: 1 });
  });

  test("a crop of everything at the same size is the picture", () => {
    const options = { width: 8, height: 8, scale: [1, 1], ratio: [1, 1], filter: "bicubic" } as const;
    expect(randomResizedCrop(noise(8, 8), options, new RandomSource(1)).image).toEqual(noise(8, 8));
  });

  test("a padded crop of a picture larger than it, and of one that is smaller", () => {
    const random = new RandomSource(2);
    const image: RawImage = { width: 4, height: 4, data: new Uint8Array(48).fill(9) };
    const lit = Array.from({ length: 200 }, () => randomCrop(image, { width: 4, height: 4, padding: 1 }, random)).map(
      ({ image: crop }) => crop.data.filter((byte) => byte === 9).length / 3,
    );
    expect(new Set(lit)).toEqual(new Set([9, 12, 16]));
    const { image: large } = randomCrop(image, { width: 10, height: 6, padding: 0 }, random);
    expect(large).toMatchObject({ width: 10, height: 6 });
    expect(large.data.filter((byte) => byte === 9).length).toBeGreaterThan(0);
    expect(randomCrop(noise(5, 5), { width: 5, height: 5, padding: 0 }, random).image).toEqual(noise(5, 5));
  });

  test("flipping twice is nothing", () => {
    expect(flipHorizontally(flipHorizontally(noise(5, 3)))).toEqual(noise(5, 3));
  });
});

describe("RandAugment", () => {
  test("timm's configuration text", () => {
    expect(parseRandAugment("rand-m9-mstd0.5-inc1")).toEqual({
      magnitude: 9,
      layers: 2,
      probability: 0.5,
      magnitudeStd: 0.5,
      magnitudeMax: 10,
      increasing: true,
    });
    expect(parseRandAugment("rand-mstd101").magnitudeStd).toBe(Number.POSITIVE_INFINITY);
    expect(Object.keys(RAND_AUGMENT_OPERATIONS)).toHaveLength(15);
  });

  test("operations are drawn alike often, and half of them are carried out", () => {
    const image = noise(6, 6);
    const settings = { filter: "random", fill: [0, 0, 0] } as const;
    const random = new RandomSource(4);
    const untouched = Array.from({ length: 400 }, () =>
      randAugment(image, parseRandAugment("rand-m9-n1-inc1"), settings, random),
    ).filter((result) => result === image).length;
    expect(untouched).toBeGreaterThan(150);
    expect(untouched).toBeLessThan(250);
  });
});

describe("random erasing", () => {
  test("one rectangle of the asked-for area, sometimes", () => {
    const random = new RandomSource(5);
    const erased = Array.from({ length: 300 }, () => {
      const values = new Float32Array(2 * 3 * 20 * 30).fill(7);
      randomErase(values, 1800, 30, 20, { probability: 0.5, mode: "zero", area: [0.1, 0.3] }, random);
      expect(values.subarray(0, 1800).every((value) => value === 7)).toBe(true);
      return values.filter((value) => value === 0).length / 1800;
    });
    const some = erased.filter((share) => share > 0);
    expect(some.length / 300).toBeCloseTo(0.5, 0);
    expect(Math.min(...some)).toBeGreaterThan(0.08);
    expect(Math.max(...some)).toBeLessThan(0.33);
  });

  test("pixels are normal noise, a colour is one value per channel", () => {
    const fill = (mode: "pixel" | "color") => {
      const values = new Float32Array(3 * 64 * 64).fill(99);
      randomErase(values, 0, 64, 64, { probability: 1, mode, area: [0.3, 0.33] }, new RandomSource(6));
      return values.filter((value) => value !== 99);
    };
    const pixels = fill("pixel");
    const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
    const variance = pixels.reduce((sum, value) => sum + (value - mean) ** 2, 0) / pixels.length;
    expect(mean).toBeCloseTo(0, 1);
    expect(variance).toBeCloseTo(1, 0);
    expect(new Set(fill("color")).size).toBe(3);
  });
});
