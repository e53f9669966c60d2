import { describe, expect, test } from "vitest";
import { RandomSource } from "../../random.ts";
import { LARGEST, MOTION_KINDS, motionLabels, SMALLEST, tell } from "./motions.ts";

const FRAMES = 12;
const CLIPS = 3000;
const BINS = 8;
const labels = motionLabels(MOTION_KINDS);

/** What a single frame shows, each part as a number in 0..1. */
const PARTS: Readonly<Record<string, (thing: ReturnType<typeof tell>[number][number]) => number>> = {
  x: ({ x }) => x - Math.floor(x),
  y: ({ y }) => y - Math.floor(y),
  angle: ({ angle }) => {
    const turns = angle / (2 * Math.PI);
    return turns - Math.floor(turns);
  },
  size: ({ size }) => Math.log(size / SMALLEST) / Math.log(LARGEST / SMALLEST),
  grey: ({ isGrey }) => (isGrey ? 0.75 : 0.25),
};

/** One frame of each of many clips of a class. */
const frames = new Map(
  labels.map((label) => {
    const random = new RandomSource(3, label);
    return [label, Array.from({ length: CLIPS }, () => tell(label, FRAMES, random)[random.integer(FRAMES)]!)];
  }),
);

/** Pearson's statistic of counts that should be equal. */
function chiSquare(counts: readonly number[]): number {
  const mean = counts.reduce((a, b) => a + b, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
}

describe("a single frame shows the same in every class", () => {
  test.each(labels)("%s", (label) => {
    const shown = frames.get(label)!;
    const two = shown.filter((things) => things.length === 2).length;
    expect(shown.every(({ length }) => length === 1 || length === 2)).toBe(true);
    expect(Math.abs(two / CLIPS - 0.5)).toBeLessThan(0.04);
    for (const [part, read] of Object.entries(PARTS)) {
      const bins = part === "grey" ? 2 : BINS;
      const counts = new Array<number>(bins).fill(0);
      // Things of one frame are independent of each other.
      for (const things of shown)
        for (const thing of things) counts[Math.min(bins - 1, Math.floor(read(thing) * bins))]! += 1;
      // 7 degrees of freedom: 1 in 100,000 is above 35.
      expect(chiSquare(counts), part).toBeLessThan(35);
    }
  });
});

test("what happens is what the label says", () => {
  const clip = (label: string) => tell(label, 8, new RandomSource(5));
  const actors = (label: string) => clip(label).map((things) => things.at(-1)!);
  const rises = (values: readonly number[]) => values.slice(1).every((value, i) => value > values[i]!);
  expect(rises(actors("moves right").map(({ x }) => x))).toBe(true);
  expect(rises(actors("moves left").map(({ x }) => -x))).toBe(true);
  expect(rises(actors("moves down").map(({ y }) => y))).toBe(true);
  expect(rises(actors("moves up").map(({ y }) => -y))).toBe(true);
  expect(rises(actors("turns clockwise").map(({ angle }) => angle))).toBe(true);
  expect(rises(actors("comes closer").map(({ size }) => size))).toBe(true);
  expect(rises(actors("goes away").map(({ size }) => -size))).toBe(true);
  expect(
    clip("appears")
      .map(({ length }) => length)
      .join(""),
  ).toMatch(/^1+2+$/);
  expect(
    clip("disappears")
      .map(({ length }) => length)
      .join(""),
  ).toMatch(/^2+1+$/);
  expect(
    actors("grey then colour")
      .map(({ isGrey, piece }) => `${isGrey ? "g" : "c"}${piece}`)
      .join(""),
  ).toMatch(/^(g0)+(c2)+$/);
  const way = (label: string) => actors(label).at(-1)!.x - actors(label)[0]!.x;
  expect(Math.abs(way("drifts quickly") / way("drifts slowly"))).toBeCloseTo(3.5);
});
