// Clustering and reconstruction against the official code's numbers, in the interpreter, natively and in WebAssembly; W and gradients.
import { describe, expect, test } from "vitest";
import { goldenCases, loadGolden, maxDifference } from "../../../test/golden-case.ts";
import { expand, matMul, mul, reduceSum, reshape, transpose, values } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import { differentiate } from "../../graph/gradients/differentiate.ts";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { countMacs } from "../../graph/macs.ts";
import { trace } from "../../graph/scope.ts";
import { type Graph, isOp, type Tensor } from "../../graph/tensor.ts";
import { lower } from "../../onnx/lower.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { RandomSource } from "../../random.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../../tensor.ts";
import { bandReach, fullReach } from "./cluster-reach.ts";
import {
  type ClusteringOptions,
  type ClusterOptions,
  clustering,
  clusterRows,
  reconstructionWeights,
} from "./clusters.ts";

/** The fields of a case's config, with the official names. */
interface OfficialConfig {
  readonly num_spixels: readonly [number, number];
  readonly n_iters: number;
  readonly temperture: number;
  readonly window_size: number;
  readonly k: number;
}

/** (n, size, size) */
function identity(graph: Graph, n: Dim, size: number): Tensor {
  const one = values(
    graph,
    [size, size],
    Array.from({ length: size * size }, (_, i) => Number(Math.floor(i / size) === i % size)),
  );
  return expand(one, [n, size, size]);
}

function caseGraph(name: string) {
  const golden = loadGolden(name)!;
  const config = golden.config as unknown as OfficialConfig;
  const features = golden.weights.get("features")!; // (N, C, H, W)
  const tokens = golden.weights.get("tokens")!; // (N, M, channels)
  const [, channels, height, width] = features.shape as [number, number, number, number];
  const options: ClusteringOptions = {
    to: { height: config.num_spixels[0], width: config.num_spixels[1] },
    iterations: config.n_iters,
    tau: config.temperture,
    window: config.window_size,
    k: config.k,
    norm: "l2",
    unpool: "soft",
  };
  const from = { height, width };
  const graph = trace(({ graph }) => {
    const map = graph.input("features", ["batch", channels, height, width]);
    const x = transpose(reshape(map, ["batch", channels, height * width]), [0, 2, 1]); // (N, T, C)
    const y = graph.input("tokens", ["batch", ...tokens.shape.slice(1)]);
    const { rows, back } = clustering(x, from, options);
    const centroids = rows(x);
    return {
      centroids,
      reconstructed: back(y),
      naive_unpooled: clustering(x, from, { ...options, unpool: "hard" }).back(y),
      w: rows(identity(graph, "batch", height * width)),
      official: reconstructionWeights(x, centroids, options),
      mean: reconstructionWeights(x, centroids, { ...options, norm: "l1" }),
    };
  });
  return { golden, graph, inputs: { features, tokens } };
}

/** The sum of each row of the last axis. */
function rowSums(weights: TensorData): number[] {
  const width = weights.shape.at(-1)!;
  const data = toFloat64(weights);
  const row = (i: number) => data.subarray(i * width, (i + 1) * width);
  return Array.from({ length: data.length / width }, (_, i) => row(i).reduce((a, b) => a + b, 0));
}

describe.each(goldenCases("expedit").filter((name) => name.includes("_ops_")))("%s", (name) => {
  const { golden, graph, inputs } = caseGraph(name);
  const errors = golden.json.float32_errors as Record<string, number>;
  const expectOutputs = (outputs: (output: string) => TensorData | undefined) => {
    for (const output of ["centroids", "reconstructed", "naive_unpooled"]) {
      const tolerance = 1e-4 + 4 * errors[output]!;
      expect(maxDifference(outputs(output), golden.outputs.get(output)!), output).toBeLessThan(tolerance);
    }
  };

  test("interpreter", () => {
    const outputs = interpret(graph, { inputs, parameters: new Map() });
    expectOutputs((output) => outputs.get(output));
    for (const weights of ["w", "mean"])
      for (const sum of rowSums(outputs.get(weights)!)) expect(sum, weights).toBeCloseTo(1, 6);
    const sums = rowSums(outputs.get("official")!);
    const mean = sums.reduce((a, b) => a + b, 0) / sums.length;
    expect(mean).toBeCloseTo(golden.json.mean_row_sum_after_L2 as number, 4);
  });

  test.each([
    ["cpu", "onnxruntime"],
    ["wasm", "portable"],
  ] as const)("%s, %s operators", async (device, target) => {
    const bytes = lower(graph, { parameters: new Map(), target });
    await using session = await nodeHost.createSession(bytes, { device });
    const outputs = await session.run(inputs);
    expectOutputs((output) => outputs[output]);
  });
});

const random = new RandomSource(3, "expedit");
const noise = (...shape: number[]) =>
  tensor(
    "float64",
    shape,
    Float64Array.from({ length: elementCount(shape) }, () => random.normal()),
  );

const FROM = { height: 4, width: 5 };
const OPTIONS: ClusteringOptions = {
  to: { height: 2, width: 3 },
  iterations: 3,
  tau: 0.1,
  window: 3,
  k: 2,
  norm: "l2",
  unpool: "soft",
};
const CLUSTER: ClusterOptions = { ...OPTIONS, from: FROM };

