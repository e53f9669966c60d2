import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTransform, viewToPicture } from "../image/transform.ts";
import {
  type Box,
  boxArea,
  boxIou,
  clipBox,
  fromCocoBox,
  generalizedIou,
  inView,
  onPicture,
  toCocoBox,
} from "./box.ts";

const side = fc.double({ min: 0, max: 100, noNaN: true });
const boxes = fc
  .tuple(side, side, side, side)
  .map(([a, b, c, d]): Box => [Math.min(a, b), Math.min(c, d), Math.max(a, b) + 1, Math.max(c, d) + 1]);

describe("overlap", () => {
  test("of boxes that are easy to count", () => {
    expect(boxIou([0, 0, 2, 2], [1, 1, 3, 3])).toBeCloseTo(1 / 7, 12);
    expect(boxIou([0, 0, 2, 2], [2, 0, 4, 2])).toBe(0);
    expect(generalizedIou([0, 0, 2, 2], [1, 1, 3, 3])).toBeCloseTo(1 / 7 - 2 / 9, 12);
    expect(generalizedIou([0, 0, 1, 1], [3, 0, 4, 1])).toBeCloseTo(-0.5, 12);
    expect(boxIou([0, 0, 0, 0], [0, 0, 0, 0])).toBe(0);
  });

  test("is between its ends, the same both ways, and 1 for itself", () => {
    fc.assert(
      fc.property(boxes, boxes, (a, b) => {
        const [iou, generalized] = [boxIou(a, b), generalizedIou(a, b)];
        expect(iou).toBe(boxIou(b, a));
        expect(iou).toBeGreaterThanOrEqual(0);
        expect(generalized).toBeLessThanOrEqual(iou + 1e-12);
        expect(generalized).toBeGreaterThan(-1);
        expect(boxIou(a, a)).toBe(1);
      }),
      { seed: 19 },
    );
  });
});

test("clipping leaves what lies on the picture, and nothing of what lies beside it", () => {
  expect(clipBox([-3, 2, 50, 90], { width: 40, height: 60 })).toEqual([0, 2, 40, 60]);
  expect(boxArea(clipBox([70, 70, 80, 80], { width: 40, height: 60 }))).toBe(0);
});

test("COCO's form and back", () => {
  expect(toCocoBox([10, 20, 15, 40])).toEqual([10, 20, 5, 20]);
  expect(fromCocoBox([10, 20, 5, 20])).toEqual([10, 20, 15, 40]);
});

describe("a model's box on the picture", () => {
  const picture = { width: 640, height: 480 };

  test("of a letterbox: bars are taken off", () => {
    const view = viewToPicture(parseTransform("letterbox(320,320,bilinear,0/0/0)"), picture.width, picture.height);
    // The picture is 320 x 240 there, 40 rows from the top.
    const box = onPicture([0.5, 0.5, 1, 0.75], view, picture);
    expect(box.map((value) => Math.round(1e9 * value) / 1e9)).toEqual([0, 0, 640, 480]);
  });

  test("there and back, mirrored too", () => {
    for (const text of ["resize(300,200)", "letterbox(300,200,bilinear,0/0/0)", "resize(300,200)|mirror"]) {
      const view = viewToPicture(parseTransform(text), picture.width, picture.height);
      const box: Box = [12, 34, 200, 410];
      const back = onPicture(inView(box, view, picture), view, picture);
      back.forEach((value, i) => {
        expect(value, text).toBeCloseTo(box[i]!, 9);
      });
    }
  });
});
