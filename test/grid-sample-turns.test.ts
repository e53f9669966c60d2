// The gradient of gridSample towards large maps: its points take turns, so that memory stays bounded, and the sum is the same.
import { expect, test } from "vitest";
import { measureActivations } from "../src/graph/activations.ts";
import { gridSample, mul, reduceSum } from "../src/graph/build.ts";
import { differentiate } from "../src/graph/gradients/differentiate.ts";
import { gridSampleByHat } from "../src/graph/gradients/grid-sample.ts";
import { Graph, type Tensor } from "../src/graph/tensor.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { tensor, toFloat64 } from "../src/tensor.ts";

interface Sizes {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly points: number;
}

/** The gradient of the features for a given gradient of the samples, as the output `gradient`. */
function gradientGraph({ batch, channels, height, width, points }: Sizes, sample = gridSampleOf): Graph {
  const graph = new Graph();
  const features = graph.input("features", [batch, channels, height, width]);
  const samples = sample(features, graph.input("grid", [batch, 1, points, 2]));
  const weighted = mul(samples, graph.input("upstream", [batch, channels, 1, points]));
  graph.output("gradient", differentiate(reduceSum(weighted, [0, 1, 2, 3]), [features])[0]!);
  return graph;
}

function gridSampleOf(features: Tensor, grid: Tensor): Tensor {
  return gridSample(features, grid, { padding: "zeros" });
}

test("SparseFormer-T at 224 px, 64 pictures: a few hundred megabytes instead of gigabytes", () => {
  const graph = gradientGraph({ batch: 64, channels: 96, height: 56, width: 56, points: 49 * 36 });
  const { peakBytes } = measureActivations(graph, new Map());
  const shares = 64 * 56 * 56 * 49 * 36 * 4;
  expect(shares).toBeGreaterThan(1.4e9);
  expect(peakBytes).toBeLessThan(0.5e9);
});

test.each([
  ["jointly", { batch: 2, channels: 4, height: 1024, width: 4, points: 2500 }],
  ["the last axis apart", { batch: 2, channels: 3, height: 1024, width: 5, points: 3000 }],
])("turns add up to the whole: %s", async (_, sizes) => {
  const random = new RandomSource(1, "turns");
  const draw = (...shape: number[]) =>
    tensor(
      "float32",
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.between(-1, 1)),
    );
  const { batch, channels, height, width, points } = sizes;
  const feeds = {
    features: draw(batch, channels, height, width),
    grid: draw(batch, 1, points, 2),
    upstream: draw(batch, channels, 1, points),
  };
  const byHat = (features: Tensor, grid: Tensor) => gridSampleByHat(features, grid, { padding: "zeros" });
  const gradients = await Promise.all(
    [gridSampleOf, byHat].map(async (sample) => {
      const graph = gradientGraph(sizes, sample);
      const session = await nodeHost.createSession(lower(graph, { outputs: ["gradient"] }), { device: "cpu" });
      const wanted = Object.fromEntries(
        Object.entries(feeds).filter(([name]) => session.inputs.some((input) => input.name === name)),
      );
      const { gradient } = await session.run(wanted);
      await session.dispose();
      return toFloat64(gradient!);
    }),
  );
  const [inTurns, whole] = gradients as [Float64Array, Float64Array];
  expect(Math.max(...whole.slice(0, 10_000).map(Math.abs))).toBeGreaterThan(0.1);
  expect(inTurns.reduce((most, value, i) => Math.max(most, Math.abs(value - whole[i]!)), 0)).toBeLessThan(1e-3);
});
