// Group normalisation against its definition.
import { expect, test } from "vitest";
import { interpret } from "../graph/interpreter/interpret.ts";
import { trace } from "../graph/scope.ts";
import { tensor, toFloat64 } from "../tensor.ts";
import { groupNorm } from "./group-norm.ts";

test.each([1, 2, 4])("%i groups of four channels have mean 0 and variance 1 before scale and bias", (groups) => {
  const [height, width] = [3, 5];
  const graph = trace((scope) => ({ y: groupNorm(scope, scope.graph.input("x", [2, 4, height, width]), groups) }));
  const x = Float32Array.from({ length: 2 * 4 * height * width }, (_, i) => Math.sin(i * i) * (1 + (i % 7)));
  const vector = (values: number[]) => tensor("float32", [4], Float32Array.from(values));
  const parameters = new Map([
    ["weight", vector([1, 2, 3, 4])],
    ["bias", vector([0, 1, 0, -1])],
  ]);
  const y = toFloat64(
    interpret(graph, { inputs: { x: tensor("float32", [2, 4, height, width], x) }, parameters }).get("y")!,
  );
  const area = height * width;
  const size = (4 / groups) * area;
  for (let group = 0; group < 2 * groups; group++) {
    const values = x.subarray(group * size, (group + 1) * size);
    const mean = values.reduce((a, b) => a + b) / size;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / size;
    values.forEach((value, i) => {
      const channel = Math.floor((group * size + i) / area) % 4;
      const wanted = ((value - mean) / Math.sqrt(variance + 1e-5)) * (channel + 1) + [0, 1, 0, -1][channel]!;
      expect(y[group * size + i]).toBeCloseTo(wanted, 5);
    });
  }
});
