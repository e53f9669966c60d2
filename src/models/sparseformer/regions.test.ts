import { expect, test } from "vitest";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { trace } from "../../graph/scope.ts";
import { tensor, toFloat32 } from "../../tensor.ts";
import { adjustRegions, cornersOfRegions, gridRegions, inflateRegions, regionsFromCorners } from "./regions.ts";

const rows = (values: Float32Array, width: number) =>
  Array.from({ length: values.length / width }, (_, i) => [...values.subarray(i * width, (i + 1) * width)]);

test("the official start: a square grid of half-size regions, what is left over sees everything", () => {
  expect(rows(gridRegions(5), 4)).toEqual([
    [0, 0, 0.5, 0.5],
    [0, 0.5, 0.5, 1],
    [0.5, 0, 1, 0.5],
    [0.5, 0.5, 1, 1],
    [0, 0, 1, 1],
  ]);
  expect(rows(gridRegions(1), 4)).toEqual([[0.25, 0.25, 0.75, 0.75]]);
});

test("inflation repeats regions along time, each with its slice", () => {
  expect(rows(inflateRegions(Float32Array.of(0, 0.25, 0.5, 1), 2), 6)).toEqual([
    [0, 0.25, 0, 0.5, 1, 0.5],
    [0, 0.25, 0.5, 0.5, 1, 1],
  ]);
});

test("adjusting shifts by shares of the size and scales by exp; a flipped region counts with its extent", () => {
  const graph = trace(({ graph }) => {
    const regions = regionsFromCorners(graph.input("corners", [1, 2, 4]), 2);
    return { adjusted: cornersOfRegions(adjustRegions(regions, graph.input("adjustment", [1, 2, 4]))) };
  });
  const outputs = interpret(graph, {
    inputs: {
      corners: tensor("float32", [1, 2, 4], Float32Array.of(0.2, 0.2, 0.6, 0.4, 0.6, 0.4, 0.2, 0.2)),
      adjustment: tensor("float32", [1, 2, 4], Float32Array.of(0.5, -1, Math.log(2), 0, 0.5, -1, Math.log(2), 0)),
    },
    parameters: new Map(),
  });
  // centre (0.4, 0.3) and size (0.4, 0.2) become centre (0.6, 0.1) and size (0.8, 0.2), for both.
  const expected = [0.2, 0, 1, 0.2];
  for (const row of rows(toFloat32(outputs.get("adjusted")!), 4)) {
    for (const [i, value] of row.entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  }
});
