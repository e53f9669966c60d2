import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seenShare } from "./seen-share.ts";
import { parseTransform, printTransform, transformOutputSize } from "./transform.ts";
import { JITTER_VIEWS, JITTERS, MOST_CROPS, VIEWS, type Views, viewsToPicture, viewTransforms } from "./views.ts";

const EVERYDAY = "resize_small(112,bicubic)|central_crop(112)|normalize(imagenet)";
const MARGINS = "resize_small(256,bilinear)|central_crop(224)|normalize(imagenet)";

const printed = (text: string, views: Views, width: number, height: number) =>
  viewTransforms(parseTransform(text), views, { width, height }).map(printTransform);
const seen = (text: string, views: Views, width: number, height: number) =>
  seenShare(viewsToPicture(parseTransform(text), views, { width, height }));

test.each(VIEWS)("%s of a square picture that is seen wholly is the model's own view", (views) => {
  for (const text of [EVERYDAY, "resize(64,64,bilinear)|value_range(-1,1)", "resize_long(64,bicubic)|pad_square(3)"])
    expect(printed(text, views, 300, 300)).toEqual([text]);
});

test("center is the model's own transform, whatever the picture", () => {
  const transform = parseTransform(MARGINS);
  expect(viewTransforms(transform, "center", { width: 4000, height: 30 })[0]).toBe(transform);
});

describe("whole", () => {
  test.each([
    [EVERYDAY, "letterbox(112,112,bicubic,124/116/104)|normalize(imagenet)"],
    [MARGINS, "letterbox(224,224,bilinear,124/116/104)|normalize(imagenet)"],
    ["resize(96,64,lanczos)|value_range(-1,1)", "letterbox(96,64,lanczos,128/128/128)|value_range(-1,1)"],
    // Neither says a mean: models that take 0 to 1 or 0 to 255.
    ["central_crop(64)", "letterbox(64,64,bilinear,128/128/128)"],
    ["resize_small(64,box)|central_crop(64)|value_range(0,255)", "letterbox(64,64,box,128/128/128)|value_range(0,255)"],
  ])("%s of a wide picture", (text, expected) => {
    expect(printed(text, "whole", 3000, 1000)).toEqual([expected]);
    expect(seen(text, "whole", 3000, 1000)).toBe(1);
  });

  test.each(["resize_long(64,bicubic)|pad_square(7)|normalize(clip)", "resize_small(64,bicubic)", "normalize(clip)"])(
    "%s shows all of it as it is",
    (text) => expect(printed(text, "whole", 3000, 1000)).toEqual([text]),
  );
});

describe("crops", () => {
  test.each([
    [EVERYDAY, 200, 200, 1],
    [EVERYDAY, 163, 160, 1], // two pixels more are not worth a second crop
    [EVERYDAY, 213, 160, 2],
    [EVERYDAY, 400, 200, 2],
    [EVERYDAY, 200, 600, 3],
    [EVERYDAY, 4000, 100, MOST_CROPS],
    [MARGINS, 200, 200, 1],
    [MARGINS, 400, 200, 3], // the crops are smaller than the shorter side
    ["central_crop(50)", 40, 30, 1],
    ["resize(128,64,bicubic)", 400, 200, 1],
    ["resize(128,64,bicubic)", 400, 400, 2],
    ["resize_long(64)|pad_square()", 400, 200, 1],
    ["resize_small(64)", 400, 200, 1],
    ["normalize(clip)", 400, 200, 1],
  ])("%s of %i x %i: %i", (text, width, height, count) => {
    expect(printed(text, "crops", width, height)).toHaveLength(count);
  });

  test("lie side by side, at the model's own scale", () => {
    expect(printed(EVERYDAY, "crops", 400, 200)).toEqual(
      [0, 1].map((x) => `resize_small(112,bicubic)|crop(112,112,${x},0.5)|normalize(imagenet)`),
    );
    expect(printed("resize(64,64,bicubic)", "crops", 200, 600)).toEqual(
      [0, 0.5, 1].map((y) => `resize_cover(64,64,bicubic)|crop(64,64,0.5,${y})`),
    );
  });

  test("together see all of the longer side but the margin that the shorter one loses too", () => {
    expect(seen(EVERYDAY, "crops", 400, 200)).toBe(1);
    expect(seen(MARGINS, "crops", 400, 200)).toBeCloseTo((224 / 256) * (480 / 512), 2);
    expect(seen(MARGINS, "center", 400, 200)).toBeCloseTo((224 / 256) * (224 / 512), 2);
  });
});