test("tokens so far apart that their weights are nothing in a float still have a cluster", async () => {
  const graph = trace(({ graph }) => {
    const x = graph.input("x", [1, 20, 3]);
    const { rows, back } = clustering(x, FROM, OPTIONS);
    return { clusters: rows(x), back: back(rows(x)) };
  });
  const x = tensor(
    "float32",
    [1, 20, 3],
    Float32Array.from(noise(1, 20, 3).data as Float64Array, (v) => 1000 * v),
  );
  const bytes = lower(graph, { parameters: new Map(), target: "onnxruntime" });
  await using session = await nodeHost.createSession(bytes, { device: "cpu" });
  const { clusters, back } = await session.run({ x });
  expect(toFloat64(clusters!).every(Number.isFinite)).toBe(true);
  const rows = toFloat64(back!);
  for (let i = 0; i < 20; i++) expect(Math.hypot(...rows.subarray(3 * i, 3 * i + 3))).toBeGreaterThan(1);
});

/** The slope of sum(projection * y) along a direction of each input, by its gradient and by finite differences. */
function expectSlopes(
  shapes: Readonly<Record<string, readonly number[]>>,
  build: (inputs: Readonly<Record<string, Tensor>>) => Tensor,
): void {
  const names = Object.keys(shapes);
  const graph = trace(({ graph }) => {
    const inputs = Object.fromEntries(names.map((name) => [name, graph.input(name, shapes[name]!)]));
    const y = build(inputs);
    const loss = reduceSum(mul(y, graph.input("projection", y.shape)), [0, 1, 2]);
    const gradients = differentiate(
      loss,
      names.map((name) => inputs[name]!),
    );
    return { loss, ...Object.fromEntries(names.map((name, i) => [name, gradients[i]!])) };
  });
  const point: Record<string, TensorData> = Object.fromEntries(
    [...graph.inputs].map(([name, { shape }]) => [name, noise(...(shape as number[]))]),
  );
  const run = (inputs: Record<string, TensorData>, outputs: string[]) =>
    interpret(graph, { inputs, parameters: new Map(), precision: "float64", outputs });
  for (const name of names) {
    const direction = noise(...shapes[name]!);
    const lossAt = (step: number) => {
      const moved = toFloat64(point[name]!).map((v, i) => v + step * (direction.data[i] as number));
      const inputs = { ...point, [name]: tensor("float64", shapes[name]!, moved) };
      return run(inputs, ["loss"]).get("loss")!.data[0] as number;
    };
    const slope = (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5;
    const gradient = toFloat64(run(point, [name]).get(name)!);
    const predicted = gradient.reduce((sum, d, i) => sum + d * (direction.data[i] as number), 0);
    expect(Math.abs(predicted - slope) / Math.max(1, Math.abs(slope)), name).toBeLessThan(1e-6);
  }
}

test.each(["l1", "l2"] as const)("gradients of the reconstruction, %s, are those of finite differences", (norm) => {
  expectSlopes({ before: [2, 20, 3], clusters: [2, 6, 3], y: [2, 6, 4] }, ({ before, clusters, y }) =>
    matMul(reconstructionWeights(before!, clusters!, { k: 3, tau: 0.1, norm }), y!),
  );
});

test("gradients of clustering go through the tokens, and take W as it is", () => {
  // W of one picture applied to another: then finite differences see what the official code differentiates.
  expectSlopes({ x: [2, 20, 3] }, ({ x }) => {
    const other = values(x!.graph, [2, 20, 3], noise(2, 20, 3).data as Float64Array);
    return clusterRows(other, CLUSTER)(x!);
  });
  const graph = trace(({ graph }) => {
    const x = graph.input("x", [2, 20, 3]);
    const projection = graph.input("projection", [2, 6, 3]);
    const rows = clusterRows(x, CLUSTER);
    const [gradient] = differentiate(reduceSum(mul(rows(x), projection), [0, 1, 2]), [x]);
    return { gradient: gradient!, expected: matMul(rows(identity(graph, 2, 20)), projection, { transposeA: true }) };
  });
  const inputs = { x: noise(2, 20, 3), projection: noise(2, 6, 3) };
  const outputs = interpret(graph, { inputs, parameters: new Map() });
  expect(maxDifference(outputs.get("gradient"), outputs.get("expected")!)).toBeLessThan(1e-6);
});

test.each([
  [{ height: 13, width: 7 }, { height: 9, width: 5 }, 3],
  [{ height: 12, width: 6 }, { height: 12, width: 6 }, 1],
  [{ height: 6, width: 11 }, { height: 4, width: 6 }, 5],
])("%o to %o by %i: rows that meet only what they reach give the same", (from, to, window) => {
  const options = { ...CLUSTER, from, to, window };
  const count = from.height * from.width;
  const graph = trace(({ graph }) => {
    const x = graph.input("x", ["batch", count, 3]);
    const [full, band] = [fullReach, bandReach].map((reach) => clusterRows(x, options, reach(graph, options))(x));
    return { full: full!, band: band! };
  });
  const outputs = interpret(graph, { inputs: { x: noise(2, count, 3) }, parameters: new Map() });
  expect(maxDifference(outputs.get("band"), outputs.get("full")!)).toBeLessThan(1e-6);
});

test("large grids are met row by row, and no constant grows with tokens times clusters", () => {
  const graph = trace(({ graph }) => {
    const options = { ...CLUSTER, from: { height: 64, width: 64 }, to: { height: 45, width: 45 }, window: 5 };
    const x = graph.input("x", [1, 4096, 8]);
    return { clusters: clusterRows(x, options)(x) };
  });
  const sizes = graph.nodes.flatMap((node) => (isOp(node, "constant") ? [node.attributes.value.data.length] : []));
  expect(Math.max(...sizes)).toBeLessThan(4096 * 4);
  const { total } = countMacs(graph, new Map());
  expect(total).toBeLessThan((CLUSTER.iterations * 2 * 4096 * 2025 * 8) / 8);
});
