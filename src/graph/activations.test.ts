import { expect, test } from "vitest";
import { tensor } from "../tensor.ts";
import { measureActivations } from "./activations.ts";
import { add, constant, gemm, mul, relu, reshape, transpose } from "./build.ts";
import { trace } from "./scope.ts";

const SIZES = new Map([["batch", 2]]);
const measure = (build: Parameters<typeof trace>[0]) => measureActivations(trace(build), SIZES);

test("a chain holds two values at a time; the total has them all", () => {
  const { peakBytes, totalBytes, peakAt } = measure(({ graph }) => {
    const x = graph.input("x", ["batch", 10]); // 80 bytes
    return { y: relu(transpose(relu(x), [1, 0])) };
  });
  expect(peakBytes).toBe(160);
  expect(totalBytes).toBe(4 * 80);
  expect(peakAt?.op).toBe("relu");
});

test("what a later op reads stays alive", () => {
  const { peakBytes } = measure(({ graph }) => {
    const x = graph.input("x", ["batch", 10]);
    const a = relu(x);
    const b = transpose(a, [1, 0]);
    const c = relu(b);
    return { y: add(a, transpose(c, [1, 0])) }; // a is alive beside b and c, and beside c's transpose and the sum
  });
  expect(peakBytes).toBe(3 * 80);
});

test("outputs stay until the end, and every element type counts its own bytes", () => {
  const { peakBytes } = measure(({ graph }) => {
    const x = graph.input("x", ["batch", 10], "uint8"); // 20 bytes
    const first = relu(graph.input("z", ["batch", 1])); // 8 bytes each
    return { first, second: add(x, x) };
  });
  // x, z and first; then x, first and second.
  expect(peakBytes).toBe(20 + 8 + 20);
});

test("a reshape is a view: it takes no memory of its own and keeps what it looks at", () => {
  const { peakBytes, totalBytes } = measure(({ graph }) => {
    const x = graph.input("x", ["batch", 10]);
    const a = relu(x);
    const view = reshape(a, [10, "batch"]);
    const b = relu(transpose(view, [1, 0]));
    return { y: mul(reshape(view, ["batch", 5, 2]), reshape(b, ["batch", 5, 2])) };
  });
  expect(totalBytes).toBe(5 * 80);
  expect(peakBytes).toBe(3 * 80);
});

test("weights, and what depends on weights alone, are no activations", () => {
  const { totalBytes } = measure(({ graph }) => {
    const w = relu(graph.parameter("w", [10, 100], { kind: "zeros" }));
    const b = constant(graph, tensor("float32", [100], new Float32Array(100)));
    return { y: gemm(graph.input("x", ["batch", 10]), w, b) };
  });
  expect(totalBytes).toBe(2 * 10 * 4 + 2 * 100 * 4);
});
