// A DToP golden as a model, and its numbers against an engine's.
import { expect } from "vitest";
import { fitWeights, inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, loadGolden, maxDifference } from "./golden-case.ts";

interface OfficialConfig {
  readonly backbone: Readonly<Record<string, unknown>> & { readonly norm_cfg: { readonly eps: number } };
  readonly head: Readonly<Record<string, unknown>>;
  readonly thresh: readonly number[];
}

/** The official configuration as ours: what all heads are told once, and no threshold for the last. */
function configOf({ backbone, head, thresh }: OfficialConfig) {
  const { patch_size, embed_dims, num_layers, num_heads, out_indices, norm_cfg } = backbone;
  const { channels, num_heads: headsOfHead, layers_per_decoder, img_size, num_classes } = head;
  return {
    num_classes,
    img_size,
    backbone: { patch_size, embed_dims, num_layers, num_heads, out_indices, norm_eps: norm_cfg.eps },
    head: { channels, num_heads: headsOfHead, layers_per_decoder },
    thresh: thresh.slice(0, -1),
  };
}

/** The case, with weights that fit with nothing missing and nothing left over. @param thresh other than the case's */
export function dtopCase(name: string, thresh?: number) {
  const golden = loadGolden(name)!;
  const config = configOf(golden.config as unknown as OfficialConfig);
  const definition = defineModel("dtop", thresh === undefined ? config : { ...config, thresh });
  const adopted = definition.architecture.adoptWeights(golden.weights, definition.config);
  return { golden, definition, weights: fitWeights(inferenceGraph(definition), adopted, name) };
}

/** The layers that the cases know. */
export const LAYERS: readonly string[] = ["auxiliary_head.0", "auxiliary_head.1", "decode_head"].flatMap((head) => [
  `${head}.masks`,
  `${head}.classes`,
]);

/** What an engine gave, outputs and LAYERS: which tokens stopped is equal, everything else within the golden's tolerance. */
export function expectDtopParity(golden: GoldenCase, outputs: (name: string) => TensorData): void {
  const heads: Readonly<Record<string, string>> = {
    pred: "logits",
    "canvas.0": "auxiliary_head.0.masks",
    "canvas.1": "auxiliary_head.1.masks",
    final_canvas: "decode_head.masks",
    "class_logits.0": "auxiliary_head.0.classes",
    "class_logits.1": "auxiliary_head.1.classes",
    final_class_logits: "decode_head.classes",
  };
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  for (const [name, expected] of golden.outputs) {
    if (name === "dense.pred") continue; // of the model in which nothing stops
    if (name.startsWith("pruned.")) {
      const head = Number(name.slice("pruned.".length));
      const stopped = [...toFloat64(outputs("exits"))].map((exit) => Number(exit <= head));
      expect(stopped, name).toEqual([...toFloat64(expected)]);
      continue;
    }
    const { data } = outputs(heads[name]!);
    const actual = { dtype: "float32", shape: expected.shape, data } as TensorData;
    expect(maxDifference(actual, expected), name).toBeLessThan(1e-4 + 4 * errors[name]!);
  }
}

/** Every fourth row and column of the first picture: what the golden has of the dense model. */
export function everyFourth(maps: TensorData): TensorData {
  const [, classes = 0, height = 0, width = 0] = maps.shape;
  const values = toFloat64(maps);
  const picked = Float32Array.from({ length: (classes * height * width) / 16 }, (_, i) => {
    const [column, row, channel] = [i % (width / 4), Math.floor(i / (width / 4)) % (height / 4), 0];
    const plane = Math.floor(i / ((width / 4) * (height / 4))) + channel;
    return values[(plane * height + 4 * row) * width + 4 * column]!;
  });
  return tensor("float32", [1, classes, height / 4, width / 4], picked);
}
