// Crops: what an action means, and what is read.
import { expect, test } from "vitest";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { trace } from "../../graph/scope.ts";
import { tensor, toFloat64 } from "../../tensor.ts";
import { cropOf, cropRegion, readCrop } from "./crop.ts";

const EXTENTS = { smallest: 0.25, largest: 1 };

function run(action: readonly number[], size: number, picture: (y: number, x: number) => number, side = 8) {
  const graph = trace((scope) => {
    const crop = cropOf(scope.graph.input("action", ["clips", 4]), EXTENTS);
    return {
      region: cropRegion(crop),
      read: readCrop(scope.graph.input("picture", ["clips", 1, side, side]), crop, size),
    };
  });
  const pixels = Float32Array.from({ length: side * side }, (_, i) => picture(Math.floor(i / side), i % side));
  const outputs = interpret(graph, {
    inputs: {
      action: tensor("float32", [1, 4], Float32Array.from(action)),
      picture: tensor("float32", [1, 1, side, side], pixels),
    },
    parameters: new Map(),
  });
  return { region: [...toFloat64(outputs.get("region")!)], read: [...toFloat64(outputs.get("read")!)] };
}

test("row before column, height before width; regions are x1, y1, x2, y2", () => {
  expect(run([0, 1, 0, 1], 2, () => 0).region).toEqual([0, 0, 1, 0.25]);
  const { region } = run([0.5, 1, 0, 1 / 3], 2, () => 0);
  [0.5, 0.375, 1, 0.625].forEach((value, i) => {
    expect(region[i]).toBeCloseTo(value, 6);
  });
});

test("a crop of whole pixels, read once a pixel, is those pixels", () => {
  // A quarter of 8 pixels: rows 3 and 4 (half of the room of 6), columns 6 and 7.
  expect(run([0.5, 1, 0, 0], 2, (y, x) => 10 * y + x).read).toEqual([36, 37, 46, 47]);
});

test("the whole picture, read once for every four pixels", () => {
  expect(run([0.3, 0.7, 1, 1], 4, (y, x) => 10 * y + x).read.slice(0, 5)).toEqual([5.5, 7.5, 9.5, 11.5, 25.5]);
});

test("an enlarged crop at the edge reads half a pixel of nothing", () => {
  // Two pixels as four: the outermost places are a quarter of a pixel over the edge.
  const { read } = run([0, 0, 0, 0], 4, () => 1);
  expect(read.slice(0, 4)).toEqual([0.75 * 0.75, 0.75, 0.75, 0.75].map((value) => expect.closeTo(value, 6)));
  expect(read.slice(4, 8)).toEqual([0.75, 1, 1, 1].map((value) => expect.closeTo(value, 6)));
});
