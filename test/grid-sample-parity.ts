// What a case of PyTorch's grid_sample holds, as a graph: every mode with every padding, values and gradients.

import { expect } from "vitest";
import * as g from "../src/graph/build.ts";
import { differentiate } from "../src/graph/gradients/differentiate.ts";
import type { SpatialOps } from "../src/graph/ops.ts";
import { Graph, type Tensor } from "../src/graph/tensor.ts";
import { type LowerOptions, lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, maxDifference } from "./golden-case.ts";

type Sampling = SpatialOps["gridSample"];
const MODES = { bilinear: "linear", nearest: "nearest", bicubic: "cubic" } as const;

/** Every combination of a case by its name in the outputs, "bicubic.reflection.no_corners". */
function combinationsOf({ config }: GoldenCase): Map<string, Sampling> {
  const { modes, padding, align_corners } = config as {
    modes: (keyof typeof MODES)[];
    padding: Sampling["padding"][];
    align_corners: boolean[];
  };
  return new Map(
    modes.flatMap((mode) =>
      padding.flatMap((pad) =>
        align_corners.map((alignCorners) => [
          `${mode}.${pad}.${alignCorners ? "corners" : "no_corners"}`,
          { mode: MODES[mode], padding: pad, alignCorners },
        ]),
      ),
    ),
  );
}

/** The hashed inputs; the first points of every picture's grid are the case's own. */
export function inputsOf({ weights, json }: GoldenCase): Record<"input" | "grid" | "grad", TensorData> {
  const [input, grid, grad] = ["input", "grid", "grad"].map((name) => weights.get(name)!);
  const points = (json.points as number[][]).flat();
  const data = Float32Array.from(toFloat64(grid!));
  for (let picture = 0; picture < grid!.shape[0]!; picture++)
    data.set(points, (picture * data.length) / grid!.shape[0]!);
  return { input: input!, grid: tensor("float32", grid!.shape, data), grad: grad! };
}

export type Sampler = (features: Tensor, grid: Tensor, options: Sampling) => Tensor;

/** A graph whose outputs have the case's names. */
export function graphOf(golden: GoldenCase, sample: Sampler): Graph {
  const graph = new Graph();
  const feeds = inputsOf(golden);
  const [input, grid, grad] = (["input", "grid", "grad"] as const).map((name) => graph.input(name, feeds[name].shape));
  for (const [name, options] of combinationsOf(golden)) {
    const output = sample(input!, grid!, options);
    const [ofInput, ofGrid] = differentiate(g.reduceSum(g.mul(output, grad!), [0, 1, 2, 3]), [input!, grid!]);
    graph.output(`${name}.output`, output);
    graph.output(`${name}.grad_input`, ofInput!);
    if (options.mode !== "nearest") graph.output(`${name}.grad_grid`, ofGrid!);
  }
  return graph;
}

/** An engine's numbers against the case's. */
export async function expectSampling(golden: GoldenCase, device: "cpu" | "wasm", options: LowerOptions): Promise<void> {
  await using session = await nodeHost.createSession(lower(graphOf(golden, g.gridSample), options), { device });
  const outputs = await session.run(inputsOf(golden));
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  for (const [output, expected] of golden.outputs)
    expect(maxDifference(outputs[output], expected), output).toBeLessThan(1e-5 + 10 * (errors[output] ?? 0));
}
