import { expect, test } from "vitest";
import { createDataset } from "../dataset.ts";
import { largestThingNote, withThings } from "./largest-things.ts";

const parts = {
  ...{ labels: ["cat", "dog"], targets: Int32Array.of(0, 1, 0), origin: "from COCO annotations" },
  name: (i: number) => `${i}.png`,
  picture: (i: number) => ({ kind: "file", path: `${i}.png` }) as const,
};

test("pictures with nothing on them have no class", () => {
  const dataset = createDataset({
    ...parts,
    annotations: (i) => ({ unit: "shares", objects: i === 0 ? [] : [{ label: i % 2, box: [0, 0, 1, 1] }] }),
  });
  const kept = withThings(dataset);
  expect([...kept.targets]).toEqual([1, 0]);
  expect(kept.name(0)).toBe("1.png");
  expect(withThings(kept)).toBe(kept);
  const plain = createDataset(parts);
  expect(withThings(plain)).toBe(plain);
});

test("how many they are is said", () => {
  const line = "annotated pictures: mine learns one class a picture, that of its largest thing";
  expect(largestThingNote("mine learns", 0)).toBe(line);
  expect(largestThingNote("mine learns", 1)).toBe(`${line}; a picture without any is left out`);
  expect(largestThingNote("mine learns", 2)).toBe(`${line}; 2 pictures without any are left out`);
});
