// Uni-AdaFocus at full size against the official code's numbers, in every engine, and stage by stage.
import { describe, expect, test } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { exportOnnx, exportStages } from "../src/model-folder/compile.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { verifyExport } from "../src/model-folder/verify.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { SequentialSession, type StepResult } from "../src/runtime/sequential-session.ts";
import type { TensorData } from "../src/tensor.ts";
import { goldenCases, loadGolden } from "./golden-case.ts";
import { toyOf } from "./registry-toys.ts";
import {
  clipsOfGolden,
  expectOutput,
  expectUniAdafocusParity,
  LAYERS,
  uniAdafocusModel,
} from "./uni-adafocus-parity.ts";

const TOY = "uni_adafocus_tsm_sthv2_p96_8and8";

test.each([
  ["onnxruntime", "cpu"],
  ["portable", "wasm"],
] as const)("a file for %s is checked as every other, on %s", async (target, device) => {
  const definition = defineModel(TOY, toyOf(TOY).config);
  const model = nativeModel(definition, initialWeights(inferenceGraph(definition), 3), { name: "toy" });
  const check = await verifyExport(nodeHost, model, exportOnnx(model, { target }), { target }, { device });
  expect(check.shapes).toEqual([
    [1, 3, 6, 64, 64],
    [2, 3, 6, 64, 64],
  ]);
  expect(check.largest.difference).toBeLessThan(1e-4);
});

const CASES = goldenCases("uni-adafocus");

describe.each(CASES)("%s", (name) => {
  const golden = loadGolden(name)!;

  test.each([
    ["cpu", "onnxruntime"],
    ["cpu", "portable"],
    ["wasm", "portable"],
  ] as const)("%s, %s", async (device, target) => {
    const bytes = exportOnnx(uniAdafocusModel(golden), { target, form: { layers: LAYERS } });
    await using session = await nodeHost.createSession(bytes, { device });
    const outputs = await session.run({ image: clipsOfGolden(golden) });
    expectUniAdafocusParity(golden, (output) => outputs[output]);
  });

  // Minutes for each. Toys of the same architecture go through it in the fast suite.
  test.runIf(process.env.SACCADE_SWEEP === "all")("the interpreter", () => {
    const model = uniAdafocusModel(golden);
    const graph = inferenceGraph(model.definition, {}, { layers: LAYERS });
    const outputs = interpret(graph, { inputs: { image: clipsOfGolden(golden) }, parameters: model.weights });
    expectUniAdafocusParity(golden, (output) => outputs.get(output));
  });

  test.each(["cpu", "wasm"] as const)("stage by stage, %s", async (device) => {
    const { steps, files } = exportStages(uniAdafocusModel(golden), { target: "portable" });
    const sequence = new SequentialSession(steps, await nodeHost.createStagedSession(files, { device }));
    const answers: Readonly<Record<string, TensorData>>[] = [];
    const takeAll = ({ rows, outputs }: StepResult) => {
      answers.push(outputs);
      return rows.map((_, position) => position);
    };
    try {
      await sequence.run(clipsOfGolden(golden), takeAll, { outputs: ["logits", "action"] });
    } finally {
      await sequence.dispose();
    }
    const [glance, focus] = answers;
    expectOutput(golden, "glance_avg_logits", glance!.logits);
    expectOutput(golden, "action", focus!.action);
    expectOutput(golden, "logits", focus!.logits);
  });
});
