// An RRFormer golden as a graph in one of the two forms, and its numbers against an engine's.
import { expect } from "vitest";
import { trace } from "../src/graph/scope.ts";
import type { Tensor } from "../src/graph/tensor.ts";
import { fitWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import type { RrformerConfig } from "../src/models/rrformer/config.ts";
import { restore } from "../src/models/rrformer/model.ts";
import { Mode } from "../src/nn/mode.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, loadGolden, maxDifference } from "./golden-case.ts";

interface OfficialConfig {
  readonly n_feats: number;
  readonly pyramid: boolean;
  readonly swinir: {
    readonly embed_dim: number;
    readonly depths: number[];
    readonly num_heads: number[];
    readonly window_size: number;
  };
}

/** The forms, and whether the transformer is bypassed. */
export const BOTH = [
  ["as_released", true],
  ["intended", false],
] as const;

/** A case in one of the two forms. Its input is what the network reads behind the hypercolumn, of fewer channels than that has. */
export function rrformerCase(name: string, bypass: boolean) {
  const golden = loadGolden(name)!;
  const { n_feats, pyramid, swinir } = golden.config as unknown as OfficialConfig;
  const { embed_dim, depths, num_heads, window_size } = swinir;
  const [, , height, width] = golden.image.shape as [number, number, number, number];
  const definition = defineModel("rrformer", {
    ...{ n_feats, pyramid, embed_dim, depths, num_heads, window_size },
    ...{ img_size: [height, width], bypass_transformer: bypass },
  });
  const { architecture, config } = definition;
  const graph = trace((scope) => {
    const input = scope.graph.input("image", golden.image.shape);
    const { picture } = restore(scope, [input], config as RrformerConfig, Mode.inference());
    return { picture, transformer: scope.graph.layers.get("transformer") as Tensor };
  });
  const weights = fitWeights(graph, architecture.adoptWeights(golden.weights, config), name);
  return { golden, graph, weights };
}

/** Every 24th channel. */
function everyTwentyFourth(map: TensorData): TensorData {
  const [n = 0, channels = 0, height = 0, width = 0] = map.shape;
  const values = toFloat64(map);
  const plane = height * width;
  const picked = Array.from({ length: n * (channels / 24) }, (_, i) =>
    values.subarray(24 * i * plane, (24 * i + 1) * plane),
  );
  return tensor("float32", [n, channels / 24, height, width], Float32Array.from(picked.flatMap((part) => [...part])));
}

/** What the case says of that form, within its own tolerances or within one for all. */
export function expectForm(
  golden: GoldenCase,
  form: string,
  outputs: (name: string) => TensorData,
  tolerance?: number,
): void {
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  const within = (name: string) => tolerance ?? 1e-4 + 4 * errors[name]!;
  expect(maxDifference(outputs("picture"), golden.outputs.get(form)!)).toBeLessThan(within(form));
  if (form === "as_released") return;
  const inside = everyTwentyFourth(outputs("transformer"));
  expect(maxDifference(inside, golden.outputs.get("transformer_result")!)).toBeLessThan(within("transformer_result"));
}

export async function expectOnDevice(
  name: string,
  form: string,
  bypass: boolean,
  device: "cpu" | "wasm",
): Promise<void> {
  const { golden, graph, weights } = rrformerCase(name, bypass);
  const bytes = lower(graph, { parameters: weights, target: "onnxruntime" });
  await using session = await nodeHost.createSession(bytes, { device });
  const outputs = await session.run({ image: golden.image });
  expectForm(golden, form, (output) => outputs[output]!);
}
