import { describe, expect, test } from "vitest";
import { UsageError } from "../errors.ts";
import { createPicture } from "./draw.ts";
import { drawGaze, type Gaze, type GazeStage, gazeSheet } from "./explain.ts";
import type { RawImage } from "./raw-image.ts";

const WHOLE = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };
const SQUARE = Float32Array.of(0.25, 0.25, 0.75, 0.75);
const stage = (name: string, points?: Float32Array): GazeStage => ({
  name,
  tokens: 1,
  regions: SQUARE,
  pointsPerToken: points === undefined ? 0 : points.length / 2,
  ...(points === undefined ? {} : { points }),
});

/** Middle of the pixels that are bluer than red by far: the region outline, captions left out. */
function outlineBox(sheet: RawImage, fromX: number, fromY: number): number[] {
  const xs: number[] = [];
  const ys: number[] = [];
  for (let y = fromY; y < sheet.height; y++)
    for (let x = fromX; x < sheet.width; x++) {
      const at = (y * sheet.width + x) * 3;
      if (sheet.data[at + 2]! - sheet.data[at]! > 60) {
        xs.push(x);
        ys.push(y);
      }
    }
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

describe("drawGaze", () => {
  test("puts regions where they are on the picture, through the view", () => {
    const image = createPicture(200, 100, [60, 60, 60]);
    // The view is the middle half of the picture's width.
    const gaze: Gaze = {
      stages: [stage("stage 1")],
      viewToPicture: { scaleX: 0.5, scaleY: 1, offsetX: 0.25, offsetY: 0 },
    };
    const sheet = drawGaze(image, gaze, { panelSize: 400, columns: 2 });
    const left = 12 + 400 + 12;
    const top = sheet.height - 12 - 200;
    const [x1, y1, x2, y2] = outlineBox(sheet, left, top) as [number, number, number, number];
    expect([x1 - left, y1 - top, x2 - left, y2 - top].map((value) => Math.round(value / 10) * 10)).toEqual([
      150, 50, 250, 150,
    ]);
  });

  test("has a frame around each of several views, and says how much all of them saw", () => {
    const image = createPicture(200, 100, [60, 60, 60]);
    const view = (offsetX: number) => ({ scaleX: 0.2, scaleY: 1, offsetX, offsetY: 0 });
    const gaze = (...views: ReturnType<typeof view>[]): Gaze => ({
      stages: [stage("stage 1")],
      viewToPicture: WHOLE,
      views,
    });
    const sheet = (...views: ReturnType<typeof view>[]) => gazeSheet(image, gaze(...views), { panelSize: 200 });
    expect(sheet(view(0.1), view(0.6)).note).toContain("40 %");
    expect(sheet(view(0.1), view(0.4), view(0.7)).note).toBeUndefined();
    const panels = [sheet(view(0.1)), sheet(view(0.1), view(0.6))].map(({ panels: [, drawn] }) => drawn!.picture);
    const changed = (x: number) => {
      const at = 3 * (10 * 200 + x);
      return panels[0]!.data[at] !== panels[1]!.data[at];
    };
    expect([40, 90, 100, 118, 122, 150, 158, 162, 180].filter(changed)).toEqual([]);
    expect([119, 120].some(changed)).toBe(true);
    expect([159, 160].some(changed)).toBe(true);
  });

  test("any number of stages, sizes and odd pictures", () => {
    for (const [width, height] of [
      [1, 1],
      [1, 300],
      [300, 1],
      [700, 500],
    ] as const)
      for (const count of [0, 1, 4, 12]) {
        const stages = Array.from({ length: count }, (_, i) =>
          stage(`stage ${i + 1}`, Float32Array.of(0.5, 0.5, Number.NaN, 3)),
        );
        const sheet = drawGaze(
          createPicture(width, height, [9, 9, 9]),
          { stages, viewToPicture: WHOLE },
          { panelSize: 96 },
        );
        expect(sheet.data.length).toBe(sheet.width * sheet.height * 3);
        expect(sheet.width).toBeGreaterThanOrEqual(288);
      }
  });

  test("the headline adds its lines and colours follow tokens when asked", () => {
    const image = createPicture(50, 50, [60, 60, 60]);
    const gaze: Gaze = { stages: [stage("s", Float32Array.of(0.5, 0.5))], viewToPicture: WHOLE };
    const plain = drawGaze(image, gaze);
    const titled = drawGaze(image, gaze, {
      headline: ["guinea pig 83 %", "a line too long for any sheet ".repeat(20)],
    });
    expect(titled.height).toBeGreaterThan(plain.height + 50);
    expect(titled.width).toBe(plain.width);
    expect(drawGaze(image, gaze, { colorBy: "token" }).data).not.toEqual(plain.data);
  });

  test("a gaze whose numbers do not fit is refused", () => {
    const wrong: GazeStage = { ...stage("stage 3"), tokens: 2 };
    const image = createPicture(5, 5, [0, 0, 0]);
    expect(() => drawGaze(image, { stages: [wrong], viewToPicture: WHOLE })).toThrow(UsageError);
  });
});
