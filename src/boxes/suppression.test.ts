import { expect, test } from "vitest";
import type { Box } from "./box.ts";
import { softSuppress, suppress } from "./suppression.ts";

const at = (x: number, score: number, index = 0) => ({ box: [x, 0, x + 10, 10] as Box, score, index });

test("the surest of a class stays, class by class, best first", () => {
  const candidates = [at(0, 0.5), at(1, 0.9), at(1, 0.7, 1), at(30, 0.2)];
  expect(suppress(candidates, 0.5).map(({ score }) => score)).toEqual([0.9, 0.7, 0.2]);
  expect(suppress(candidates, 0.95).map(({ score }) => score)).toEqual([0.9, 0.7, 0.5, 0.2]);
  expect(suppress(candidates, 0.5, 1)).toEqual([at(1, 0.9)]);
  expect(suppress([at(0, 0.5), at(0, 0.5)], 0.5)).toHaveLength(1);
});

test("softly, what overlaps loses score by how much it does", () => {
  const kept = softSuppress([at(0, 0.5), at(1, 0.9), at(1, 0.7, 1)]);
  expect(kept.map(({ index }) => index)).toEqual([0, 1, 0]);
  const overlap = 90 / 110;
  expect(kept[2]!.score).toBeCloseTo(0.5 * Math.exp(-(overlap ** 2) / 0.5), 12);
  expect(softSuppress([at(0, 0.9), at(0, 0.005)])).toHaveLength(1);
});