test("both: the whole first, and nothing twice", () => {
  expect(printed(EVERYDAY, "whole+crops", 400, 200)).toEqual([
    ...printed(EVERYDAY, "whole", 400, 200),
    ...printed(EVERYDAY, "crops", 400, 200),
  ]);
  expect(printed("normalize(clip)", "whole+crops", 400, 200)).toEqual(["normalize(clip)"]);
});

test("whatever the picture and the transform, several views have one size, are different and show no less", () => {
  const side = fc.integer({ min: 1, max: 3000 });
  const texts = fc.constantFrom(EVERYDAY, MARGINS, "resize(96,64)", "central_crop(100)", "resize_small(50)");
  fc.assert(
    fc.property(texts, fc.constantFrom(...VIEWS), side, side, (text, views, width, height) => {
      const transforms = viewTransforms(parseTransform(text), views, { width, height });
      const sizes = transforms.map((one) => transformOutputSize(one, width, height));
      expect(new Set(sizes.map((size) => `${size.width} x ${size.height}`)).size).toBe(1);
      expect(transforms.length).toBeLessThanOrEqual(MOST_CROPS + 1);
      expect(new Set(transforms.map(printTransform)).size).toBe(transforms.length);
      // What squeezes sees all of a sliver, of which six crops show a part.
      const least = text.startsWith("resize(") ? 0 : seen(text, "center", width, height);
      expect(seen(text, views, width, height)).toBeGreaterThanOrEqual(least - 1e-9);
    }),
    { numRuns: 500 },
  );
});

describe("jittering", () => {
  const jittered = (text: string, views: (typeof JITTERS)[number], width = 400, height = 300) =>
    viewTransforms(parseTransform(text), views, { width, height }).map(printTransform);

  test("mirror images, corners, turned and whole", () => {
    const views = jittered(MARGINS, "jitter");
    const corner = (at: string) => `resize_small(256,bilinear)|crop(224,224,${at})|normalize(imagenet)`;
    const turned = (degrees: number) =>
      `resize_small(256,bilinear)|rotate(${degrees},124/116/104)|crop(224,224,0.5,0.5)|normalize(imagenet)`;
    const upright = [MARGINS, ...["0,0", "1,0", "0,1", "1,1"].map(corner), turned(-15), turned(15)];
    const whole = "letterbox(224,224,bilinear,124/116/104)|normalize(imagenet)";
    expect(views.filter((_, i) => i % 2 === 0)).toEqual([...upright, whole]);
    for (let i = 0; i < views.length; i += 2)
      expect(views[i + 1]).toBe(views[i]!.replace("|normalize", "|mirror()|normalize"));
    expect(jittered(MARGINS, "ten-crops")).toEqual(views.slice(0, 10));
    expect(jittered(MARGINS, "flips")).toEqual(views.slice(0, 2));
  });

  test("preprocessing that leaves no room around its crop is enlarged for the corners", () => {
    expect(jittered(EVERYDAY, "ten-crops")[2]).toBe("resize_small(128,bicubic)|crop(112,112,0,0)|normalize(imagenet)");
    expect(jittered("resize(96,64)", "ten-crops")[2]).toBe("resize_cover(110,73,bilinear)|crop(96,64,0,0)");
  });

  test("views of one size, as many as are promised, whatever the picture", () => {
    const side = fc.integer({ min: 1, max: 3000 });
    const texts = fc.constantFrom(EVERYDAY, MARGINS, "resize(96,64)", "resize_small(70)|central_crop(64,32)");
    fc.assert(
      fc.property(texts, fc.constantFrom(...JITTERS), side, side, (text, views, width, height) => {
        const transforms = viewTransforms(parseTransform(text), views, { width, height });
        expect(transforms).toHaveLength(JITTER_VIEWS[views]);
        const own = transformOutputSize(parseTransform(text), width, height);
        for (const one of transforms) expect(transformOutputSize(one, width, height)).toEqual(own);
      }),
    );
  });

  test("views of any size have a mirror image and no corners", () => {
    expect(jittered("normalize(clip)", "ten-crops")).toEqual(["normalize(clip)", "mirror()|normalize(clip)"]);
  });
});
