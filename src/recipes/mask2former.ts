// Mask2Former from scratch on made scenes with outlines: a small one, whose encoder may stop early (ECO-M2F's first step: every exit learns). The gate that chooses among the
// exits does not learn by that: `exit` in the configuration says which one answers.
//
//   saccade scenes pictures/ scenes/ --annotations coco --objects 1:4 --shapes --size 128 --evidence 56 --evidence-low 24 --clutter 4 --count 3000 --held-out 400
//   saccade train scenes/ --recipe mask2former-scenes
import type { RecipeInput } from "../train/recipe-fields.ts";

/** Pixels that it sees. */
const SIZE = 96;

export const mask2formerScenes: RecipeInput = {
  name: "mask2former-scenes",
  summary: `a small Mask2Former with exits at ${SIZE} px, for made scenes with masks`,
  architecture: "mask2former",
  config: {
    img_size: SIZE,
    gate: true,
    // Windows as large as the smallest map but one.
    backbone: { embed_dim: 32, depths: [1, 1, 2, 1], num_heads: [1, 2, 4, 8], window_size: 6, drop_path_rate: 0 },
    ...{ conv_dim: 64, mask_dim: 32, nheads: 4, encoder_layers: 6, encoder_ffn: 128 },
    ...{ num_queries: 12, decoder_layers: 2, decoder_ffn: 128 },
  },
  height: SIZE,
  width: SIZE,
  augmentation: `scale_jitter(${SIZE},0.7:1.3)|flip(0.5)|normalize(imagenet)`,
  transform: `letterbox(${SIZE},${SIZE},bilinear)|normalize(imagenet)`,
  annotations: { most: 8, masks: { height: SIZE / 4, width: SIZE / 4 } },
  epochs: 6,
  batch: 16,
  learning_rate: 1e-3,
  warmup_epochs: 0.5,
  weight_decay: 0.05,
  clip_norm: 1,
};
