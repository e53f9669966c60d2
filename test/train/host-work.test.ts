// Work of the host between a forward pass and its step: it reads what the step's own parameters say, before the step moves them.
import { expect, test } from "vitest";
import { mul, reduceSum, sub } from "../../src/graph/build.ts";
import { Graph } from "../../src/graph/tensor.ts";
import { defineModel } from "../../src/models/registry.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { type TensorData, tensor, toFloat32 } from "../../src/tensor.ts";
import { declareHostWork, lowerReads, lowerStep } from "../../src/train/host-work.ts";
import { sgd } from "../../src/train/optimizers/sgd.ts";
import { buildTrainStep } from "../../src/train/step.ts";
import { initialState, stateOf, Trainer } from "../../src/train/trainer.ts";

const images = tensor("float32", [1, 3, 4, 4], new Float32Array(48).fill(0.5));
const batch = { images, targets: tensor("float32", [1, 2], Float32Array.of(1, 0)) };

/** A step that pulls a parameter to what the host makes of it: twice what it is, and of a number that is drawn. */
function stepOf(heard: number[][]) {
  return buildTrainStep({
    model: defineModel("resnet18"),
    ...{ batch: 1, height: 4, width: 4, classes: 2, loss: "cross_entropy", ema: false },
    optimizer: sgd({ momentum: 0 }),
    groups: { weightDecay: 0 },
    objective: ({ scope, image, draw, onHost }) => {
      const weight = scope.parameter("weight", [3], { kind: "ones" });
      const drawn = draw({ name: "drawn", shape: [3], distribution: "uniform" });
      const seen = mul(weight, reduceSum(image, [0, 1, 2, 3])); // 24 times the weight
      const goal = onHost({
        name: "goal",
        reads: { seen, drawn: mul(drawn, 1) },
        shape: [3],
        dtype: "float32",
        make({ seen: values, drawn: random }) {
          heard.push([...toFloat32(values!)], [...toFloat32(random!)]);
          return tensor(
            "float32",
            [3],
            toFloat32(values!).map((value) => value / 12),
          );
        },
      });
      const apart = sub(weight, goal);
      return { loss: reduceSum(mul(apart, apart), 0) };
    },
  });
}

test.each(["cpu", "wasm"] as const)("the host reads the parameters of the very step, on %s", async (device) => {
  const heard: number[][] = [];
  const step = stepOf(heard);
  const weights = new Map<string, TensorData>([["weight", tensor("float32", [3], Float32Array.of(1, 2, 3))]]);
  await using session = await nodeHost.createSession(lowerStep(step, "onnxruntime"), {
    ...{ device, threads: 1, state: stateOf(step) },
  });
  const reader = await session.openReader!(lowerReads(step, "onnxruntime")!);
  expect(reader.outputs.map(({ name }) => name)).toEqual(["read.goal.seen", "read.goal.drawn"]);
  await expect(session.openReader!(lowerReads(step, "onnxruntime")!)).rejects.toThrow("reads this session's state");
  const trainer = new Trainer(
    {
      ...{ step, session, reader, optimizer: sgd({ momentum: 0 }), emaDecay: 0, accumulate: 1, seed: 7 },
      schedule: { baseRate: 0.25, warmupRate: 0.25, minimumRate: 0.25, warmupSteps: 0, totalSteps: 3 },
    },
    weights,
    initialState(step, weights),
  );
  // Its goal is twice the weight, and a step goes half of the way there.
  for (let i = 0; i < 3; i++) await trainer.run(batch);
  const seen = heard.filter((_, i) => i % 2 === 0).map((values) => values.map((value) => value / 24));
  expect(seen.flat()).toEqual([1, 2, 3, 1.5, 3, 4.5, 2.25, 4.5, 6.75]);
  expect([...(await trainer.state()).get("weight")!.data]).toEqual([3.375, 6.75, 10.125]);
  // Drawn anew for every step, from the seed.
  const drawn = heard.filter((_, i) => i % 2 === 1);
  expect(new Set(drawn.map(String)).size).toBe(3);
});

test("the host cannot read what it makes itself", () => {
  const graph = new Graph();
  const work = {
    name: "first",
    shape: [1],
    dtype: "float32",
    make: ({ x }: Record<string, TensorData>) => x!,
  } as const;
  const made = declareHostWork(graph, { ...work, reads: { x: graph.input("x", [1]) } });
  expect(() => declareHostWork(graph, { ...work, name: "second", reads: { x: mul(made, 2) } })).toThrow(
    "second reads what another host work makes",
  );
});
