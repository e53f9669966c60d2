// Small folders as timm and transformers save them for their hubs, made from golden cases.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { writeSafetensors } from "../src/weights/safetensors.ts";
import { loadGolden } from "./golden-case.ts";

/** The goldens that the folders are made of. */
export const VIT = loadGolden("transformers/vit")!;
export const TIMM_VIT = loadGolden("timm-mini/vit_mini")!;

/** What most image processors of transformers say. */
export const PROCESSOR = {
  image_processor_type: "ViTImageProcessor",
  size: { height: 24, width: 24 },
  resample: 2,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
};

export const LABELS = ["cat", "dog", "cow", "hen", "owl"];

/** config.json of a transformers folder with VIT's weights. */
export const VIT_CONFIG = { ...VIT.config, id2label: { ...LABELS }, label2id: undefined };

const { num_classes: _, ...timmArgs } = TIMM_VIT.config;

/** config.json of a timm folder with TIMM_VIT's weights. */
export const TIMM_CONFIG = {
  architecture: "vit_tiny_patch16_224",
  num_classes: 11,
  model_args: timmArgs,
  pretrained_cfg: { input_size: [3, 32, 32], crop_pct: 0.9, interpolation: "bicubic", mean: [0.5, 0.5, 0.5] },
};

/** Files by their path in the folder; objects become JSON, undefined ones are left out. Returns the folder. */
export function writeHubFolder(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array | object | undefined>>,
): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    if (content === undefined) continue;
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    const isFinished = typeof content === "string" || content instanceof Uint8Array;
    writeFileSync(join(folder, name), isFinished ? content : JSON.stringify(content));
  }
  return folder;
}

export const vitWeights = () => writeSafetensors(VIT.weights, { format: "pt" });
export const timmWeights = () => writeSafetensors(TIMM_VIT.weights, { format: "pt" });

/** A transformers folder; `more` replaces and adds files. */
export function writeVit(folder: string, more: Parameters<typeof writeHubFolder>[1] = {}): string {
  return writeHubFolder(folder, {
    "config.json": VIT_CONFIG,
    "preprocessor_config.json": PROCESSOR,
    "model.safetensors": vitWeights(),
    ...more,
  });
}

/** TIMM_VIT as an ONNX file that says nothing of itself. */
export function bareOnnx(): Uint8Array {
  const graph = inferenceGraph(defineModel("vit", TIMM_VIT.config));
  return lower(graph, { parameters: TIMM_VIT.weights, target: "portable" });
}
