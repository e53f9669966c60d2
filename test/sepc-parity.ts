// A SEPC golden: five hashed maps in, the two maps of every level out, against sessions (256 channels are more than the interpreter computes in seconds).
import { expect } from "vitest";
import { reduceMean } from "../src/graph/build.ts";
import { trace } from "../src/graph/scope.ts";
import type { Tensor } from "../src/graph/tensor.ts";
import { fitWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import type { SingleStageConfig } from "../src/models/single-stage/config.ts";
import { sepc } from "../src/models/single-stage/sepc.ts";
import { Mode } from "../src/nn/mode.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, type HashedTensor, hashedTensor, loadGolden, maxDifference } from "./golden-case.ts";
import { type PartCase, runPart } from "./part-parity.ts";

/** Counters that nothing reads are in the case's weights; everything else must be asked for. */
export function sepcCase(name: string): PartCase {
  const golden = loadGolden(name)!;
  const { out_channels: _, in_channels: __, ...config } = golden.config;
  const { sepc: checked } = defineModel("single_stage", { sepc: config }).config as SingleStageConfig;
  const levels = (golden.json.input as { readonly levels: readonly HashedTensor[] }).levels;
  const graph = trace((scope) => {
    const maps = levels.map(({ name: level, shape }) => scope.graph.input(level, shape));
    const { classes, boxes } = sepc(scope, maps, checked!, Mode.inference());
    const ofTask = (task: string, outs: readonly Tensor[]) =>
      outs.flatMap((map, i): [string, Tensor][] => [
        [`${task}.${i}`, map],
        [`${task}.${i}.mean`, reduceMean(map, [2, 3])],
      ]);
    const inner = [...scope.graph.layers].map(([layer, map]) => [
      layer.replace("pyramid", "after_pconvs"),
      map as Tensor,
    ]);
    return Object.fromEntries([...ofTask("cls", classes), ...ofTask("loc", boxes), ...inner]);
  });
  const read = new Map([...golden.weights].filter(([key]) => !key.endsWith("num_batches_tracked")));
  return {
    golden,
    graph,
    inputs: Object.fromEntries(levels.map((spec) => [spec.name, hashedTensor(spec, 0)])),
    weights: fitWeights(graph, read, name),
  };
}

export async function expectSepcSession(part: PartCase, device: "cpu" | "wasm"): Promise<void> {
  const { golden } = part;
  const outputs = await runPart(part, device);
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  expectOutputs(
    golden,
    (output) => outputs[output]!,
    (output) => 1e-4 + 4 * errors[output]!,
  );
}

function expectOutputs(
  golden: GoldenCase,
  find: (output: string) => TensorData,
  tolerance: (output: string) => number,
): void {
  for (const [output, value] of golden.outputs) {
    expect(maxDifference(channelsAs(find(output), value), value), output).toBeLessThan(tolerance(output));
  }
}

/** Cases hold every so-manieth channel. */
export function channelsAs(found: TensorData, like: TensorData): TensorData {
  const [n, channels, ...space] = found.shape as [number, number, ...number[]];
  const kept = like.shape[1]!;
  const step = channels / kept;
  const area = elementCount(space);
  const all = toFloat64(found);
  const out = new Float32Array(n * kept * area);
  for (let i = 0; i < n * kept; i++) {
    const row = Math.floor(i / kept) * channels + (i % kept) * step;
    out.set(all.subarray(row * area, (row + 1) * area), i * area);
  }
  return tensor("float32", [n, kept, ...space], out);
}
