import { expect, test } from "vitest";
import { UsageError } from "../errors.ts";
import { createPicture } from "./draw.ts";
import type { RawImage } from "./raw-image.ts";
import { patchFates, type TokenGroups, tokenSheet } from "./token-groups.ts";

/** Four patches in a row; the first two share a token, the third has its own, the fourth is gone. */
const ORIGIN = Float32Array.of(0.75, 0.25, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0);
const groups = (origin = ORIGIN, scores?: Float32Array): TokenGroups => ({
  grid: { height: 1, width: 4 },
  views: [
    {
      viewToPicture: { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 },
      stages: [{ name: "block 3", tokens: 3, origin, ...(scores === undefined ? {} : { scores }) }],
    },
  ],
});

test("what became of each patch; rows of zeros are no tokens", () => {
  const { owners, weights, sizes, count } = patchFates(groups().views[0]!.stages[0]!);
  expect([...owners]).toEqual([0, 0, 1, -1]);
  expect([...weights]).toEqual([0.75, 0.25, 1, 0]);
  expect([...sizes]).toEqual([2, 1, 0]);
  expect(count).toBe(2);
});

/** Red, green, blue, white. */
function stripes(): RawImage {
  const image = createPicture(80, 20, [255, 0, 0]);
  for (let y = 0; y < 20; y++)
    for (let x = 20; x < 80; x++)
      image.data.set(x < 40 ? [0, 255, 0] : x < 60 ? [0, 0, 255] : [255, 255, 255], (y * 80 + x) * 3);
  return image;
}

const pixel = ({ data, width }: RawImage, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

test("patches that share a token have their mean colour, the others stay or are dark", () => {
  const { panels } = tokenSheet(stripes(), groups(), { panelSize: 80 });
  expect(panels.map(({ title }) => title)).toEqual(["what is left of it", "after block 3"]);
  const [, { picture, detail }] = panels as [unknown, (typeof panels)[number]];
  expect(detail).toMatchObject([{ text: "2 tokens, 1 shared by 2, 1 gone" }]);
  const [red, green] = [pixel(picture, 10, 10), pixel(picture, 30, 10)];
  for (const i of [0, 1, 2]) expect(Math.abs(red[i]! - green[i]!)).toBeLessThan(60); // 128, 128, 0 and a fifth of their own
  expect(pixel(picture, 50, 10)).toEqual([0, 0, 255]);
  expect(Math.max(...pixel(picture, 70, 10))).toBeLessThan(90);
});

test("the heat map is of the scores where there are any", () => {
  const [weights, scores] = [groups(), groups(ORIGIN, Float32Array.of(0, 0, 0, 1))].map(
    (one) => tokenSheet(stripes(), one, { panelSize: 80 }).panels[0]!.picture,
  );
  expect(pixel(weights!, 70, 10)).not.toEqual(pixel(scores!, 70, 10));
  expect(pixel(weights!, 50, 10)).not.toEqual(pixel(scores!, 50, 10));
});

test("many stages are thinned out, shapes that do not fit are refused", () => {
  const [view] = groups().views;
  const stages = Array.from({ length: 12 }, (_, i) => ({ ...view!.stages[0]!, name: `block ${i}` }));
  const { panels } = tokenSheet(stripes(), { ...groups(), views: [{ ...view!, stages }] }, { panelSize: 80 });
  expect(panels.slice(1).map(({ title }) => title)).toEqual(
    ["block 0", "block 3", "block 6", "block 8", "block 11"].map((name) => `after ${name}`),
  );
  expect(() => tokenSheet(stripes(), groups(new Float32Array(5)))).toThrow(UsageError);
  expect(() => tokenSheet(stripes(), { ...groups(), views: [] })).toThrow(/no reduction/);
});
