import { expect, test } from "vitest";
import { syntheticPicture } from "./picture.ts";

test("the same for the same seed, another one for another", () => {
  const picture = syntheticPicture(40, 24, 3);
  expect([picture.width, picture.height, picture.data.length]).toEqual([40, 24, 40 * 24 * 3]);
  expect(syntheticPicture(40, 24, 3).data).toEqual(picture.data);
  expect(syntheticPicture(40, 24, 4).data).not.toEqual(picture.data);
});

test("neighbours are alike, as in photographs, and colours go far apart", () => {
  const { data } = syntheticPicture(256, 256, 0);
  let difference = 0;
  for (let i = 3; i < data.length; i++) difference += Math.abs(data[i]! - data[i - 3]!);
  expect(difference / data.length).toBeLessThan(12);
  const sorted = data.toSorted();
  expect(sorted.at(-1)! - sorted[0]!).toBeGreaterThan(100);
});
