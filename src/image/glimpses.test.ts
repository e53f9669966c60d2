import { expect, test } from "vitest";
import { createPicture } from "./draw.ts";
import { drawGlimpses, type Glimpse } from "./glimpses.ts";
import type { RawImage } from "./raw-image.ts";

const MARGIN = 12;
const GREY = 60;

const look = (box: Glimpse["box"], thought = "thing 50 %"): Glimpse => ({ name: "focus", box, thought });

/** Smallest box around the pixels of a window that a test accepts. */
function extent(
  sheet: RawImage,
  [left, top, width, height]: number[],
  accept: (r: number, g: number, b: number) => boolean,
) {
  const xs: number[] = [];
  const ys: number[] = [];
  for (let y = 0; y < height!; y++)
    for (let x = 0; x < width!; x++) {
      const at = ((y + top!) * sheet.width + x + left!) * 3;
      if (accept(sheet.data[at]!, sheet.data[at + 1]!, sheet.data[at + 2]!)) {
        xs.push(x);
        ys.push(y);
      }
    }
  return xs.length === 0 ? undefined : [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

test("boxes lie where they were on the picture, and what they enclose keeps its brightness", () => {
  const image = createPicture(200, 100, [GREY, GREY, GREY]);
  const sheet = drawGlimpses(image, [look([0, 0, 200, 100]), look([100, 50, 150, 100])], {
    panelSize: 400,
    columns: 3,
  });
  const panel = [MARGIN, sheet.height - MARGIN - 200, 400, 200];
  const bright = extent(sheet, panel, (r, g, b) => r === GREY && g === GREY && b === GREY);
  // The second box, 200 to 300 and 100 to 200 at twice the size, less its frame.
  const off = bright!.map((value, i) => Math.abs(value - [200, 100, 300, 200][i]!));
  expect(Math.max(...off)).toBeLessThan(4);
  const tag = extent(sheet, panel, (r, g, b) => Math.max(r, g, b) - Math.min(r, g, b) > 60);
  expect(tag?.slice(0, 2)).toEqual([0, 0]); // the first box's frame, at the picture's edge
});

test("any number of looks, places and odd pictures", () => {
  for (const [width, height] of [
    [1, 1],
    [1, 300],
    [700, 500],
  ] as const)
    for (const count of [0, 1, 5]) {
      const looks = Array.from({ length: count }, (_, i) =>
        look(i === 1 ? undefined : [-20, 5, width / 2, 2 * height]),
      );
      const sheet = drawGlimpses(createPicture(width, height, [9, 9, 9]), looks, { panelSize: 64 });
      expect(sheet.data).toHaveLength(sheet.width * sheet.height * 3);
    }
});

test("looks at one place have their numbers side by side", () => {
  const image = createPicture(300, 300, [GREY, GREY, GREY]);
  const options = { panelSize: 300, columns: 1 };
  const filled = (count: number) => {
    const sheet = drawGlimpses(
      image,
      Array.from({ length: count }, () => look([100, 100, 250, 250])),
      options,
    );
    let pixels = 0;
    for (let at = 0; at < 400 * sheet.width * 3; at += 3) {
      const [r, g, b] = sheet.data.subarray(at, at + 3);
      if (Math.max(r!, g!, b!) - Math.min(r!, g!, b!) > 60) pixels++;
    }
    return pixels;
  };
  expect(filled(3)).toBeGreaterThan(filled(1) + 600);
});
