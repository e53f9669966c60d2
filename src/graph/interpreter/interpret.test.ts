import { describe, expect, test } from "vitest";
import { type TensorData, tensor } from "../../tensor.ts";
import { add, constant, matMul, mul, reshape, sizeValue, slice, values } from "../build.ts";
import { Graph } from "../tensor.ts";
import { evaluate, interpret } from "./interpret.ts";

const floats = (shape: readonly number[], numbers: number[]) => tensor("float32", shape, Float32Array.from(numbers));

describe("interpret", () => {
  const graph = new Graph();
  const x = graph.input("x", ["batch", "2*batch", 2]);
  graph.input("other", ["batch"]);
  const weight = graph.parameter("weight", [2, 1], { kind: "zeros" });
  graph.output("y", matMul(x, weight));
  graph.output("flat", reshape(x, [-1]));
  graph.output("batch", sizeValue(graph, "2*batch + 1"));
  const parameters = new Map<string, TensorData>([["weight", floats([2, 1], [10, 1])]]);
  const input = floats([1, 2, 2], [1, 2, 3, 4]);

  test("inputs, parameters and named sizes", () => {
    const results = interpret(graph, { inputs: { x: input }, parameters });
    expect([...results.keys()]).toEqual(["y", "flat", "batch"]);
    expect(results.get("y")).toEqual(floats([1, 2, 1], [12, 34]));
    expect(results.get("flat")!.shape).toEqual([4]);
    expect(results.get("batch")).toEqual(tensor("int64", [], BigInt64Array.of(3n)));
  });

  test("only the outputs that were asked for, and only what they need", () => {
    const results = interpret(graph, { inputs: { x: input }, parameters: new Map(), outputs: ["flat"] });
    expect([...results.keys()]).toEqual(["flat"]);
  });

  test("float64 in and out", () => {
    const g = new Graph();
    g.output("sum", add(g.input("x", [1]), values(g, [], [1])));
    const inputs = { x: tensor("float64", [1], Float64Array.of(1e-12)) };
    const exact = interpret(g, { inputs, parameters: new Map(), precision: "float64" });
    expect(exact.get("sum")).toEqual(tensor("float64", [1], Float64Array.of(1 + 1e-12)));
    expect(interpret(g, { inputs, parameters: new Map() }).get("sum")).toEqual(floats([1], [1]));
  });

  test("mistakes are named", () => {
    const attempt = (inputs: Record<string, TensorData>, outputs?: string[]) => () =>
      interpret(graph, { inputs, parameters: new Map(), ...(outputs === undefined ? {} : { outputs }) });
    expect(attempt({ x: input })).toThrow('parameter "weight" was not given a value');
    expect(attempt({ other: floats([1], [0]) }, ["flat"])).toThrow('input "x" was not given a value');
    expect(attempt({ z: input })).toThrow('no input "z"');
    expect(attempt({ x: input }, ["z"])).toThrow('no output "z"');
    expect(attempt({ x: floats([2, 2], [1, 2, 3, 4]) })).toThrow("[2, 2] but was declared [batch, 2*batch, 2]");
    expect(attempt({ x: floats([1, 3, 2], [1, 2, 3, 4, 5, 6]) })).toThrow("dimension 1 must be 2");
    expect(attempt({ x: input, other: floats([2], [1, 1]) })).toThrow("dimension 0 must be 1");
    expect(attempt({ x: tensor("int32", [1, 2, 2], new Int32Array(4)) }, ["flat"])).toThrow("must be float32");
  });

  test("a result that is not what the shape rule promised is an error at its path", () => {
    const g = new Graph();
    g.currentPath = "layers.0";
    // A window that the caller vouched for, on an input that is shorter.
    g.output("window", slice(g.input("x", ["length"]), 0, 0, 3));
    const inputs = { x: floats([2], [1, 2]) };
    expect(() => interpret(g, { inputs, parameters: new Map() })).toThrow(
      "slice at layers.0: promised float32[3] = [3], computed float32[2]",
    );
  });

  test("a constant may be any dtype, and integers beyond 2^53 stay exact", () => {
    const g = new Graph();
    const big = constant(g, tensor("int64", [1], BigInt64Array.of(9007199254740993n)));
    g.output("twice", mul(big, 2));
    expect(interpret(g, { inputs: {}, parameters: new Map() }).get("twice")!.data).toEqual(
      BigInt64Array.of(18014398509481986n),
    );
  });
});

describe("evaluate", () => {
  const graph = new Graph();
  const weight = graph.parameter("weight", [2], { kind: "zeros" });
  const doubled = mul(weight, 2);
  const read = add(doubled, graph.input("x", [2]));
  const parameters = new Map([["weight", floats([2], [1, 0.1])]]);

  test("computes what weights alone decide, unrounded", () => {
    const [own, twice] = evaluate([weight, doubled], parameters);
    expect(own!.data).toEqual(Float64Array.of(1, Math.fround(0.1)));
    expect(twice).toEqual(tensor("float64", [2], Float64Array.of(2, 2 * Math.fround(0.1))));
    expect(evaluate([], parameters)).toEqual([]);
  });

  test("refuses what an input decides, and weights without values", () => {
    expect(() => evaluate([read], parameters)).toThrow('input "x" was not given a value');
    expect(() => evaluate([doubled], new Map())).toThrow('parameter "weight" was not given a value');
  });
});
