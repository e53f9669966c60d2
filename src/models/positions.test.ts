import { expect, test } from "vitest";
import { tensor, toFloat32 } from "../tensor.ts";
import { resamplePositions } from "./positions.ts";

const table = (rows: number, width: number, value: (row: number, column: number) => number) =>
  tensor(
    "float32",
    [1, rows, width],
    Float32Array.from({ length: rows * width }, (_, i) => value(Math.floor(i / width), i % width)),
  );

test("a table of the right size, or of no square, is given back as it is", () => {
  const square = table(1 + 9, 2, (row) => row);
  expect(resamplePositions(square, 1, { height: 3, width: 3 })).toBe(square);
  const oblong = table(1 + 6, 2, (row) => row);
  expect(resamplePositions(oblong, 1, { height: 4, width: 4 })).toBe(oblong);
});

test("prefix tokens are kept, and what is the same everywhere stays so", () => {
  const resampled = resamplePositions(
    table(2 + 16, 3, (row, column) => (row < 2 ? -row - column : 10 + column)),
    2,
    { height: 3, width: 7 },
  );
  expect(resampled.shape).toEqual([1, 2 + 21, 3]);
  const values = toFloat32(resampled);
  expect([...values.slice(0, 6)]).toEqual([-0, -1, -2, -1, -2, -3]);
  for (let row = 2; row < 23; row++)
    for (let column = 0; column < 3; column++) expect(values[row * 3 + column]).toBeCloseTo(10 + column, 5);
});

test("a slope keeps its direction: rows and columns are not exchanged", () => {
  const slope = table(16, 1, (row) => Math.floor(row / 4));
  const resampled = toFloat32(resamplePositions(slope, 0, { height: 8, width: 3 }));
  for (let row = 0; row < 8; row++) {
    expect(resampled[3 * row]).toBeCloseTo(resampled[3 * row + 2]!, 6);
    if (row > 0) expect(resampled[3 * row]!).toBeGreaterThan(resampled[3 * (row - 1)]!);
  }
});
