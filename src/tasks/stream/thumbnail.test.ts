import { expect, test } from "vitest";
import type { RawImage } from "../../image/raw-image.ts";
import { changeBetween, thumbnailOf } from "./thumbnail.ts";

const WHOLE = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };

/** A picture whose pixels are grey as `level` says. */
function grey(width: number, height: number, level: (x: number, y: number) => number): RawImage {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) data.fill(level(i % width, Math.floor(i / width)), 3 * i, 3 * i + 3);
  return { width, height, data };
}

test("cells hold the mean colours of what is seen", () => {
  const picture = grey(64, 32, (x) => (x < 32 ? 40 : 200));
  const cells = thumbnailOf(picture, WHOLE);
  expect(cells.length).toBe(16 * 16 * 3);
  expect([cells[0], cells[7 * 3], cells[8 * 3], cells.at(-1)]).toEqual([40, 40, 200, 200]);
  const left = thumbnailOf(picture, { ...WHOLE, scaleX: 0.5 });
  expect(left.every((value) => value === 40)).toBe(true);
});

test("change goes from none to black against white", () => {
  const [black, white] = [0, 255].map((level) =>
    thumbnailOf(
      grey(20, 20, () => level),
      WHOLE,
    ),
  ) as [Float32Array, Float32Array];
  expect(changeBetween(black, black)).toBe(0);
  expect(changeBetween(black, white)).toBe(1);
});

test("pictures smaller than the thumbnail and views beyond their edges are no trouble", () => {
  const beyond = { scaleX: 2, scaleY: -2, offsetX: -0.5, offsetY: 1.5 };
  expect(
    thumbnailOf(
      grey(1, 1, () => 7),
      beyond,
    ).every((value) => value === 7),
  ).toBe(true);
});
