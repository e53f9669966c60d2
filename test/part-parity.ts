// Golden cases of a part of a network, such as a head over hashed maps: its graph, what goes in, and a session of it.
import type { Graph } from "../src/graph/tensor.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import type { TensorData } from "../src/tensor.ts";
import type { GoldenCase } from "./golden-case.ts";

export interface PartCase {
  readonly golden: GoldenCase;
  readonly graph: Graph;
  readonly inputs: Readonly<Record<string, TensorData>>;
  readonly weights: ReadonlyMap<string, TensorData>;
}

export async function runPart(
  { graph, inputs, weights }: PartCase,
  device: "cpu" | "wasm",
): Promise<Readonly<Record<string, TensorData>>> {
  const bytes = lower(graph, { parameters: weights, target: "onnxruntime" });
  await using session = await nodeHost.createSession(bytes, { device });
  return await session.run(inputs); // before the session ends
}
