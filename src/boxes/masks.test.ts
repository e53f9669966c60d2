import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  maskArea,
  maskBox,
  maskIou,
  maskOf,
  maskOfColumns,
  maskPixels,
  masksOf,
  printCounts,
  readCounts,
  resizeMask,
  sharedMaskArea,
} from "./masks.ts";
import { polygonMask } from "./polygons.ts";

const sizes = fc.record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }) });
const drawn = sizes.chain((size) => {
  const count = size.width * size.height;
  const pixels = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: count, maxLength: count });
  return fc.record({ size: fc.constant(size), a: pixels, b: pixels });
});

describe("masks", () => {
  test("hold pixels, column by column", () => {
    // .#
    // ##
    const mask = maskOf([0, 1, 1, 1], { width: 2, height: 2 });
    expect([...mask.counts]).toEqual([1, 3]);
    expect([...maskOf([1, 0, 0, 0], { width: 2, height: 2 }).counts]).toEqual([0, 1, 3]);
    const columns = Uint8Array.of(0, 0, 0, 1, 1, 1, 0, 0); // the same column by column, where only the middle has any
    expect([...maskOfColumns(columns, { width: 4, height: 2 }, 1, 3).counts]).toEqual([3, 3, 2]);
    expect([...maskOfColumns(new Uint8Array(4), { width: 2, height: 2 }).counts]).toEqual([4]);
    expect(maskBox(mask)).toEqual([0, 0, 2, 2]);
    expect(maskBox(maskOf([0, 0], { width: 2, height: 1 }))).toBeUndefined();
  });

  test("give back pixels, areas and overlaps, and survive COCO's text", () => {
    fc.assert(
      fc.property(drawn, ({ size, a, b }) => {
        const [first, second] = [maskOf(a, size), maskOf(b, size)];
        expect([...maskPixels(first)]).toEqual(a);
        expect(maskArea(first)).toBe(a.filter((value) => value === 1).length);
        const both = a.filter((value, i) => value === 1 && b[i] === 1).length;
        expect(sharedMaskArea(first, second)).toBe(both);
        const either = a.filter((value, i) => value === 1 || b[i] === 1).length;
        expect(maskIou(first, second)).toBeCloseTo(either === 0 ? 0 : both / either, 12);
        expect(readCounts(printCounts(first), size, "it")).toEqual(first);
        expect(readCounts([...first.counts], size, "it")).toEqual(first);
      }),
      { seed: 19 },
    );
  });

  test("of a map of numbers, and at other sizes", () => {
    fc.assert(
      fc.property(drawn, ({ size, a, b }) => {
        const ids = a.map((value, i) => value + 2 * b[i]!);
        const masks = masksOf(ids, size);
        for (const id of [1, 2, 3]) {
          const expected = ids.map((value) => Number(value === id));
          if (expected.includes(1)) expect([...maskPixels(masks.get(id)!)]).toEqual(expected);
          else expect(masks.has(id)).toBe(false);
        }
        const mask = maskOf(a, size);
        expect(resizeMask(mask, size)).toEqual(mask);
        const larger = { width: 3 * size.width, height: 2 * size.height };
        const pixels = maskPixels(resizeMask(mask, larger));
        pixels.forEach((value, at) => {
          const [x, y] = [Math.floor((at % larger.width) / 3), Math.floor(at / larger.width / 2)];
          expect(value).toBe(a[y * size.width + x]);
        });
        expect(resizeMask(resizeMask(mask, larger), size)).toEqual(mask);
      }),
      { seed: 19 },
    );
  });

  test("COCO's text as pycocotools writes it", () => {
    // pycocotools.mask.encode of a 9 x 200 array that is 1 in rows 2 to 7 of columns 20 to 119; of 300 x 400 with two corners and a stroke.
    const pixels = new Uint8Array(200 * 9);
    for (let y = 2; y < 8; y++) for (let x = 20; x < 120; x++) pixels[y * 200 + x] = 1;
    expect(printCounts(maskOf(pixels, { width: 200, height: 9 }))).toBe(`f563${"0".repeat(197)}^f0`);
    const far = new Uint8Array(400 * 300);
    far[0] = 1;
    for (let y = 10; y < 200; y++) far[y * 400 + 5] = 1;
    far[400 * 300 - 1] = 1;
    expect(printCounts(maskOf(far, { width: 400, height: 300 }))).toBe("01U_1m5fQb3SJ");
  });

  test("of strangers are checked before anything is allocated", () => {
    const size = { width: 4, height: 3 };
    expect(() => readCounts([5, 6], size, "annotation 7")).toThrow(
      "annotation 7: its runs are 11 pixels long together",
    );
    expect(() => readCounts([5, -1, 8], size, "annotation 7")).toThrow("run 1 is -1 pixels long");
    expect(() => readCounts("o", size, "annotation 7")).toThrow("break off");
    expect(() => readCounts("é", size, "annotation 7")).toThrow("damaged");
    expect(() => readCounts("oooooooo0", size, "annotation 7")).toThrow("too long");
    expect(() => readCounts({}, size, "annotation 7")).toThrow("numbers or a compressed text");
    expect(() => readCounts([1e12], { width: 1e6, height: 1e6 }, "annotation 7")).toThrow("the limit is");
    expect(() => readCounts([0], { width: 0, height: 4 }, "annotation 7")).toThrow("0 x 4");
  });
});

describe("polygons", () => {
  const size = { width: 6, height: 5 };
  const rows = (polygons: number[][]) => {
    const pixels = maskPixels(polygonMask(polygons, size, "it"));
    return Array.from({ length: 5 }, (_, y) => pixels.slice(6 * y, 6 * y + 6).join(""));
  };

  test("hold the pixels whose centre is inside", () => {
    expect(rows([[1, 1, 4, 1, 4, 3, 1, 3]])).toEqual(["000000", "011100", "011100", "000000", "000000"]);
    expect(rows([[0, 0, 5, 0, 0, 5]])).toEqual(["111100", "111000", "110000", "100000", "000000"]);
  });

  test("of several parts are all of them, and where they overlap once", () => {
    const mask = polygonMask(
      [
        [0, 0, 3, 0, 3, 3, 0, 3],
        [2, 2, 5, 2, 5, 5, 2, 5],
      ],
      size,
      "it",
    );
    expect(maskArea(mask)).toBe(9 + 9 - 1);
  });

  test("may lie outside", () => {
    expect(maskArea(polygonMask([[-9, -9, 99, -9, 99, 99, -9, 99]], size, "it"))).toBe(30);
    expect(maskArea(polygonMask([[50, 50, 60, 50, 60, 60]], size, "it"))).toBe(0);
  });

  test("of two points, of odd numbers and of no numbers are refused", () => {
    expect(() => polygonMask([[1, 1, 4, 4]], size, "annotation 3")).toThrow("annotation 3: an outline of 2 points");
    expect(() => polygonMask([[1, 1, 4, 4, 5, 1, 2]], size, "annotation 3")).toThrow("pairs of numbers");
    expect(() => polygonMask([[1, 1, 4, Number.NaN, 5, 1]], size, "annotation 3")).toThrow("pairs of numbers");
  });
});
