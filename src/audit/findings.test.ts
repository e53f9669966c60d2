import { expect, test } from "vitest";
import type { SplitName } from "../data/samples.ts";
import { RandomSource } from "../random.ts";
import { findAll } from "./audit.ts";
import { mapFeatures } from "./embedding-map.ts";
import { foldsOf } from "./held-out.ts";
import { checkLabels } from "./label-errors.ts";
import { findOutliers } from "./outliers.ts";
import type { PictureSet } from "./picture-set.ts";
import { chooseNext } from "./unlabelled.ts";

const WIDTH = 12;
const CLASSES = ["ant", "bee", "cat"];

/** Rows of length 1 about a direction a class. */
function around(random: RandomSource, label: number, spread: number): number[] {
  const values = Array.from({ length: WIDTH }, (_, i) => (i === label ? 1 : 0) + spread * random.normal());
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

function makeSet(perClass: number, flipped: ReadonlySet<number> = new Set()): PictureSet {
  const random = new RandomSource(5);
  const labels = Array.from({ length: perClass * CLASSES.length }, (_, i) => i % CLASSES.length);
  const rows = labels.map((label) => around(random, label, 0.25));
  const pictures = labels.map((label, i) => ({
    name: `${i}.jpg`,
    split: (i % 5 === 0 ? "validation" : "train") as SplitName,
    label: flipped.has(i) ? (label + 1) % CLASSES.length : label,
    hash: String(i),
    item: i,
    facts: {
      width: 64,
      height: 64,
      isGrey: false,
      range: 99,
      thumbnail: Uint8Array.from({ length: 1024 }, () => random.integer(256)),
    },
  }));
  const features = { rows: rows.length, width: WIDTH, data: Float32Array.from(rows.flat()) };
  return { pictures, features, unreadable: [] };
}

test("flipped labels are the first suggestions, with the label that they had", async () => {
  const flipped = new Set([3, 17, 40, 77, 101, 118]);
  const { labels, duplicates, balance } = await findAll(makeSet(40, flipped), CLASSES, { seed: 1 });
  expect(new Set(labels!.doubts.slice(0, flipped.size).map(({ picture }) => picture))).toEqual(flipped);
  for (const { picture, suggested } of labels!.doubts.slice(0, flipped.size)) expect(suggested).toBe(picture % 3);
  expect(labels!.estimated).toBeGreaterThanOrEqual(flipped.size);
  expect(labels!.estimated).toBeLessThan(12);
  expect(duplicates).toEqual([]);
  expect(balance.splits).toEqual(["train", "validation"]);
});

test("what cannot be checked is said, not guessed: one class, few pictures, features that are none", async () => {
  const set = makeSet(8);
  const one = { ...set, pictures: set.pictures.map((picture) => ({ ...picture, label: 0 })) };
  expect((await findAll(one, CLASSES, { seed: 0 })).labels).toBeUndefined();
  const lone = { ...set, pictures: set.pictures.map((picture, i) => (i === 0 ? { ...picture, label: 3 } : picture)) };
  const { labels, balance } = await findAll(lone, [...CLASSES, "dog"], { seed: 0 });
  expect(labels!.unchecked).toEqual([3]);
  expect(labels!.doubts.every(({ picture, suggested }) => picture !== 0 && suggested !== 3)).toBe(true);
  expect(balance.missing).toEqual([{ split: "train", labels: ["dog"] }]);
  expect(balance.few).toEqual([...CLASSES, "dog"]);
  const data = set.features.data.slice();
  data[4] = Number.NaN;
  await expect(findAll({ ...set, features: { ...set.features, data } }, CLASSES, { seed: 0 })).rejects.toThrow(
    "row 0 of the features has NaN",
  );
});

test("confident learning counts as in its paper: off the diagonal, scaled to the labels", () => {
  // Thresholds are 0.6 and 0.7: the last picture of each class is sure of the other one.
  const probabilities = Float64Array.of(0.9, 0.1, 0.7, 0.3, 0.2, 0.8, 0.1, 0.9, 0.2, 0.8, 0.6, 0.4);
  const { estimated, doubts } = checkLabels({
    pictures: Int32Array.of(10, 11, 12, 13, 14, 15),
    targets: Int32Array.of(0, 0, 0, 1, 1, 1),
    probabilities,
    classes: 2,
  });
  expect(estimated).toBe(2);
  expect(doubts.map(({ picture, suggested }) => [picture, suggested])).toEqual([
    [12, 1],
    [15, 0],
  ]);
});

test("copies are held out together, unless their class would have nothing to learn from", () => {
  const targets = Int32Array.from({ length: 30 }, (_, i) => (i < 20 ? 0 : i < 27 ? 1 : 2));
  const folds = foldsOf(targets, 3, 4, [
    [0, 7, 13],
    [2, 21],
    [27, 28, 29],
  ]);
  expect(new Set([folds[0], folds[7], folds[13]]).size).toBe(1);
  expect(folds[2]).toBe(folds[21]);
  expect(new Set([...folds.subarray(27)]).size).toBeGreaterThan(1);
});

test("outliers are far from their class, or from everything", () => {
  const random = new RandomSource(1);
  const usual = () => 0.8 + 0.02 * random.normal();
  const nearest = Float32Array.from({ length: 40 }, usual);
  const own = Float32Array.from({ length: 40 }, usual);
  nearest[7] = own[7] = 0.1;
  own[11] = 0.3;
  own[3] = Number.NaN;
  const targets = Int32Array.from({ length: 40 }, (_, i) => i % 2);
  expect(findOutliers({ targets, nearest, own }).map(({ picture, from }) => [picture, from])).toEqual([
    [7, "all"],
    [11, "class"],
  ]);
});

test("next to label are unsure pictures that are unlike what is labelled, with the two classes they may be of", async () => {
  const set = makeSet(10);
  const { labels } = await findAll(set, CLASSES, { seed: 0 });
  const unit = (values: number[]) => values.map((value) => value / Math.hypot(...values));
  const at = (...ones: number[]) => unit(Array.from({ length: WIDTH }, (_, i) => Number(ones.includes(i))));
  const pool = [at(0), at(1, 2), at(2)];
  const features = { rows: 3, width: WIDTH, data: Float32Array.from(pool.flat()) };
  const [next, ...others] = chooseNext(set, labels!, { ...set, features }, 1);
  expect(others).toEqual([]);
  expect(next!.picture).toBe(1);
  expect([...next!.likeliest].sort()).toEqual([1, 2]);
});

test("the map keeps classes together, and is the same for the same seed", async () => {
  const { features, pictures } = makeSet(12);
  const map = await mapFeatures(features, { seed: 3 });
  expect(await mapFeatures(features, { seed: 3 })).toEqual(map);
  expect(map.every((value) => value >= 0 && value <= 1)).toBe(true);
  const distance = (a: number, b: number) => Math.hypot(map[2 * a]! - map[2 * b]!, map[2 * a + 1]! - map[2 * b + 1]!);
  const nearestLabels = pictures.map((_, i) => {
    const others = [...pictures.keys()].filter((other) => other !== i).sort((a, b) => distance(i, a) - distance(i, b));
    return pictures[others[0]!]!.label === pictures[i]!.label;
  });
  expect(nearestLabels.filter(Boolean).length).toBeGreaterThan(30);
  for (const rows of [1, 2, 5])
    expect(
      (await mapFeatures({ ...features, rows, data: features.data.slice(0, rows * WIDTH) }, { seed: 0 })).length,
    ).toBe(2 * rows);
});
