// The two SparseFormer architectures as the registry sees them.
import type { Tensor } from "../../graph/tensor.ts";
import type { InferenceOptions } from "../../nn/mode.ts";
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import {
  type MediaSparseformerConfig,
  mediaSparseformerSchema,
  type SparseformerConfig,
  sparseformerSchema,
} from "./config.ts";
import { canComputeWhereSampled } from "./features.ts";
import { sparseformerFollowing } from "./following.ts";
import { type SparseformerOutputs, sparseformer } from "./model.ts";
import { sparseformerStages } from "./stages.ts";
import { adoptMediaWeights, adoptSparseformerWeights, isOfPictures } from "./weights.ts";

/** Outputs under the names that goldens, exports and sessions use. */
function named(outputs: SparseformerOutputs): Record<string, Tensor> {
  const result: Record<string, Tensor> = {
    logits: outputs.logits,
    features: outputs.features,
    token_embedding: outputs.tokenEmbedding,
    token_roi: outputs.tokenRoi,
  };
  outputs.hiddenRois.forEach((roi, i) => {
    result[`hidden_rois.${i}`] = roi;
  });
  outputs.exits.forEach((logits, i) => {
    result[`exit.${i}.logits`] = logits;
  });
  outputs.gaze.forEach(({ regions, points }, i) => {
    result[`gaze.${i}.regions`] = regions;
    result[`gaze.${i}.points`] = points;
  });
  return result;
}

/** Shorter side to 256, centre 224 (factory.py create_preprocessing: torchvision's default bilinear), with the model's own mean and deviation. */
function evaluationTransform(config: SparseformerConfig): string {
  const [mean, std] = config.normalization_factor ?? [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ];
  const key = mean.join();
  const preset = key.startsWith("0.485")
    ? "imagenet"
    : key.startsWith("0.4814")
      ? "clip"
      : key === "0.5,0.5,0.5"
        ? "inception"
        : undefined;
  return `resize_small(256,bilinear)|central_crop(224)|normalize(${preset ?? `mean=${mean.join("/")},std=${std.join("/")}`})`;
}

/**
 * Measured on CPUs: a point's patch costs as much as the whole stem does on so many pixels of a picture. Convolving it grows with the channels
 * as the stem does; finding and gathering its pixels does not.
 */
const pixelsPerPoint = (channels: number) => 125 + 2100 / channels;

/** In eight bits the whole stem takes less: so many times the pixels cost what they cost in floats. Patches are computed in floats. */
const PIXELS_IN_BYTES = 2.25;

/** Of pictures with so many pixels features are computed faster where they are sampled. */
export function sampledFrom(
  config: SparseformerConfig,
  { keepsBytes = false }: Pick<InferenceOptions, "keepsBytes"> = {},
): number | undefined {
  if (!canComputeWhereSampled(config)) return undefined;
  const looks = config.ops_list.map((ops, i) => ops.filter((op) => op === "SAMPLING_M").length * config.repeats[i]!);
  const points = config.num_latent_tokens * config.num_sampling_points * looks.reduce((a, b) => a + b, 0);
  return Math.ceil(points * pixelsPerPoint(config.conv_dim) * (keepsBytes ? PIXELS_IN_BYTES : 1));
}

const answers = (config: SparseformerConfig) => (config.proj_bias ? "classes" : "embedding");

export const sparseformerArchitecture: Architecture<SparseformerConfig> = {
  name: "sparseformer",
  paper: "https://arxiv.org/abs/2304.03768, https://arxiv.org/abs/2312.01987",
  parseConfig: (json) => checkConfig(sparseformerSchema, "sparseformer", json),
  fields: Object.keys(sparseformerSchema.shape),
  input: () => ({ kind: "image", size: "free", usual: { height: 224, width: 224 } }),
  build: (scope, image, config, mode) => named(sparseformer(scope, image, config, mode)),
  buildFromPixels: (scope, pixels, config, mode) => named(sparseformer(scope, pixels, config, mode)),
  sampledFrom,
  keepsBytes: true,
  stages: sparseformerStages,
  following: sparseformerFollowing,
  adoptWeights: adoptSparseformerWeights,
  classesField: "proj_dim",
  transform: evaluationTransform,
  answers,
};

export const mediaSparseformerArchitecture: Architecture<MediaSparseformerConfig> = {
  name: "media_sparseformer",
  paper: "https://arxiv.org/abs/2304.03768 (video model of showlab/sparseformer, media.py)",
  parseConfig: (json) => checkConfig(mediaSparseformerSchema, "media_sparseformer", json),
  fields: Object.keys(mediaSparseformerSchema.shape),
  input: () => ({ kind: "video", size: "free", usual: { height: 224, width: 224, frames: 8 } }),
  build: (scope, image, config, mode) => named(sparseformer(scope, image, config, mode, config.replicates)),
  inflates: "sparseformer",
  adoptWeights: adoptMediaWeights,
  isMadeFor: (tensors) => !isOfPictures(tensors),
  classesField: "proj_dim",
  transform: evaluationTransform,
  answers,
};
