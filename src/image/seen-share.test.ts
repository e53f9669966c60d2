import { expect, test } from "vitest";
import { describeUnseen, seenShare } from "./seen-share.ts";
import { parseTransform, viewToPicture } from "./transform.ts";

test.each([
  ["resize_small(256)|central_crop(224)|normalize(imagenet)", 400, 300, (0.875 * 0.875 * 3) / 4],
  ["resize_small(224)|central_crop(224)|normalize(imagenet)", 3000, 500, 1 / 6],
  ["resize_small(224)|central_crop(224)|normalize(imagenet)", 120, 1800, 1 / 15],
  ["resize(224,224)|normalize(imagenet)", 3000, 500, 1],
  ["pad_square(0)|resize(224,224)|normalize(imagenet)", 3000, 500, 1],
])("%s on %i x %i", (transform, width, height, share) => {
  expect(seenShare([viewToPicture(parseTransform(transform), width, height)])).toBeCloseTo(share, 2);
});

test("a view beside the picture sees nothing of it", () => {
  expect(seenShare([{ scaleX: 0.5, scaleY: 1, offsetX: 1.2, offsetY: 0 }])).toBe(0);
});

test("what several views see counts once", () => {
  const view = (offsetX: number, offsetY: number, scaleX: number, scaleY: number) => ({
    offsetX,
    offsetY,
    scaleX,
    scaleY,
  });
  expect(seenShare([view(0, 0, 0.4, 1), view(0.2, 0, 0.4, 1)])).toBeCloseTo(0.6, 12);
  expect(seenShare([view(0, 0, 0.5, 0.5), view(0.25, 0.25, 0.5, 0.5)])).toBeCloseTo(0.4375, 12);
  expect(seenShare([view(0, 0, 0.2, 1), view(0.8, 0, 0.5, 0.5)])).toBeCloseTo(0.3, 12);
  expect(seenShare([view(-1, -1, 3, 3), view(0.1, 0.1, 0.1, 0.1)])).toBe(1);
});

test("people are told where little is seen", () => {
  expect(describeUnseen(0.57)).toBeUndefined();
  expect(describeUnseen(1 / 6)).toBe("only 17 % of the picture was seen");
  expect(describeUnseen(0.001)).toBe("only 1 % of the picture was seen");
});
