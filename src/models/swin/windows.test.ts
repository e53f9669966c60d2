import { expect, test } from "vitest";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { Graph } from "../../graph/tensor.ts";
import { relativePositions, shiftMask } from "../../nn/shifted-windows.ts";
import { bySquare } from "../../nn/windows.ts";
import { toFloat64 } from "../../tensor.ts";

const extent = (height: number, width: number) => ({ height, width });

test("squares are listed column by column", () => {
  expect([...bySquare(extent(3, 4))]).toEqual([0, 4, 1, 5, 2, 6, 3, 7, 8, -1, 9, -1, 10, -1, 11, -1]);
});

test.each([
  [extent(6, 9), extent(3, 3), extent(1, 1)],
  [extent(5, 7), extent(3, 2), extent(1, 1)],
  [extent(4, 10), extent(4, 4), extent(0, 2)],
  [extent(10, 4), extent(4, 4), extent(2, 0)],
  [extent(8, 8), extent(4, 4), extent(2, 2)],
  [extent(8, 8), extent(4, 4), extent(1, 1)],
])("the mask of a map %o in windows %o shifted by %o keeps apart what is in different parts", (map, window, shift) => {
  const graph = new Graph();
  graph.output("mask", shiftMask(graph, map, window, shift));
  const mask = interpret(graph, { inputs: {}, parameters: new Map() }).get("mask")!;
  // The parts of one axis: whole windows, then of the last window what precedes the shift, then the shift.
  const part = (at: number, padded: number, side: number, by: number) =>
    by === 0 || at < padded - side ? 0 : at < padded - by ? 1 : 2;
  const rows = Math.ceil(map.height / window.height);
  const columns = Math.ceil(map.width / window.width);
  const expected: number[] = [];
  for (let w = 0; w < rows * columns; w++) {
    const parts: string[] = [];
    for (let y = 0; y < window.height; y++)
      for (let x = 0; x < window.width; x++) {
        const row = Math.floor(w / columns) * window.height + y;
        const column = (w % columns) * window.width + x;
        const down = part(row, rows * window.height, window.height, shift.height);
        parts.push(`${down} ${part(column, columns * window.width, window.width, shift.width)}`);
      }
    for (const a of parts) for (const b of parts) expected.push(a === b ? 0 : -1e4);
  }
  expect(mask.shape).toEqual([rows * columns, 1, window.height * window.width, window.height * window.width]);
  expect([...toFloat64(mask)]).toEqual(expected);
});

test("cells that lie to each other in the same way share a row of the table", () => {
  const index = [...toFloat64(relativePositions(extent(2, 3)))];
  expect(new Set(index).size).toBe(3 * 5);
  expect(index[0]).toBe(7); // a cell with itself: the middle of the table
  expect(index[1]).toBe(index[8]); // one to the right
  expect(index[3]).toBe(index[10]); // one down
});
