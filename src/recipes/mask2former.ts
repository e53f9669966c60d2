// Mask2Former from scratch on made scenes with outlines: a small one, whose encoder may stop early (ECO-M2F). `mask2former-scenes` is ECO's first step, in which every exit learns;
// `eco-m2f-scenes` goes on with the gate that chooses among the exits. The second stage alone takes any Mask2Former with a gate:
//
//   saccade scenes pictures/ scenes/ --annotations coco --objects 1:4 --shapes --size 128 --evidence 56 --evidence-low 24 --clutter 4 --count 3000 --held-out 400
//   saccade train scenes/ --recipe eco-m2f-scenes
//   saccade train scenes/ --recipe eco-m2f-scenes --stage 2 --from runs/mask2former-scenes/best
import type { RecipeInput } from "../train/recipe-fields.ts";
import type { StagedRecipeInput } from "../train/staged-recipe.ts";

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

/**
 * Qualities are told at the size that the pictures have. What exits are worth differs little from one to the next and much from picture to picture, so the average of the gate's weights
 * is kept.
 */
const mask2formerGate: RecipeInput = {
  ...mask2formerScenes,
  name: "mask2former-scenes-gate",
  summary: "the gate of a Mask2Former, which says after how many layers of the encoder a picture is answered for",
  annotations: { most: 8, masks: { height: SIZE, width: SIZE } },
  gating: { beta: 0.01 },
  augmentation: `letterbox(${SIZE},${SIZE},bilinear)|flip(0.5)|normalize(imagenet)`,
  epochs: 3,
  learning_rate: 5e-3,
  minimum_rate: 5e-4,
  warmup_epochs: 0,
  weight_decay: 0,
  ema_decay: 0.98,
};

export const ecoM2fScenes: StagedRecipeInput = {
  name: "eco-m2f-scenes",
  summary: "a small Mask2Former whose encoder stops as early as a gate says: all exits, and then the gate",
  stages: [mask2formerScenes, mask2formerGate],
};
