import { expect, test } from "vitest";
import { findOddities } from "./oddities.ts";
import { type PictureFacts, pictureFacts } from "./picture-facts.ts";

const picture = (width: number, height: number, at: (x: number, y: number) => readonly number[]) => ({
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return at(pixel % width, Math.floor(pixel / width))[i % 3]!;
  }),
});

test("facts of a picture: size, colour, how far its spots are apart", () => {
  const red = pictureFacts(picture(40, 30, () => [200, 10, 10]));
  expect(red).toMatchObject({ width: 40, height: 30, isGrey: false, range: 0 });
  const ramp = pictureFacts(picture(64, 64, (x) => [4 * x, 4 * x, 4 * x]));
  expect(ramp.isGrey).toBe(true);
  expect(ramp.range).toBeGreaterThan(200);
  expect(ramp.thumbnail[0]).toBeLessThan(ramp.thumbnail[31]!);
});

const usual: PictureFacts = {
  width: 400,
  height: 300,
  isGrey: false,
  range: 200,
  thumbnail: new Uint8Array(1024),
};

test("odd pictures are told by kind; what all pictures share is not odd", () => {
  const facts = [
    ...Array.from({ length: 20 }, () => usual),
    { ...usual, range: 3 },
    { ...usual, width: 12, height: 9 },
    { ...usual, width: 2000, height: 250 },
    { ...usual, isGrey: true },
    { ...usual, width: 4000, height: 3000 },
  ];
  expect(findOddities(facts).map(({ picture, kind }) => [picture, kind])).toEqual([
    [20, "blank"],
    [21, "tiny"],
    [22, "strip"],
    [23, "grey"],
    [24, "large"],
  ]);
  const grey = facts.map((one) => ({ ...one, isGrey: true }));
  expect(findOddities(grey).some(({ kind }) => kind === "grey")).toBe(false);
  const long = Array.from({ length: 9 }, () => ({ ...usual, width: 2000, height: 250 }));
  expect(findOddities(long)).toEqual([]);
  expect(findOddities([])).toEqual([]);
});
