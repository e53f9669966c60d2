import { describe, expect, test } from "vitest";
import {
  copyPicture,
  createPicture,
  distinctColor,
  drawLine,
  fade,
  fillDisc,
  fillRectangle,
  paste,
  strokeRectangle,
} from "./draw.ts";
import { heatColor, overlayHeat, pointDensity } from "./heat-map.ts";
import type { RawImage } from "./raw-image.ts";
import { drawText, fitText, textHeight, textWidth } from "./text.ts";

const black = (width: number, height: number) => createPicture(width, height, [0, 0, 0]);
/** The red channel, row by row. */
const reds = (image: RawImage): number[][] =>
  Array.from({ length: image.height }, (_, y) =>
    Array.from({ length: image.width }, (_, x) => image.data[(y * image.width + x) * 3]!),
  );
const sum = (image: RawImage): number =>
  reds(image)
    .flat()
    .reduce((a, b) => a + b, 0);

describe("shapes", () => {
  test("a rectangle covers pixels by the part of them it covers", () => {
    const image = black(4, 2);
    fillRectangle(image, [0.5, 0, 3, 1], [255, 255, 255]);
    expect(reds(image)).toEqual([
      [128, 255, 255, 0],
      [0, 0, 0, 0],
    ]);
    fillRectangle(image, [0, 1, 4, 2], [200, 0, 0], 0.5);
    expect(reds(image)[1]).toEqual([100, 100, 100, 100]);
  });

  test("an outline leaves the inside alone and blends its corners once", () => {
    const image = black(7, 7);
    strokeRectangle(image, [1.5, 1.5, 5.5, 5.5], [200, 0, 0], { alpha: 0.5 });
    expect(reds(image)[1]).toEqual([0, 100, 100, 100, 100, 100, 0]);
    expect(reds(image)[3]).toEqual([0, 100, 0, 0, 0, 100, 0]);
  });

  test("discs and lines have the area they should have", () => {
    const disc = black(41, 41);
    fillDisc(disc, 20.5, 20.5, 12, [255, 0, 0]);
    expect(sum(disc) / 255 / (Math.PI * 144)).toBeCloseTo(1, 1);
    const line = black(41, 41);
    drawLine(line, 5, 8, 35, 30, [255, 0, 0], { thickness: 3 });
    expect(sum(line) / 255 / (Math.hypot(30, 22) * 3 + Math.PI * 2.25)).toBeCloseTo(1, 1);
  });

  test("what is outside, empty or not a number draws nothing and breaks nothing", () => {
    const image = black(5, 5);
    const far = [Number.NaN, -1e9, 1e9, Number.POSITIVE_INFINITY];
    for (const a of far)
      for (const b of far) {
        fillDisc(image, a, b, 2, [255, 255, 255]);
        drawLine(image, a, b, a, b, [255, 255, 255]);
        strokeRectangle(image, [a, a, b, b], [255, 255, 255], { alpha: 0 });
        fillRectangle(image, [3, 3, 2, 2], [255, 255, 255]);
      }
    expect(sum(image)).toBe(0);
  });

  test("pasting clips at every side", () => {
    const mark = createPicture(3, 3, [9, 9, 9]);
    for (const x of [-4, -2, 0, 3, 9])
      for (const y of [-4, -2, 0, 3, 9]) {
        const image = black(5, 5);
        paste(mark, image, x, y);
        const inside = (at: number) => Math.max(0, Math.min(5, at + 3) - Math.max(0, at));
        expect(sum(image)).toBe(9 * inside(x) * inside(y));
      }
  });

  test("fading and copying", () => {
    const image = createPicture(1, 1, [200, 100, 0]);
    const copy = copyPicture(image);
    fade(copy, 0, 0.5);
    expect(new Set(copy.data).size).toBe(1);
    expect([...image.data]).toEqual([200, 100, 0]);
  });

  test("distinct colours are distinct and bright", () => {
    const colors = Array.from({ length: 49 }, (_, i) => distinctColor(i));
    expect(new Set(colors.map(String)).size).toBe(49);
    expect(colors.every((color) => Math.max(...color) === 255)).toBe(true);
  });
});

describe("heat", () => {
  test("is densest where the points are", () => {
    const field = pointDensity([0.25, 0.5, 0.25, 0.5, 0.75, 0.5, 7, 7, Number.NaN, 0.5], 40, 20, 0.05);
    const at = (x: number, y: number) => field.data[y * 40 + x]!;
    expect(at(10, 10)).toBe(1);
    expect(at(30, 10)).toBeCloseTo(0.5, 3);
    expect(at(20, 1)).toBeLessThan(0.01);
    expect(pointDensity([], 3, 3, 0.1).data.every((value) => value === 0)).toBe(true);
  });

  test("colours brighten evenly and an empty field changes nothing", () => {
    const light = Array.from({ length: 21 }, (_, i) => heatColor(i / 20).reduce((a, b) => a + b));
    expect(light).toEqual(light.toSorted((a, b) => a - b));
    const image = createPicture(4, 4, [1, 2, 3]);
    overlayHeat(image, pointDensity([], 2, 2, 0.1));
    expect(image).toEqual(createPicture(4, 4, [1, 2, 3]));
  });
});

describe("text", () => {
  const show = (text: string): string => {
    const image = black(Math.max(1, textWidth(text, 1)), textHeight(1));
    drawText(image, text, 0, 0, 1, [255, 255, 255]);
    return reds(image)
      .map((row) => row.map((value) => (value > 0 ? "#" : ".")).join(""))
      .join("\n");
  };

  test("is legible", () => {
    expect(show("Pig")).toBe(
      [
        "####....#........",
        "#...#............",
        "#...#..##....####",
        "####....#...#...#",
        "#.......#...#...#",
        "#.......#...#...#",
        "#......###...####",
        "................#",
        ".............###.",
      ].join("\n"),
    );
  });

  test("every printable character has its own shape", () => {
    const shapes = Array.from({ length: 95 }, (_, i) => show(String.fromCharCode(32 + i)));
    expect(new Set(shapes).size).toBe(95);
    expect(shapes.every((shape) => shape.length === 9 * 6 - 1)).toBe(true);
  });

  test("scales, measures and shortens", () => {
    expect(textWidth("", 3)).toBe(0);
    expect(textWidth("ab", 2)).toBe(22);
    expect(show("é–×\u{1f439}")).toBe(show("e-x?"));
    expect(fitText("guinea pig", 1000, 1)).toBe("guinea pig");
    const short = fitText("guinea pig 83 %", 60, 1);
    expect(short).toBe("guinea...");
    expect(textWidth(short, 1)).toBeLessThanOrEqual(60);
    expect(fitText("guinea pig", 10, 1)).toBe("");
    expect(fitText("a guinea pig of the Andes 83 %", 125, 1)).toBe("a guinea pig... 83 %");
  });
});
