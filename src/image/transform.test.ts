import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LimitError, UsageError } from "../errors.ts";
import { tensor } from "../tensor.ts";
import type { RawImage } from "./raw-image.ts";
import { RESAMPLE_FILTERS } from "./resample.ts";
import {
  applyTransform,
  applyTransformInto,
  checkViewSize,
  NORMALIZATIONS,
  parseTransform,
  pixelNormalization,
  printTransform,
  type Transform,
  type TransformOp,
  transformOutputSize,
  transformRendition,
  transformToPixels,
  transformToRaw,
  viewToPicture,
} from "./transform.ts";

const size = fc.integer({ min: 1, max: 16384 });
const filter = fc.constantFrom(...RESAMPLE_FILTERS);
const byte = fc.integer({ min: 0, max: 255 });
const share = fc.double({ min: 0, max: 1, noNaN: true }).map((number) => number + 0);
const geometry: fc.Arbitrary<TransformOp> = fc.oneof(
  fc.record({ op: fc.constantFrom("resize_small" as const, "resize_long" as const), size, filter }),
  fc.record({ op: fc.constantFrom("resize" as const, "resize_cover" as const), width: size, height: size, filter }),
  fc.record({ op: fc.constant("central_crop" as const), width: size, height: size }),
  fc.record({
    op: fc.constant("central_crop" as const),
    width: size,
    height: size,
    rounding: fc.constant("down" as const),
  }),
  fc.record({ op: fc.constant("pad_square" as const), fill: byte }),
  fc.record({ op: fc.constant("crop" as const), width: size, height: size, x: share, y: share }),
  fc.constant({ op: "mirror" as const }),
  fc.record({
    op: fc.constant("rotate" as const),
    degrees: fc.double({ min: -180, max: 180, noNaN: true }).map((number) => number + 0),
    fill: fc.tuple(byte, byte, byte),
  }),
  fc.record({
    op: fc.constant("letterbox" as const),
    width: size,
    height: size,
    filter,
    fill: fc.tuple(byte, byte, byte),
  }),
  fc.record({
    op: fc.constant("letterbox" as const),
    width: size,
    height: size,
    filter,
    fill: fc.tuple(byte, byte, byte),
    place: fc.constant("top_left" as const),
  }),
);
/** What a pixel may become. */
const value = fc.double({ min: -65536, max: 65536, noNaN: true }).map((number) => number + 0); // -0 is printed as 0
const mean = fc.double({ min: -100, max: 100, noNaN: true }).map((number) => number + 0);
const deviation = fc.double({ min: 0.01, max: 1e300, noNaN: true });
const values: fc.Arbitrary<TransformOp> = fc.oneof(
  fc.record({
    op: fc.constant("normalize" as const),
    mean: fc.tuple(mean, mean, mean),
    std: fc.tuple(deviation, deviation, deviation),
  }),
  fc.constantFrom(...Object.values(NORMALIZATIONS)).map((preset) => ({ op: "normalize" as const, ...preset })),
  fc.record({ op: fc.constant("value_range" as const), low: value, high: value }),
);
const transforms: fc.Arbitrary<Transform> = fc
  .tuple(fc.array(geometry, { maxLength: 4 }), fc.option(values, { nil: undefined }))
  .map(([ops, last]) => (last === undefined ? ops : [...ops, last]));

/** Text made of the language's own pieces, so that it gets past the first character. */
const nearlyText = fc
  .array(
    fc.constantFrom(
      ...[
        "resize_small",
        "central_crop",
        "normalize",
        "pad_square",
        "value_range",
        "imagenet",
        "mean=",
        "std=",
        "bicubic",
      ],
      ...["(", ")", ",", "|", "/", " ", "0", "224", "-1", "1e999", ".5", "constructor"],
    ),
    { maxLength: 14 },
  )
  .map((pieces) => pieces.join(""));

