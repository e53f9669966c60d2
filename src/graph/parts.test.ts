import { expect, test } from "vitest";
import { add, gemm, relu } from "./build.ts";
import { choosePartPaths, nodePaths, sumByPart } from "./parts.ts";
import { trace } from "./scope.ts";

test("glue belongs to the layer that ran before it", () => {
  const graph = trace((scope) => {
    const x = scope.graph.input("x", ["batch", 4]);
    const weight = scope.at("b").parameter("weight", [4, 4], { kind: "zeros" });
    const early = add(x, 1);
    const a = scope.at("a").run(() => relu(x));
    const b = scope.at("b").run(() => gemm(a, weight));
    return { y: add(b, early) };
  });
  const paths = nodePaths(graph.needed());
  const of = (op: string) => [...paths].filter(([node]) => node.op === op).map(([, path]) => path);
  expect(of("relu")).toEqual(["a"]);
  expect(of("gemm")).toEqual(["b"]);
  expect(of("add")).toEqual(["", "b"]);
});

test("lists are opened, and what holds more than three quarters", () => {
  const entries = [
    ["stem.conv", 10],
    ["blocks.0.attn", 20],
    ["blocks.0.mlp.fc1", 20],
    ["blocks.1.mlp", 45],
    ["head", 5],
  ] as const;
  expect(choosePartPaths(entries)).toEqual(["stem", "blocks.0", "blocks.1", "head"]);
  expect(choosePartPaths(entries, 1)).toEqual(["stem", "blocks", "head"]);
  expect(choosePartPaths(entries, 3)).toEqual(["stem.conv", "blocks.0.attn", "blocks.0.mlp", "blocks.1.mlp", "head"]);
});

test("several lists of layers stay whole", () => {
  const layers = (["layer1.0", "layer1.1", "layer2.0", "layer2.1", "fc"] as const).map((path) => [path, 20] as const);
  expect(choosePartPaths(layers)).toEqual(["layer1", "layer2", "fc"]);
});

test("a layer is not opened for the sake of weights that cost nothing", () => {
  expect(
    choosePartPaths([
      ["stem", 90],
      ["stem.conv", 0],
      ["head", 10],
    ]),
  ).toEqual(["stem", "head"]);
});

test("one long chain of names is opened down to its end, and an entry of the whole stays", () => {
  expect(choosePartPaths([["a.b.c", 1]])).toEqual(["a.b.c"]);
  expect(
    choosePartPaths([
      ["a", 1],
      ["a.b", 60],
      ["a.c", 39],
    ]),
  ).toEqual(["a", "a.b", "a.c"]);
  expect(choosePartPaths([])).toEqual([]);
  expect(
    choosePartPaths([
      ["", 1],
      ["a", 1],
    ]),
  ).toEqual(["", "a"]);
});

test("sums go to the longest part that a path begins with, name by name", () => {
  const sums = sumByPart(
    ["layers.1", "layers.10", "layers.1.norm"],
    [
      ["layers.1.attn", 1],
      ["layers.10.attn", 2],
      ["layers.1.norm", 4],
      ["layers", 8],
      ["", 16],
    ],
  );
  expect(Object.fromEntries(sums)).toEqual({ "layers.1": 1, "layers.10": 2, "layers.1.norm": 4, "": 24 });
});
