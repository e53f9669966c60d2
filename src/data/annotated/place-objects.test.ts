// Boxes, outlines and maps of classes go where their picture's pixels go.
import { expect, test } from "vitest";
import { maskOf } from "../../boxes/masks.ts";
import { createAugmenter, parseAugmentation } from "../../image/augment.ts";
import type { AffineMatrix } from "../../image/augment-affine.ts";
import { createPicture, fillRectangle } from "../../image/draw.ts";
import { RandomSource } from "../../random.ts";
import type { AnnotatedObject } from "../annotations.ts";
import { objectsInPixels, placeMask, placeObjects, placeSemantic, semanticOfObjects } from "./place-objects.ts";

const PICTURE = { width: 60, height: 40 };
const BOX = [12, 8, 36, 30] as const;

/** A bright rectangle where the box is. */
function bright() {
  const image = createPicture(PICTURE.width, PICTURE.height, [20, 20, 20]);
  fillRectangle(image, BOX, [250, 250, 250]);
  return image;
}

const inBox = (at: number): number => {
  const [x, y] = [at % PICTURE.width, Math.floor(at / PICTURE.width)];
  return x >= BOX[0] && x < BOX[2] && y >= BOX[1] && y < BOX[3] ? 1 : 0;
};
const [x0, y0, x1, y1] = BOX;
const pixels = Uint8Array.from({ length: PICTURE.width * PICTURE.height }, (_, at) => inBox(at));
const byRuns: AnnotatedObject = { label: 1, box: BOX, mask: maskOf(pixels, PICTURE) };
const byOutline: AnnotatedObject = { label: 1, box: BOX, mask: { polygons: [[x0, y0, x1, y0, x1, y1, x0, y1]] } };

test.each([
  "flip(1)|resize(48,48)",
  "resize(30,50)",
  "random_resized_crop(40,0.5:1)",
  "scale_jitter(50,0.5:1.5)|flip(0.5)",
  "random_crop(50x36,6)",
  "letterbox(64,64)",
  "random_affine(25,0.1,0.8:1.2)|resize(56,56)",
  "resize_small(44)|central_crop(40)|flip(1)",
])("what %s does to the picture it does to boxes and masks", (text) => {
  const augmenter = createAugmenter(parseAugmentation(text));
  expect(augmenter.movesAlong).toBe(true);
  for (let seed = 0; seed < 6; seed++) {
    const view = { width: augmenter.width, height: augmenter.height };
    const values = new Float32Array(3 * view.width * view.height);
    const map = augmenter.apply(bright(), new RandomSource(seed, text), values, 0)!;
    const seen = values.subarray(0, view.width * view.height).map((value) => (value > 0.55 ? 1 : 0));
    for (const object of [byRuns, byOutline]) {
      const mask = placeMask(object, map, view, view);
      const wrong = mask.filter((value, i) => value !== seen[i]).length;
      // Edges are blurred by a pixel or two.
      expect(wrong, `${seed}`).toBeLessThanOrEqual(0.06 * mask.length);
      const [placed] = placeObjects([object], map, view, 5);
      const lit = [...seen.keys()].filter((i) => seen[i] === 1);
      if (placed === undefined) {
        expect(lit.length).toBeLessThan(0.3 * (x1 - x0) * (y1 - y0));
        continue;
      }
      const columns = lit.map((i) => i % view.width);
      const rows = lit.map((i) => Math.floor(i / view.width));
      const around = [Math.min(...columns), Math.min(...rows), Math.max(...columns) + 1, Math.max(...rows) + 1];
      placed.box.forEach((value, i) => {
        expect(Math.abs(value - around[i]!), `${seed}`).toBeLessThanOrEqual(2.5);
      });
    }
  }
});

test("RandAugment and turning say no map, so annotations cannot follow", () => {
  for (const text of ["rand_augment(rand-m9)|resize(20,20)", "resize(20,20)|rotate(20)"])
    expect(createAugmenter(parseAugmentation(text)).movesAlong).toBe(false);
});

test("what is hardly seen any more is not asked for, of too many the largest are, and ignored ones never", () => {
  const aside: AffineMatrix = [1, 0, -34.5, 0, 1, 0];
  expect(placeObjects([byRuns], aside, PICTURE, 5)).toEqual([]);
  const things = [4, 9, 2, 6].map((side): AnnotatedObject => ({ label: side, box: [0, 0, side, side] }));
  const still: AffineMatrix = [1, 0, 0, 0, 1, 0];
  expect(placeObjects(things, still, PICTURE, 2).map(({ object }) => object.label)).toEqual([9, 6]);
  expect(placeObjects([{ ...byRuns, isIgnored: true }], still, PICTURE, 2)).toEqual([]);
});

test("shares become pixels, and annotations of another size are refused by name", () => {
  const object = { label: 0, box: [0.2, 0.2, 0.6, 0.75] as const };
  expect(objectsInPixels({ unit: "shares", objects: [object] }, PICTURE)[0]!.box).toEqual([12, 8, 36, 30]);
  const turned = { unit: "pixels", objects: [], size: { width: 40, height: 60 } } as const;
  expect(() => objectsInPixels(turned, PICTURE)).toThrow(/of a picture of 40 x 60, and it is 60 x 40/);
});

test("maps of classes follow; what a view shows beside the picture is of no class", () => {
  const map: AffineMatrix = [1, 0, 10, 0, 1, 0];
  const values = placeSemantic(pixels, PICTURE, map, PICTURE, PICTURE);
  expect([values[8 * 60 + 9], values[8 * 60 + 10], values[8 * 60 + 22]]).toEqual([255n, 0n, 1n]);
  const made = semanticOfObjects([{ ...byRuns, label: 3 }], PICTURE, map, PICTURE, PICTURE, 0);
  expect([made[8 * 60 + 9], made[8 * 60 + 10], made[8 * 60 + 22]]).toEqual([255n, 0n, 3n]);
  expect(semanticOfObjects([], PICTURE, map, PICTURE, PICTURE)[100]).toBe(255n);
});
