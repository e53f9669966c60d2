import { describe, expect, test } from "vitest";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { trace } from "../../graph/scope.ts";
import { Mode } from "../../nn/mode.ts";
import { lower } from "../../onnx/lower.ts";
import { readOnnx } from "../../onnx/read.ts";
import { RandomSource } from "../../random.ts";
import { tensor, toFloat64 } from "../../tensor.ts";
import { initialWeights } from "../graph.ts";
import { pixelInput } from "../pixels.ts";
import { sparseformerSchema, v1Config } from "./config.ts";
import { stem, stemWeights } from "./stem.ts";

const CONFIG = sparseformerSchema.parse({
  ...v1Config({ tokens: 4, focusWidth: 16, cortexWidth: 16, cortexUnits: 1, dropPathRate: 0 }),
  conv_dim: 8,
});
const NORMALIZATION = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

function graphOf(keepsBytes: boolean, height: number, width: number) {
  return trace((scope) => {
    const pixels = pixelInput(scope.graph, { batch: 2, height, width }, NORMALIZATION);
    return { map: stem(scope, pixels, stemWeights(scope, CONFIG, false), CONFIG, Mode.inference({ keepsBytes })) };
  });
}

describe("the stem on bytes that stay bytes", () => {
  test.each([
    [24, 28],
    [21, 24],
    [23, 26],
  ])("is the usual one on %i x %i pixels, but for a rounded mean around the picture", (height, width) => {
    const [usual, bytes] = [graphOf(false, height, width), graphOf(true, height, width)];
    const parameters = initialWeights(usual, 3);
    const random = new RandomSource(5, "byte-stem");
    const image = tensor(
      "uint8",
      [2, height, width, 3],
      Uint8Array.from({ length: 6 * height * width }, () => random.next() & 255),
    );
    const map = (graph: typeof usual) => interpret(graph, { inputs: { image }, parameters }).get("map")!;
    const [expected, actual] = [map(usual), map(bytes)];
    expect(actual.shape).toEqual(expected.shape);
    const [, rows, columns, channels] = expected.shape as [number, number, number, number];
    const [e, a] = [toFloat64(expected), toFloat64(actual)];
    const off = { inside: 0, atEdges: 0 };
    e.forEach((value, i) => {
      const x = Math.floor(i / channels) % columns;
      const y = Math.floor(i / channels / columns) % rows;
      // A cell sees up to 5 pixels beyond its own four.
      const where = x > 1 && y > 1 && x < columns - 2 && y < rows - 2 ? "inside" : "atEdges";
      off[where] = Math.max(off[where], Math.abs(value - a[i]!));
    });
    expect(off.inside).toBeLessThan(1e-5);
    expect(off.atEdges).toBeLessThan(0.05);
  });

  test("is convolved in eight bits, a few places first, and pooled in bytes", () => {
    const graph = graphOf(true, 16, 24);
    const bytes = lower(graph, { parameters: initialWeights(graph, 3), precision: "int8" });
    const { opCounts, opsets } = readOnnx(bytes);
    expect(Object.keys(opsets)).toEqual([""]);
    expect(opCounts).toMatchObject({ QLinearConv: 2, MaxPool: 1, LayerNormalization: 1 });
    expect(opCounts.Conv ?? 0).toBe(0);
    expect(opCounts.Relu ?? 0).toBe(0);
  });

  test("leaves pictures whose rows are no pairs of pixels as they were", () => {
    const { nodes } = graphOf(true, 8, 9);
    expect(nodes.filter(({ op }) => op === "concat")).toEqual([]);
  });
});
