import { expect, test } from "vitest";
import { createPicture } from "../image/draw.ts";
import { gazeSheet } from "../image/explain.ts";
import { assertWellFormed } from "./report/well-formed.test-helper.ts";
import { sheetHtml, sheetSvg } from "./sheet-page.ts";

const headline = [
  "Größe <b> & 犬 🐶 83 %",
  `${"a class with a name that no sheet has room for ".repeat(5)}9.7 %`,
  "\u001b[31m",
];
const stage = (name: string) => ({
  name,
  tokens: 1,
  regions: Float32Array.of(0.2, 0.2, 0.8, 0.8),
  pointsPerToken: 1,
  points: Float32Array.of(0.5, 0.5),
});
const panorama = { scaleX: 0.2, scaleY: 1, offsetX: 0.4, offsetY: 0 };
const sheet = (width: number, height: number) =>
  gazeSheet(
    createPicture(width, height, [9, 9, 9]),
    { stages: ["look 1 of 3", "look 2 of 3", "look 3 of 3"].map(stage), viewToPicture: panorama },
    { headline },
  );
const encodePng = async () => Uint8Array.of(1, 2, 3);

test.each([
  ["SVG", sheetSvg],
  ["HTML", sheetHtml],
])("%s holds every label as text, whatever it is written in", async (_kind, write) => {
  const text = await write(sheet(400, 300), encodePng);
  assertWellFormed(text);
  expect(text).toContain("Größe &lt;b&gt; &amp; 犬 🐶 83 %");
  expect(text).toContain("only 20 % of the picture was seen");
  expect(text).toContain("look 3 of 3");
  expect(text.match(/data:image\/png;base64,AQID/g)).toHaveLength(4);
  expect(text).not.toContain("\u001b");
});

test.each([
  [400, 300],
  [300, 400],
  [3000, 300],
  [100, 2000],
  [1, 1],
])("text of a %i x %i picture's SVG can be read on a telephone, and lies inside", async (width, height) => {
  const text = await sheetSvg(sheet(width, height), encodePng);
  const sheetWidth = Number(/width="(\d+)"/.exec(text)![1]);
  const sizes = [...text.matchAll(/font-size="([\d.]+)"/g)].map(([, size]) => Number(size));
  expect(sizes.length).toBeGreaterThan(8);
  // 360 pixels wide.
  expect((Math.min(...sizes) / sheetWidth) * 360).toBeGreaterThan(5.5);
  const most = [...text.matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)].map(
    ([, x, w]) => Number(x) + Number(w),
  );
  expect(Math.max(...most)).toBeLessThan(sheetWidth);
  expect(text).toContain("… 9.7 %"); // the long label is cut off, not its score
});
