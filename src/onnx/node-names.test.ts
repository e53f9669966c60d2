import { expect, test } from "vitest";
import { add, relu } from "../graph/build.ts";
import { trace } from "../graph/scope.ts";
import { lower } from "./lower.ts";
import { nodeNames } from "./node-names.ts";

test("names as lowering gives them, in order", () => {
  const graph = trace((scope) => {
    const x = scope.graph.input("x", ["batch", 4]);
    const a = scope.at("layers", 0).run(() => relu(x));
    return { y: relu(add(a, 1)) };
  });
  expect(nodeNames(lower(graph))).toEqual(["layers.0/relu_1", "add_3", "y"]);
});

test("other bytes are refused or hold no nodes", () => {
  expect(nodeNames(new Uint8Array())).toEqual([]);
  expect(() => nodeNames(Uint8Array.of(0x3a, 0xff, 0xff))).toThrow("cannot be read");
});
