// One GRU step against torch.nn.GRU (PyTorch 2.13, float64): gates in PyTorch's order.
import { expect, test } from "vitest";
import { interpret } from "../graph/interpreter/interpret.ts";
import { Scope } from "../graph/scope.ts";
import { Graph } from "../graph/tensor.ts";
import { tensor, toFloat64 } from "../tensor.ts";
import { gruStep } from "./gru.ts";

const WIDTH = 2;
const float64 = (shape: number[], values: number[]) => tensor("float64", shape, Float64Array.from(values));
const wave = (count: number, phase: number) => Array.from({ length: count }, (_, i) => Math.sin(i + phase));

const parameters = new Map([
  ["gru.weight_ih_l0", float64([6, 3], wave(18, 0))],
  ["gru.weight_hh_l0", float64([6, 2], wave(12, 1))],
  ["gru.bias_ih_l0", float64([6], wave(6, 2))],
  ["gru.bias_hh_l0", float64([6], wave(6, 3))],
]);
const x = float64([2, 3], wave(6, 4));

function step(hidden?: number[]): number[] {
  const graph = new Graph();
  const before = hidden === undefined ? undefined : graph.input("hidden", [2, WIDTH]);
  graph.output("next", gruStep(new Scope(graph).at("gru"), graph.input("x", [2, 3]), before, WIDTH));
  const inputs = { x, ...(hidden === undefined ? {} : { hidden: float64([2, WIDTH], hidden) }) };
  return [...toFloat64(interpret(graph, { inputs, parameters, precision: "float64" }).get("next")!)];
}

const rounded = (values: number[]) => values.map((value) => Number(value.toFixed(9)));

test("from a hidden state", () => {
  expect(rounded(step(wave(4, 5)))).toEqual([-0.525344789, 0.760796982, 0.537744615, 0.60114597]);
});

test("from nothing: zeros", () => {
  expect(rounded(step())).toEqual([-0.204167731, 0.579886843, 0.458817525, 0.443112626]);
  expect(rounded(step())).toEqual(rounded(step([0, 0, 0, 0])));
});
