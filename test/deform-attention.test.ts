// Multi-scale deformable attention: the official operation's numbers and gradients, in the interpreter and on engines.
import { describe, expect, test } from "vitest";
import * as g from "../src/graph/build.ts";
import { differentiate } from "../src/graph/gradients/differentiate.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { Graph } from "../src/graph/tensor.ts";
import { deformableRead, type MapSize } from "../src/nn/deform-attention.ts";
import { type LowerOptions, lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { loadGolden, maxDifference } from "./golden-case.ts";

const golden = loadGolden("mask2former/ms_deform_attn")!;
const inputs = Object.fromEntries(golden.weights);

function graphOf(): Graph {
  const graph = new Graph();
  const [value, locations, logits, grad] = ["value", "sampling_locations", "attention_logits", "grad"].map((name) =>
    graph.input(name, inputs[name]!.shape),
  );
  const output = deformableRead(value!, golden.config.shapes as MapSize[], locations!, g.softmax(logits!));
  graph.output("output", output);
  const gradients = differentiate(g.reduceSum(g.mul(output, grad!), [0, 1, 2]), [value!, locations!, logits!]);
  ["grad_value", "grad_locations", "grad_logits"].forEach((name, i) => {
    graph.output(name, gradients[i]!);
  });
  return graph;
}

describe("the bare operation", () => {
  test("interpreted", () => {
    const outputs = interpret(graphOf(), { inputs, parameters: new Map() });
    for (const [name, expected] of golden.outputs)
      expect(maxDifference(outputs.get(name), expected), name).toBeLessThan(4e-6);
  });

  const engines: ["cpu" | "wasm", LowerOptions][] = [
    ["cpu", { target: "onnxruntime" }],
    ["cpu", { target: "webgpu" }],
    ["wasm", { target: "portable" }],
  ];
  test.each(engines)("on %s, %o", async (device, options) => {
    await using session = await nodeHost.createSession(lower(graphOf(), options), { device });
    const outputs = await session.run(inputs);
    for (const [name, expected] of golden.outputs)
      expect(maxDifference(outputs[name], expected), name).toBeLessThan(1e-4);
  });
});
