import { expect, test } from "vitest";
import { pasteCutOut, viewThrough } from "./cut-out.ts";
import { createPicture } from "./draw.ts";
import type { RawImage } from "./raw-image.ts";

const red = ({ data, width }: RawImage, x: number, y: number) => data[(y * width + x) * 3]!;

/** White on the right, black on the left. */
function halves(side: number): RawImage {
  const image = createPicture(side, side, [0, 0, 0]);
  for (let i = 0; i < side * side; i++) if (i % side >= side / 2) image.data.fill(255, i * 3, i * 3 + 3);
  return image;
}

test("a piece is a disc, turned clockwise", () => {
  const into = createPicture(20, 20, [100, 100, 100]);
  pasteCutOut(halves(16), into, { x: 10, y: 10, diameter: 12, angle: Math.PI / 2 });
  // What was on the right is below.
  expect([red(into, 10, 13), red(into, 10, 6)]).toEqual([255, 0]);
  expect([red(into, 3, 3), red(into, 16, 16)]).toEqual([100, 100]);
});

test("what leaves on one side comes in on the other", () => {
  const into = createPicture(20, 20, [100, 100, 100]);
  pasteCutOut(createPicture(8, 8, [200, 200, 200]), into, { x: 20, y: 0, diameter: 8, angle: 0 });
  for (const [x, y] of [
    [0, 0],
    [19, 0],
    [0, 19],
    [19, 19],
  ] as const)
    expect(red(into, x, y)).toBe(200);
  expect(red(into, 10, 10)).toBe(100);
});

test("grey is the luminance", () => {
  const into = createPicture(12, 12, [0, 0, 0]);
  pasteCutOut(createPicture(8, 8, [255, 0, 0]), into, { x: 6, y: 6, diameter: 8, angle: 0, isGrey: true });
  expect([...into.data.subarray((6 * 12 + 6) * 3, (6 * 12 + 6) * 3 + 3)]).toEqual([76, 76, 76]);
});

test("a view between pixels is the mean of them", () => {
  const picture = createPicture(4, 1, [0, 0, 0]);
  picture.data.set([0, 0, 0, 100, 100, 100, 200, 200, 200, 60, 60, 60]);
  const view = viewThrough(picture, 0.5, 0, 3, 1);
  expect([0, 1, 2].map((x) => red(view, x, 0))).toEqual([50, 150, 130]);
});
