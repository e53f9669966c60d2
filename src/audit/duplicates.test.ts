import { expect, test } from "vitest";
import { RandomSource } from "../random.ts";
import { type ComparedPicture, findDuplicates, isSamePicture, neighbourPairs } from "./duplicates.ts";
import { findNeighbours } from "./neighbourhood.ts";
import { THUMBNAIL_SIDE as SIDE } from "./picture-facts.ts";

/** Soft blobs: a picture that changes smoothly, as photographs do. */
function scene(seed: number): (x: number, y: number) => number {
  const random = new RandomSource(seed);
  const blobs = Array.from({ length: 12 }, () => [random.uniform(), random.uniform(), random.between(-120, 120)]);
  return (x, y) =>
    blobs.reduce((sum, [bx, by, weight]) => sum + weight! * Math.exp(-30 * ((x - bx!) ** 2 + (y - by!) ** 2)), 128);
}

type Place = (x: number, y: number) => readonly [number, number];

function thumbnail(seed: number, place: Place = (x, y) => [x, y], light = (value: number) => value): Uint8Array {
  const at = scene(seed);
  return Uint8Array.from({ length: SIDE * SIDE }, (_, i) => {
    const value = light(at(...place(((i % SIDE) + 0.5) / SIDE, (Math.floor(i / SIDE) + 0.5) / SIDE)));
    return Math.min(255, Math.max(0, Math.round(value)));
  });
}

test.each<[string, Uint8Array]>([
  ["lighter", thumbnail(1, undefined, (value) => 0.8 * value + 30)],
  ["mirrored", thumbnail(1, (x, y) => [1 - x, y])],
  ["cropped", thumbnail(1, (x, y) => [0.05 + 0.9 * x, 0.1 + 0.9 * y])],
  ["mirrored and cropped", thumbnail(1, (x, y) => [0.9 * (1 - x), 0.05 + 0.9 * y])],
])("a picture %s is the same picture, either way round", (_, other) => {
  expect(isSamePicture(thumbnail(1), other, 0.1)).toBe(true);
  expect(isSamePicture(other, thumbnail(1), 0.1)).toBe(true);
});

test("other pictures are not, however near their features; nor are the same pixels with features that have nothing in common", () => {
  for (let other = 2; other < 30; other++) expect(isSamePicture(thumbnail(1), thumbnail(other), 0.05)).toBe(false);
  expect(isSamePicture(thumbnail(1), thumbnail(1), 0.9)).toBe(false);
  const blank = new Uint8Array(SIDE * SIDE).fill(250);
  expect(isSamePicture(blank, blank, 0.1)).toBe(false);
});

const picture = (seed: number, hash: string, label = 0, split: ComparedPicture["split"] = "train") => ({
  label,
  split,
  hash,
  thumbnail: thumbnail(seed),
});

test("groups: the same bytes without a look, near pictures after one; what has two labels or splits comes first", () => {
  const pictures = [
    picture(1, "a"),
    picture(1, "b"),
    picture(2, "c"),
    picture(2, "c", 1),
    picture(3, "d"),
    picture(3, "e", 0, "validation"),
    picture(4, "f"),
  ];
  const pairs = [
    [0, 1, 0.95],
    [4, 5, 0.95],
    [0, 4, 0.95],
    [0, 6, 0.2],
  ] as const;
  expect(findDuplicates(pictures, pairs, 0.3)).toEqual([
    { pictures: [2, 3], kind: "exact", isConflict: true, isLeak: false },
    { pictures: [4, 5], kind: "near", isConflict: false, isLeak: true },
    { pictures: [0, 1], kind: "near", isConflict: false, isLeak: false },
  ]);
});

test("neighbours come once a pair, and are the nearest", async () => {
  const data = Float32Array.of(1, 0, 0.8, 0.6, 0.6, 0.8, -1, 0);
  const near = await findNeighbours(
    { rows: 4, width: 2, data },
    { k: 2, targets: Int32Array.of(0, 0, 1, 1), ownRank: 1 },
  );
  expect([...near.indices]).toEqual([1, 2, 2, 0, 1, 0, 2, 1]);
  expect([...near.own].map((value) => Number(value.toFixed(4)))).toEqual([0.8, 0.8, -0.6, -0.6]);
  expect([...neighbourPairs(near)].map(([a, b]) => [a, b])).toEqual([
    [0, 1],
    [0, 2],
    [1, 2],
    [3, 2],
    [3, 1],
  ]);
  const alone = await findNeighbours({ rows: 1, width: 2, data: Float32Array.of(1, 0) }, { k: 3 });
  expect([...alone.indices]).toEqual([-1, -1, -1]);
});
