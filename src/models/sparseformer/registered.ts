// The official SparseFormer releases by name (github.com/showlab/sparseformer, release v2.0.0-refactor).
import type { RegisteredModel } from "../registered-model.ts";
import { bootstrappedConfig, type SparseformerConfigInput, v1Config } from "./config.ts";

const RELEASE = "https://github.com/showlab/sparseformer/releases/download/v2.0.0-refactor";

function official(
  name: string,
  summary: string,
  config: SparseformerConfigInput,
  besides: Pick<RegisteredModel, "labels" | "textModel" | "isTextModelAssumed">,
): RegisteredModel {
  return {
    name,
    summary,
    architecture: "sparseformer",
    config: { ...config, model_type: name },
    ...besides,
    weights: { url: `${RELEASE}/${name}_converted.pth`, licence: "MIT" },
  };
}

const v1 = (size: string, tokens: number, width: number, cortexUnits: number, dropPathRate: number) =>
  official(
    `sparseformer_v1_${size}`,
    `SparseFormer-${size[0]!.toUpperCase()}: ${tokens} tokens, ImageNet-1k`,
    v1Config({ tokens, focusWidth: width / 2, cortexWidth: width, cortexUnits, dropPathRate }),
    { labels: "imagenet-1k" },
  );

const bootstrapped = (
  head: "augreg" | "openai_clip",
  size: string,
  tokens: number,
  width: number,
  cortexUnits: number,
) =>
  official(
    `sparseformer_btsp_${head}_${size}`,
    head === "augreg"
      ? `bootstrapped from a ViT (AugReg), ${tokens + 1} tokens, ImageNet-1k`
      : `bootstrapped from CLIP, ${tokens + 1} tokens, image embeddings`,
    bootstrappedConfig({
      tokens,
      focusWidth: width / 2,
      cortexWidth: width,
      cortexUnits,
      head: head === "augreg" ? "imagenet" : "clip",
      projectionWidth: head === "augreg" ? 1000 : size === "base" ? 512 : 768,
    }),
    // The release names the text tower of the large one alone, ViT-L/14. For the base one it is assumed that its teacher has patches of 16 pixels, as
    // the AugReg one's has.
    head === "augreg"
      ? { labels: "imagenet-1k" }
      : size === "base"
        ? { textModel: "clip_text_vit_b16", isTextModelAssumed: true }
        : { textModel: "clip_text_vit_l14" },
  );

export const registeredSparseformers: readonly RegisteredModel[] = [
  v1("tiny", 49, 512, 8, 0.2),
  v1("small", 64, 640, 8, 0.3),
  v1("base", 81, 768, 10, 0.4),
  bootstrapped("augreg", "base", 48, 768, 8),
  bootstrapped("augreg", "large", 48, 1024, 16),
  bootstrapped("openai_clip", "base", 48, 768, 8),
  bootstrapped("openai_clip", "large", 63, 1024, 16),
  {
    name: "sparse_detector_tiny",
    summary: "sparse detector: 49 tokens that look five times, width 128",
    architecture: "sparse_detector",
    config: { num_latent_tokens: 49, looks: 5, width: 128, conv_dim: 48 },
  },
  {
    name: "sparse_detector_small",
    summary: "sparse detector: 100 tokens that look six times, width 256",
    architecture: "sparse_detector",
    config: {},
  },
  {
    name: "media_sparseformer_v1_tiny",
    summary: "SparseFormer-T for video: tokens in four slices of time, takes the image model's weights",
    architecture: "media_sparseformer",
    config: {
      ...v1Config({ tokens: 49, focusWidth: 256, cortexWidth: 512, cortexUnits: 8, dropPathRate: 0.2 }),
      model_type: "sparseformer_v1_tiny",
      replicates: 4,
    },
    labels: "imagenet-1k",
    weights: { url: `${RELEASE}/sparseformer_v1_tiny_converted.pth`, licence: "MIT" },
  },
];
