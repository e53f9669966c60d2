// Expedit in Swin: windows that become smaller before a block, and the stage's map put together again at its end.
import { expect, test } from "vitest";
import { maxDifference } from "../../../test/golden-case.ts";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { printGraph } from "../../graph/print.ts";
import { trace } from "../../graph/scope.ts";
import { Graph } from "../../graph/tensor.ts";
import { distancesOf } from "../../nn/cosine-attention.ts";
import { Mode } from "../../nn/mode.ts";
import { biasTableFor } from "../../nn/shifted-windows.ts";
import { lower } from "../../onnx/lower.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { RandomSource } from "../../random.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../../tensor.ts";
import { initialWeights } from "../graph.ts";
import { layerOf } from "../layers.ts";
import { swin } from "./attention.ts";
import { swinSchema, swinv2Schema } from "./config.ts";
import { swinv2 } from "./v2.ts";

const CONFIG = {
  embed_dim: 8,
  depths: [1, 3],
  num_heads: [1, 2],
  window_size: 4,
  img_size: [72, 56],
  num_classes: 3,
};

type Version = "Swin" | "Swin v2";

const graphOf = (version: Version, tokens?: string) =>
  trace((scope) => {
    const config = tokens === undefined ? CONFIG : { ...CONFIG, tokens };
    const image = scope.graph.input("image", [1, 3, 72, 56]);
    const { logits } =
      version === "Swin"
        ? swin(scope, image, swinSchema.parse(config), Mode.inference())
        : swinv2(scope, image, swinv2Schema.parse(config), Mode.inference());
    return { logits, stage: layerOf(scope.graph, "stage.2") };
  });

function random(shape: readonly number[]): TensorData {
  const source = new RandomSource(2, "picture");
  return tensor(
    "float32",
    shape,
    Float32Array.from({ length: elementCount(shape) }, () => source.normal()),
  );
}

test.each<Version>(["Swin", "Swin v2"])(
  "%s: the map of the stage is as large as without, of the same weights, and near to it",
  async (version) => {
    const dense = graphOf(version);
    const clustered = graphOf(version, "cluster=3x3@2:expedit+tau=0.5+iterations=3+window=3+k=4+norm=l1");
    expect([...clustered.parameters.keys()]).toEqual([...dense.parameters.keys()]);
    const parameters = initialWeights(dense, 3);
    const inputs = { image: random([1, 3, 72, 56]) };
    const [all, fewer] = [dense, clustered].map((graph) => interpret(graph, { inputs, parameters }).get("stage")!);
    expect(fewer!.shape).toEqual([1, 63, 16]); // 9 x 7 cells, of which windows of 4 x 4 stick out
    const size = Math.hypot(...toFloat64(all!)) / Math.sqrt(all!.data.length);
    expect(maxDifference(fewer, all!)).toBeGreaterThan(0);
    expect(maxDifference(fewer, all!)).toBeLessThan(4 * size);

    const bytes = lower(clustered, { parameters, target: "onnxruntime" });
    await using session = await nodeHost.createSession(bytes, { device: "cpu" });
    const { stage } = await session.run(inputs, { outputs: ["stage"] });
    expect(maxDifference(stage, fewer!)).toBeLessThan(1e-4);
  },
);

test("bias tables of smaller windows are read off the larger ones, symmetric as they are", () => {
  const graph = new Graph();
  const learned = { height: 4, width: 3 };
  const table = graph.input("table", [7 * 5, 1]);
  graph.output("same", biasTableFor(table, learned, learned));
  graph.output("smaller", biasTableFor(table, learned, { height: 2, width: 2 }));
  // How far down, for every distance down and across.
  const values = Float32Array.from({ length: 35 }, (_, i) => Math.floor(i / 5) - 3);
  const outputs = interpret(graph, { inputs: { table: tensor("float32", [35, 1], values) }, parameters: new Map() });
  expect([...outputs.get("same")!.data]).toEqual([...values]);
  const [far, none] = [7 / 3, 0];
  expect(
    maxDifference(
      outputs.get("smaller"),
      tensor("float32", [9, 1], Float32Array.of(-far, -far, -far, none, none, none, far, far, far)),
    ),
  ).toBeLessThan(1e-6);
});

test.each<Version>(["Swin", "Swin v2"])("%s: as many clusters as cells are the dense model, to the bit", (version) => {
  expect(printGraph(graphOf(version, "cluster=4x4@2:expedit"))).toBe(printGraph(graphOf(version)));
});

test("v2's smaller windows see their cells as far apart as v1's table is read", () => {
  const [learned, window] = [
    { height: 8, width: 8 },
    { height: 4, width: 4 },
  ];
  const own = distancesOf({ window: learned, learned }, 0);
  const smaller = distancesOf({ window, learned }, 0);
  expect([own.length, smaller.length]).toEqual([2 * 15 * 15, 2 * 7 * 7]);
  expect(own.slice(0, 2)).toEqual([-Math.log2(9) / 3, -Math.log2(9) / 3]);
  // Three cells of the smaller window are 3 * 15 / 7 of the larger one.
  expect(smaller[0]).toBeCloseTo(-Math.log2((8 * 3 * 15) / 7 / 7 + 1) / 3, 12);
  // One cell is its own window: there is no distance to measure.
  expect(distancesOf({ window: { height: 1, width: 1 }, learned: { height: 1, width: 1 } }, 0)).toEqual([0, 0]);
});

test.each([
  ["cluster=5x3@2:expedit", "there are only 4x4 tokens to cluster"],
  ["cluster=3x3@4:expedit", "there is no block 4"],
  ["keep=0.5@2:evit", "needs one for its windows"],
])("%s is refused", (tokens, message) => {
  for (const schema of [swinSchema, swinv2Schema]) expect(() => schema.parse({ ...CONFIG, tokens })).toThrow(message);
});
