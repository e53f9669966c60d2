// The gradient of gridSample towards large maps: its points take turns, so that memory stays bounded, and larger ones are added to cell by cell. The sum is the same.
import { expect, test } from "vitest";
import { measureActivations } from "../src/graph/activations.ts";
import { gridSample, mul, reduceSum } from "../src/graph/build.ts";
import { differentiate } from "../src/graph/gradients/differentiate.ts";
import { Graph } from "../src/graph/tensor.ts";
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
function gradientGraph({ batch, channels, height, width, points }: Sizes): Graph {
  const graph = new Graph();
  const features = graph.input("features", [batch, channels, height, width]);
  const grid = graph.input("grid", [batch, 1, points, 2]);
  const samples = gridSample(features, grid, { padding: "zeros" });
  const weighted = mul(samples, graph.input("upstream", [batch, channels, 1, points]));
  graph.output("gradient", differentiate(reduceSum(weighted, [0, 1, 2, 3]), [features])[0]!);
  return graph;
}

test("SparseFormer-T at 224 px, 64 pictures: a few hundred megabytes instead of gigabytes", () => {
  const graph = gradientGraph({ batch: 64, channels: 96, height: 56, width: 56, points: 49 * 36 });
  const { peakBytes } = measureActivations(graph, new Map());
  const shares = 64 * 56 * 56 * 49 * 36 * 4;
  expect(shares).toBeGreaterThan(1.4e9);
  expect(peakBytes).toBeLessThan(0.5e9);
});

/** What every point gives to its four cells, one after another. */
function addedUp({ batch, channels, height, width, points }: Sizes, grid: Float32Array, upstream: Float32Array) {
  const sums = new Float64Array(batch * channels * height * width);
  for (let n = 0; n < batch; n++)
    for (let p = 0; p < points; p++) {
      const at = 2 * (n * points + p);
      const [x, y] = [((grid[at]! + 1) * width - 1) / 2, ((grid[at + 1]! + 1) * height - 1) / 2];
      const [left, top] = [Math.floor(x), Math.floor(y)];
      for (const [column, row] of [
        [left, top],
        [left + 1, top],
        [left, top + 1],
        [left + 1, top + 1],
      ] as const) {
        if (column < 0 || row < 0 || column >= width || row >= height) continue;
        const share = (1 - Math.abs(x - column)) * (1 - Math.abs(y - row));
        for (let c = 0; c < channels; c++)
          sums[((n * channels + c) * height + row) * width + column]! +=
            share * upstream[(n * channels + c) * points + p]!;
      }
    }
  return sums;
}

test.each([
  ["jointly", { batch: 2, channels: 4, height: 1024, width: 4, points: 2500 }],
  ["the last axis apart", { batch: 2, channels: 3, height: 1024, width: 5, points: 3000 }],
  ["cell by cell", { batch: 2, channels: 3, height: 1024, width: 9, points: 3000 }],
  ["cell by cell, in turns", { batch: 2, channels: 32, height: 1024, width: 9, points: 66_000 }],
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
  const graph = gradientGraph(sizes);
  await using session = await nodeHost.createSession(lower(graph, { outputs: ["gradient"] }), { device: "cpu" });
  const wanted = Object.fromEntries(
    Object.entries(feeds).filter(([name]) => session.inputs.some((input) => input.name === name)),
  );
  const { gradient } = await session.run(wanted);
  const inTurns = toFloat64(gradient!);
  const whole = addedUp(sizes, feeds.grid.data as Float32Array, feeds.upstream.data as Float32Array);
  expect(Math.max(...whole.slice(0, 10_000).map(Math.abs))).toBeGreaterThan(0.1);
  expect(inTurns.reduce((most, value, i) => Math.max(most, Math.abs(value - whole[i]!)), 0)).toBeLessThan(1e-3);
});
