// What is seen of a map, and what a layer's scope says of it.
import { expect, test } from "vitest";
import { interpret } from "../graph/interpreter/interpret.ts";
import { Scope } from "../graph/scope.ts";
import { Graph } from "../graph/tensor.ts";
import { tensor } from "../tensor.ts";
import { meanOverSeen, overMap, seenPart } from "./visible.ts";

const VISIBLE = tensor("float32", [1, 1, 2, 1], Float32Array.of(1, 0));
const MAP = tensor("float32", [1, 1, 4, 2], Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));

test("hidden places are zeros, and no part of means", () => {
  const graph = new Graph();
  const x = graph.input("x", [1, 1, 4, 2]);
  const scope = new Scope(graph).seeingOnly(graph.input("visible", [1, 1, 2, 1])).at("some", "layer");
  graph.output("places", overMap(scope.visible!, x));
  graph.output("seen", seenPart(scope, x));
  graph.output("mean", meanOverSeen(scope, x));
  const outputs = interpret(graph, { inputs: { x: MAP, visible: VISIBLE }, parameters: new Map() });
  expect([...outputs.get("places")!.data]).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
  expect([...outputs.get("seen")!.data]).toEqual([1, 2, 3, 4, 0, 0, 0, 0]);
  expect([...outputs.get("mean")!.data]).toEqual([2.5]);
});

test("where everything is seen, nothing is added; patches that do not fit a map are refused", () => {
  const graph = new Graph();
  const x = graph.input("x", [1, 1, 5, 2]);
  const scope = new Scope(graph);
  expect(seenPart(scope, x)).toBe(x);
  expect(() => seenPart(scope.seeingOnly(graph.input("visible", [1, 1, 2, 1])), x)).toThrow(/5 x 2 cells .* 2 x 1/);
});
