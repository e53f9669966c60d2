import { expect, test } from "vitest";
import { createPicture, fillRectangle } from "../image/draw.ts";
import { cutPatches, patchesOf } from "./patches.ts";

const sizes = (width: number, height: number, levels: number) =>
  cutPatches(createPicture(width, height, [1, 2, 3]), levels).map((patch) => [patch.width, patch.height]);

test("at scale s there are s x s patches, each 2 / (s + 1) of the picture", () => {
  expect([1, 2, 3, 4, 5].map(patchesOf)).toEqual([1, 5, 14, 30, 55]);
  const [whole, ...others] = sizes(120, 60, 3);
  expect(whole).toEqual([120, 60]);
  expect(others.slice(0, 4)).toEqual(Array(4).fill([80, 40]));
  expect(others.slice(4)).toEqual(Array(9).fill([60, 30]));
});

test("patches reach all corners, and the last ones are those of the lower right", () => {
  const picture = createPicture(120, 60, [0, 0, 0]);
  fillRectangle(picture, [119, 59, 120, 60], [255, 255, 255]);
  const isWhite = cutPatches(picture, 3).map(({ data }) => data.at(-1) === 255);
  expect(isWhite).toEqual([true, false, false, false, true, ...Array(8).fill(false), true]);
});

test("large pictures are made small once, before they are cut; tiny ones have patches of a pixel", () => {
  expect(sizes(4096, 2048, 2)[0]).toEqual([1024, 512]);
  expect(sizes(1, 1, 5)).toEqual(Array(55).fill([1, 1]));
  expect(sizes(4096, 2048, 1)).toEqual([[4096, 2048]]);
});
