import { expect, test } from "vitest";
import { contactSheet } from "./contact-sheet.ts";
import { createPicture } from "./draw.ts";
import { PAPER, paintSheet } from "./sheet.ts";

test("pictures of any shape are whole, in the middle of panels of one size; a missing one leaves its panel empty", () => {
  const captioned = (picture: ReturnType<typeof createPicture> | undefined) => ({ title: "a", detail: "b", picture });
  const wide = captioned(createPicture(40, 10, [255, 0, 0]));
  const sheet = contactSheet([wide, captioned(undefined)], { panelSize: 80, headline: ["cats"] });
  const [first, second] = sheet.panels.map(({ picture }) => picture);
  expect([first!.width, first!.height, second!.width, second!.height]).toEqual([80, 80, 80, 80]);
  const at = (y: number) => [...first!.data.subarray(y * 80 * 3, y * 80 * 3 + 3)];
  expect([at(29), at(30), at(49), at(50)]).toEqual([PAPER, [255, 0, 0], [255, 0, 0], PAPER]);
  expect(second).toEqual(createPicture(80, 80, PAPER));
  expect(paintSheet(sheet).width).toBeGreaterThan(160);
});
