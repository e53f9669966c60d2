import { describe, expect, test } from "vitest";
import { createPicture } from "../image/draw.ts";
import { type Box, sharedArea } from "./box.ts";
import { type DrawnPart, drawParts, paintTags, tagInk } from "./draw.ts";
import { maskWhere } from "./masks.ts";

const GREY = createPicture(800, 600, [100, 100, 100]);
const RED = [255, 60, 60] as const;
const at = ({ data, width }: { readonly data: Uint8Array; readonly width: number }, x: number, y: number) => [
  ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];

describe("drawings", () => {
  test("keep the picture's size, but for small and large ones", () => {
    const sides = (width: number, height: number) => {
      const { image } = drawParts(createPicture(width, height, [0, 0, 0]), []);
      return [image.width, image.height];
    };
    expect(sides(800, 600)).toEqual([800, 600]);
    expect(sides(64, 32)).toEqual([640, 320]);
    expect(sides(3200, 1600)).toEqual([1600, 800]);
  });

  test("a strip keeps its proportions, and is not hidden by a name that is higher than it", () => {
    const strip = createPicture(2000, 3, [90, 90, 90]);
    const { image, tags } = drawParts(strip, [{ name: "wire 90 %", color: RED, box: [0, 0, 2000, 3] }]);
    expect(image.width / image.height).toBeCloseTo(2000 / 3, 0);
    expect(tags).toEqual([]);
    expect(drawParts(createPicture(20_000, 1, [0, 0, 0]), []).image).toMatchObject({ width: 20_000, height: 1 });
  });

  test("leave the picture as it is, and draw frames and masks where they are", () => {
    const mask = maskWhere(GREY, (i) => i % 800 >= 400 && i % 800 < 600 && Math.floor(i / 800) >= 300);
    const { image } = drawParts(GREY, [
      { name: "", color: RED, box: [100, 100, 200, 200] },
      { name: "", color: RED, mask },
    ]);
    expect(at(GREY, 100, 150)).toEqual([100, 100, 100]);
    expect(at(image, 100, 150)).toEqual([...RED]);
    expect(at(image, 150, 150)).toEqual([100, 100, 100]);
    expect(at(image, 500, 450)[0]).toBeGreaterThan(150); // tinted
    expect(at(image, 401, 450)[0]).toBeGreaterThan(220); // the outline
    expect(at(image, 300, 450)).toEqual([100, 100, 100]);
  });

  test("put names where no other is, inside the picture", () => {
    const boxes: Box[] = [
      [5, 2, 300, 200],
      [8, 4, 290, 190],
      [700, 500, 799, 599],
    ];
    const parts = boxes.map((box, i): DrawnPart => ({ name: `thing ${i} 90 %`, color: RED, box }));
    const drawing = drawParts(GREY, parts);
    const plates = drawing.tags.map(({ text, x, y }): Box => [x, y, x + 10 * text.length, y + drawing.lineHeight]);
    for (const [i, plate] of plates.entries()) {
      expect(plate[0]).toBeGreaterThanOrEqual(0);
      expect(plate[1]).toBeGreaterThanOrEqual(0);
      expect(plate[3]).toBeLessThanOrEqual(600);
      for (const other of plates.slice(i + 1)) expect(sharedArea(plate, other)).toBe(0);
    }
    const painted = paintTags(drawing);
    const [tag] = drawing.tags;
    expect(at(painted, tag!.x + 1, tag!.y + 1)).toEqual([...RED]);
  });

  test("write dark on light plates and light on dark ones", () => {
    expect(tagInk([255, 230, 80])[0]).toBeLessThan(50);
    expect(tagInk([80, 60, 255])[0]).toBeGreaterThan(200);
  });

  test("break frames of what was missed", () => {
    const { image } = drawParts(GREY, [{ name: "", color: RED, box: [100, 100, 400, 300], dashed: true }]);
    const along = Array.from({ length: 300 }, (_, i) => at(image, 100 + i, 100).join());
    expect(along).toContain(RED.join());
    expect(along).toContain("100,100,100");
  });
});
