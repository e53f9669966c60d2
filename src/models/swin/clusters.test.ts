// Expedit in Swin: windows that become smaller before a block, and the stage's map put together again at its end.
import { expect, test } from "vitest";
import { maxDifference } from "../../../test/golden-case.ts";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { printGraph } from "../../graph/print.ts";
import { trace } from "../../graph/scope.ts";
import { Graph } from "../../graph/tensor.ts";
import { Mode } from "../../nn/mode.ts";
import { lower } from "../../onnx/lower.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { RandomSource } from "../../random.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../../tensor.ts";
import { initialWeights } from "../graph.ts";
import { layerOf } from "../layers.ts";
import { swinSchema } from "./config.ts";
import { swin } from "./model.ts";
import { biasTableFor } from "./windows.ts";

const CONFIG = {
  embed_dim: 8,
  depths: [1, 3],
  num_heads: [1, 2],
  window_size: 4,
  img_size: [72, 56],
  num_classes: 3,
};

const graphOf = (tokens?: string) =>
  trace((scope) => {
    const config = swinSchema.parse(tokens === undefined ? CONFIG : { ...CONFIG, tokens });
    const { logits } = swin(scope, scope.graph.input("image", [1, 3, 72, 56]), config, Mode.inference());
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

test("the map of the stage is as large as without, of the same weights, and near to it", async () => {
  const dense = graphOf();
  const clustered = graphOf("cluster=3x3@2:expedit+tau=0.5+iterations=3+window=3+k=4+norm=l1");
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
});

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

test("as many clusters as cells of a window are the dense model, to the bit", () => {
  expect(printGraph(graphOf("cluster=4x4@2:expedit"))).toBe(printGraph(graphOf()));
});

test.each([
  ["cluster=5x3@2:expedit", "there are only 4x4 tokens to cluster"],
  ["cluster=3x3@4:expedit", "there is no block 4"],
  ["keep=0.5@2:evit", "needs one for its windows"],
])("%s is refused", (tokens, message) => {
  expect(() => swinSchema.parse({ ...CONFIG, tokens })).toThrow(message);
});