function gradient(width: number, height: number): RawImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set([i % width, Math.floor(i / width), 128], i * 3);
  return { width, height, data };
}

describe("the text of a transform", () => {
  test("prints what it parses", () => {
    const text = "resize_small(256,bicubic)|central_crop(224)|normalize(imagenet)";
    expect(parseTransform(text)).toEqual([
      { op: "resize_small", size: 256, filter: "bicubic" },
      { op: "central_crop", width: 224, height: 224 },
      { op: "normalize", mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    ]);
    expect(printTransform(parseTransform(text))).toBe(text);
  });

  test("any transform survives print and parse", () => {
    fc.assert(
      fc.property(transforms, (t) => {
        expect(parseTransform(printTransform(t))).toEqual(t);
      }),
    );
  });

  test("short forms and spaces", () => {
    const long = "resize_small(256,bilinear)|pad_square()|normalize(mean=0.5/0.5/0.5,std=0.25/0.25/0.25)";
    const short = " resize_small( 256 ) | pad_square | normalize( mean=.5 , std=.25 ) ";
    expect(printTransform(parseTransform(short))).toBe(long);
    expect(parseTransform("")).toEqual([]);
    expect(printTransform(parseTransform("normalize(mean=0.5,std=0.5)"))).toBe("normalize(inception)");
  });

  test.each([
    ["resize_small(256)|central_crap(224)", 18, '"central_crap" is not an operation'],
    ["constructor(1)", 0, "is not an operation"],
    ["resize_small(256)||pad_square()", 18, "an operation is missing"],
    ["resize_small(256", 12, "never closed"],
    ["resize_small(256)x", 17, "after the closing parenthesis"],
    ["resize_small()", 13, "needs a size here"],
    ["resize_small(0)", 13, "whole number from 1 to 16384"],
    ["resize_small(256, cubic)", 18, '"cubic" is not a filter'],
    ["central_crop(1,2,3)", 17, "one argument too many"],
    ["central_crop(1,)", 15, "missing here"],
    ["resize(1e999,3)", 7, "is not a number"],
    ["normalize(imagenot)", 10, "not a known normalisation"],
    ["normalize(mean=1/x/3,std=1)", 17, '"x" is not a number'],
    ["normalize(mean=1/2,std=1)", 10, "three with slashes"],
    ["normalize(mean=1,std=0)", 17, "above 0"],
    ["normalize(mean=0.5,std=1e-9)", 19, "beyond 65536"],
    ["value_range(-1e6,1)", 12, "from -65536 to 65536"],
    ["value_range(0,1e38)", 14, "from -65536 to 65536"],
    ["normalize(none)|central_crop(3)", 0, "nothing can come after it"],
    ["resize_small,3", 12, 'without a "("'],
    ["crop(4,4,0)", 10, "needs where it begins down here"],
    ["crop(4,4,0,1.5)", 11, "from 0 to 1"],
    ["letterbox(4,4,0/0/0)", 14, "is not a filter"],
    ["letterbox(4,4,box,1/2)", 18, "a colour takes one number, or three"],
    ["letterbox(4,4,box,256)", 18, "from 0 to 255"],
  ])("%s is refused at %i: %s", (text, position, problem) => {
    const error = (() => {
      try {
        parseTransform(text);
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })() as UsageError;
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(problem);
    expect(error.data.position).toBe(position);
    const [, line, caret] = error.message.split("\n");
    expect(line).toBe(`  ${text}`);
    expect(caret).toBe(`  ${" ".repeat(position)}^`);
  });

  test("any text is parsed or refused politely", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearlyText), (text) => {
        let parsed: Transform;
        try {
          parsed = parseTransform(text);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
          return;
        }
        expect(parseTransform(printTransform(parsed))).toEqual(parsed);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("sizes follow torchvision", () => {
  test.each([
    ["resize_small(256)", 311, 173, 460, 256],
    ["resize_small(256)", 173, 311, 256, 460],
    ["resize_long(256)", 311, 173, 256, 142],
    ["resize_long(10)", 1, 1000, 1, 10],
    ["resize(30,20)", 5, 5, 30, 20],
    ["central_crop(64)", 100, 20, 64, 64],
    ["pad_square()", 100, 20, 100, 100],
    ["crop(64,32,0,1)", 100, 20, 64, 32],
    ["letterbox(64,32)", 100, 20, 64, 32],
    ["letterbox(64,32)", 1, 10000, 64, 32],
    ["resize_small(256)|central_crop(224)|normalize(imagenet)", 4000, 3000, 224, 224],
  ])("%s of %i x %i is %i x %i", (text, width, height, outWidth, outHeight) => {
    expect(transformOutputSize(parseTransform(text), width, height)).toEqual({ width: outWidth, height: outHeight });
  });

  test("applying gives the size that was promised", () => {
    const smallOps = fc.oneof(
      fc.record({
        op: fc.constantFrom("resize_small" as const, "resize_long" as const),
        size: fc.integer({ min: 1, max: 30 }),
        filter,
      }),
      fc.record({
        op: fc.constant("central_crop" as const),
        width: fc.integer({ min: 1, max: 30 }),
        height: fc.integer({ min: 1, max: 30 }),
      }),
      fc.record({ op: fc.constant("pad_square" as const), fill: fc.constant(7) }),
      fc.record({
        op: fc.constantFrom("crop" as const, "letterbox" as const),
        width: fc.integer({ min: 1, max: 30 }),
        height: fc.integer({ min: 1, max: 30 }),
        ...{ x: share, y: share, filter, fill: fc.constant([1, 2, 3] as const) },
      }),
    );
    const side = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(fc.array(smallOps, { maxLength: 4 }), side, side, (t, width, height) => {
        const { image } = transformToRaw(gradient(width, height), t);
        expect({ width: image.width, height: image.height }).toEqual(transformOutputSize(t, width, height));
        expect(image.data.length).toBe(image.width * image.height * 3);
      }),
    );
  });

  test("a crop lies where it is said, in the middle as the central one does", () => {
    const corner = (text: string) => [
      ...transformToRaw(gradient(10, 7), parseTransform(text)).image.data.subarray(0, 2),
    ];
    expect(corner("crop(4,4,0,0)")).toEqual([0, 0]);
    expect(corner("crop(4,4,1,1)")).toEqual([6, 3]);
    expect(corner("crop(4,4,0.25,0.5)")).toEqual(corner("crop(4,4,0.3,0.6)"));
    expect(corner("crop(4,4,0.5,0.5)")).toEqual(corner("central_crop(4)"));
    expect(viewToPicture(parseTransform("crop(4,4,1,0)"), 10, 7)).toEqual({
      ...{ scaleX: 0.4, scaleY: 4 / 7, offsetX: 0.6, offsetY: 0 },
    });
  });

  test("a letterbox has the picture in its middle and a colour around it", () => {
    const { image } = transformToRaw(gradient(8, 2), parseTransform("letterbox(4,5,nearest,9/8/7)"));
    const row = (y: number) => [...image.data.subarray(y * 12, y * 12 + 3)];
    expect([0, 1, 2, 3, 4].map(row)).toEqual([
      [9, 8, 7],
      [9, 8, 7],
      [1, 1, 128],
      [9, 8, 7],
      [9, 8, 7],
    ]);
    expect(viewToPicture(parseTransform("letterbox(4,5)"), 8, 2)).toEqual({
      ...{ scaleX: 1, scaleY: 5, offsetX: 0, offsetY: -2 },
    });
  });

  test("a letterbox may have the picture at its top left", () => {
    const { image } = transformToRaw(gradient(8, 2), parseTransform("letterbox(4,3,nearest,9/8/7,top_left)"));
    expect([0, 1, 2].map((y) => [...image.data.subarray(y * 12, y * 12 + 3)])).toEqual([
      [1, 1, 128],
      [9, 8, 7],
      [9, 8, 7],
    ]);
    expect(viewToPicture(parseTransform("letterbox(4,5,nearest,0/0/0,top_left)"), 8, 2)).toEqual({
      ...{ scaleX: 1, scaleY: 5, offsetX: 0, offsetY: 0 },
    });
  });

  test("mirrored, left is right; turned, the middle stays", () => {
    const made = (text: string) => transformToRaw(gradient(5, 3), parseTransform(text)).image;
    const columns = (image: RawImage) => [0, 1, 2, 3, 4].map((x) => image.data[3 * (5 + x)]!);
    expect(columns(made("mirror()"))).toEqual([4, 3, 2, 1, 0]);
    expect(viewToPicture(parseTransform("crop(2,3,0,0)|mirror()"), 5, 3)).toEqual({
      ...{ scaleX: -0.4, scaleY: 1, offsetX: 0.4, offsetY: 0 },
    });
    expect(columns(made("rotate(180)"))).toEqual([4, 3, 2, 1, 0]);
    expect([...made("rotate(90,1/2/3)").data.subarray(0, 3)]).toEqual([1, 2, 3]);
    expect(columns(made("rotate(90)"))[2]).toBe(2);
    expect(made("rotate(0)").data).toEqual(gradient(5, 3).data);
  });

  test("crop offsets are rounded half to even", () => {
    // (5 - 4) / 2 = 0.5 -> 0; (7 - 4) / 2 = 1.5 -> 2
    const crop = parseTransform("central_crop(4)");
    expect(transformToRaw(gradient(5, 5), crop).image.data[0]).toBe(0);
    expect(transformToRaw(gradient(7, 7), crop).image.data[0]).toBe(2);
  });

  test("a crop larger than the picture has a black border, the odd pixel right and below", () => {
    const { image } = transformToRaw(gradient(2, 4), parseTransform("central_crop(5,2)"));
    const column = (x: number) => [...image.data.subarray(x * 3, x * 3 + 3)];
    expect([0, 1, 2, 3, 4].map(column)).toEqual([
      [0, 0, 0],
      [0, 1, 128],
      [1, 1, 128],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });
});

describe("numbers", () => {
  const image: RawImage = { width: 1, height: 1, data: Uint8Array.of(0, 255, 51) };

  test("planes, scaling and ranges", () => {
    expect([...applyTransform(image, []).data]).toEqual([0, 1, Math.fround(0.2)]);
    expect([...applyTransform(image, parseTransform("value_range(-1,1)")).data.subarray(0, 2)]).toEqual([-1, 1]);
    const normalized = applyTransform(image, parseTransform("normalize(mean=0/0.5/0.2,std=1/0.5/1)"));
    expect([...normalized.data]).toEqual([0, 1, 0]);
  });

  test("fills one item of a batch and leaves the others", () => {
    const batch = tensor("float32", [3, 3, 1, 1], new Float32Array(9).fill(9));
    applyTransformInto(image, [], batch, 1);
    expect([...batch.data]).toEqual([9, 9, 9, 0, 1, Math.fround(0.2), 9, 9, 9]);
  });

  test("a batch that does not fit is refused", () => {
    const batch = tensor("float32", [1, 3, 2, 2], new Float32Array(12));
    expect(() => applyTransformInto(image, [], batch, 0)).toThrow(/does not go into a batch of shape \[1, 3, 2, 2\]/);
    expect(() => applyTransformInto(image, parseTransform("central_crop(2)"), batch, 1)).toThrow(/no item 1/);
  });
});

test("what a model would see has a limit, which is checked before pixels are made", () => {
  const small = gradient(8, 4);
  const large = parseTransform("resize(16384,16384)");
  const makers = [
    applyTransform,
    transformToRaw,
    (image: RawImage, t: Transform) => transformToPixels([image], t),
    (image: RawImage, t: Transform) => transformRendition(image, t, { width: 64, height: 32 }, [0, 0, 8, 4]),
  ];
  for (const make of makers) expect(() => make(small, large)).toThrow(LimitError);
  expect(() => checkViewSize({ width: 8192, height: 8192 })).not.toThrow();
});

describe("the way back to the picture", () => {
  test("crop of a resize", () => {
    const map = viewToPicture(parseTransform("resize_small(100)|central_crop(50)"), 400, 200);
    expect(map).toEqual({ scaleX: 0.25, scaleY: 0.5, offsetX: 0.375, offsetY: 0.25 });
  });

  test("padding reaches outside the picture", () => {
    const map = viewToPicture(parseTransform("pad_square()|resize(10,10)"), 200, 100);
    expect(map).toEqual({ scaleX: 1, scaleY: 2, offsetX: 0, offsetY: -0.5 });
  });

  test("a bright spot is found again where the map says", () => {
    const width = 300;
    const height = 200;
    const image = { width, height, data: new Uint8Array(width * height * 3) };
    for (let y = 96; y < 104; y++) image.data.fill(255, (y * width + 120) * 3, (y * width + 128) * 3);
    const seen = transformToRaw(image, parseTransform("resize_small(64,bicubic)|central_crop(48)"));
    let sum = 0;
    let sumX = 0;
    for (let i = 0; i < 48 * 48; i++) {
      sum += seen.image.data[i * 3]!;
      sumX += seen.image.data[i * 3]! * ((i % 48) + 0.5);
    }
    const { scaleX, offsetX } = seen.viewToPicture;
    expect(((sumX / sum / 48) * scaleX + offsetX) * width).toBeCloseTo(124, 0);
  });
});

describe("as bytes", () => {
  const picture = (width: number, height: number, seed: number): RawImage => ({
    width,
    height,
    data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 31 + seed * 97) & 255),
  });

  test.each([
    "resize_small(20,bicubic)|central_crop(16)|normalize(imagenet)",
    "central_crop(12,9)|normalize(clip)",
    "central_crop(64)|value_range(-1,1)",
    "value_range(2,-3)",
    "resize(7,5)",
    "normalize(mean=0.1/0.2/0.3,std=2/0.5/0.01)",
  ])("%s: bytes, normalised, are the model's numbers", (text) => {
    const transform = parseTransform(text);
    const images = [picture(40, 30, 1), picture(40, 30, 2)];
    const { shape, data } = transformToPixels(images, transform);
    const { mean, std } = pixelNormalization(transform)!;
    const [count, height, width] = shape as [number, number, number];
    images.forEach((image, n) => {
      const expected = applyTransform(image, transform);
      expect([1, 3, height, width]).toEqual(expected.shape);
      for (let i = 0; i < height * width; i++)
        for (let c = 0; c < 3; c++) {
          const number = (data[(n * height * width + i) * 3 + c]! / 255 - mean[c]!) / std[c]!;
          expect(number).toBeCloseTo(expected.data[c * height * width + i]!, 4);
        }
    });
    expect(count).toBe(2);
  });

  test("the caller's pictures are never handed over", () => {
    const image = picture(8, 6, 3);
    for (const text of ["normalize(imagenet)", "central_crop(6)", "resize(8,6)", "pad_square()"]) {
      const { data } = transformToPixels([image], parseTransform(text));
      expect(data.buffer).not.toBe(image.data.buffer);
      expect(data.byteLength).toBe(data.buffer.byteLength);
    }
  });

  test("pictures of several sizes are refused, and so are none", () => {
    expect(() => transformToPixels([picture(8, 6, 1), picture(6, 8, 1)], [])).toThrow(/8 x 6 and 6 x 8/);
    expect(() => transformToPixels([], [])).toThrow(UsageError);
  });

  test("a range without extent cannot be turned into mean and deviation", () => {
    expect(pixelNormalization(parseTransform("value_range(1,1)"))).toBeUndefined();
  });
});
