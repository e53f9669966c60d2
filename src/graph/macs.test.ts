import { expect, test } from "vitest";
import { add, conv, convTranspose, gemm, matMul, takeFirst, values } from "./build.ts";
import { countMacs } from "./macs.ts";
import { trace } from "./scope.ts";

const SIZES = new Map([["batch", 2]]);
const count = (build: Parameters<typeof trace>[0]) => countMacs(trace(build), SIZES).total;

test("products count rows x columns x inner size", () => {
  expect(count(({ graph }) => ({ y: gemm(graph.input("a", ["batch", 5]), graph.input("b", [5, 7])) }))).toBe(2 * 5 * 7);
  expect(
    count(({ graph }) => ({
      y: matMul(graph.input("a", ["batch", 3, 5, 4]), graph.input("b", [3, 6, 4]), { transposeB: true }),
    })),
  ).toBe(2 * 3 * 5 * 6 * 4);
});

test("convolutions count outputs x kernel x channels of a group, and their adjoints the same", () => {
  const grouped = ({ graph }: Parameters<Parameters<typeof trace>[0]>[0]) => ({
    y: conv(graph.input("x", ["batch", 8, 9, 9]), graph.input("w", [16, 4, 3, 3]), undefined, {
      groups: 2,
      padding: [1, 1],
    }),
  });
  expect(count(grouped)).toBe(2 * 16 * 9 * 9 * 4 * 9);
  expect(
    count(({ graph }) => ({
      y: convTranspose(graph.input("x", ["batch", 8, 4, 4]), graph.input("w", [8, 3, 2, 2]), undefined, {
        strides: [2, 2],
      }),
    })),
  ).toBe(2 * 8 * 16 * 3 * 4);
});

test("only what the outputs need is counted, and element-wise work is not", () => {
  expect(
    count(({ graph }) => {
      const a = graph.input("a", ["batch", 5]);
      gemm(a, graph.input("unused", [5, 5]));
      return { y: add(a, 1) };
    }),
  ).toBe(0);
});

test("a product with numbers that are known beforehand resizes, which is not counted", () => {
  const halved = ({ graph }: Parameters<Parameters<typeof trace>[0]>[0]) => ({
    y: matMul(values(graph, [2, 4], [0.5, 0.5, 0, 0, 0, 0, 0.5, 0.5]), graph.input("x", ["batch", 4, 6])),
  });
  expect(count(halved)).toBe(0);
});

test("a size that a run decides counts as the most it can be, unless it is given", () => {
  const kept = ({ graph }: Parameters<Parameters<typeof trace>[0]>[0]) => ({
    y: gemm(
      takeFirst(graph.input("x", [9, 5]), graph.input("count", [], "int64"), 0, "kept"),
      graph.input("w", [5, 7]),
    ),
  });
  expect(count(kept)).toBe(9 * 5 * 7);
  expect(countMacs(trace(kept), new Map([["kept", 4]])).total).toBe(4 * 5 * 7);
});
