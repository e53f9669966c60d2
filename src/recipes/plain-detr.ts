// Plain DETR on small made scenes, from scratch: what two cores learn in minutes, once with positions relative to boxes and once with absolute ones, which is
// all that tells the two apart. Things that photographs fill are too hard for it in that time; docs/dense.md has painted ones that are not.
//
//   saccade scenes pictures/ things/ --annotations coco --objects 1:3 --shapes --size 128 --evidence 56 --evidence-low 24 --clutter 2 \
//     --classes beach,bus,lion,pizza --count 4000 --held-out 400 --seed 5
//   saccade train things/ --recipe plain-detr
import type { RecipeInput } from "../train/recipe-fields.ts";

const SIZE = 128;

export const plainDetrRecipe: RecipeInput = {
  name: "plain-detr",
  summary: "trains a small Plain DETR, whose queries are told where cells lie to their boxes",
  architecture: "plain_detr",
  config: {
    img_size: SIZE,
    backbone: {
      embed_dim: 24,
      depths: [1, 1, 2, 1],
      num_heads: [1, 2, 4, 8],
      window_size: 8,
      pretrained_window_sizes: [0, 0, 0, 0],
      global_blocks: [[], [], [], [0]],
      drop_path_rate: 0,
    },
    upsample_stride: 8,
    hidden_dim: 64,
    nheads: 4,
    dec_layers: 3,
    dim_feedforward: 128,
    num_queries_one2one: 20,
    decoder_rpe_hidden_dim: 32,
    decoder_rpe_type: "abs_log8",
    proposal_tgt_strides: [8, 16, 32],
  },
  height: SIZE,
  width: SIZE,
  transform: `letterbox(${SIZE},${SIZE},bilinear)|normalize(imagenet)`,
  augmentation: `scale_jitter(${SIZE},0.8:1.25)|flip(0.5)|normalize(imagenet)`,
  annotations: { most: 8 },
  batch: 8,
  epochs: 6,
  learning_rate: 5e-4,
  minimum_rate: 1e-5,
  warmup_epochs: 0.5,
  weight_decay: 0.05,
  clip_norm: 0.5,
  ema_decay: 0.995,
};

export const plainDetrAbsoluteRecipe: RecipeInput = {
  ...plainDetrRecipe,
  name: "plain-detr-absolute",
  summary: "trains the small Plain DETR with absolute positions alone, for comparison",
  config: { ...plainDetrRecipe.config, decoder_type: "global_ape" },
};

/**
 * As the authors trained theirs over a SwinV2-S that masked pictures had taught, but for the rate's steps, which are a cosine here, and for the backbone, whose
 * rate is a tenth as over one that labels had taught, where theirs falls from block to block.
 */
export const plainDetrSwinv2Small: RecipeInput = {
  name: "plain-detr-swinv2-small",
  summary: "trains Plain DETR over SwinV2-S as in its paper",
  architecture: "plain_detr_swinv2_small_mim_boxrpb_reparam",
  config: { img_size: 800 },
  height: 800,
  width: 800,
  transform: "letterbox(800,800,bilinear)|normalize(imagenet)",
  augmentation: "scale_jitter(800,0.6:1.6)|flip(0.5)|normalize(imagenet)",
  annotations: { most: 100 },
  detection: { copies: 6 },
  batch: 1,
  accumulate: 16,
  epochs: 12,
  learning_rate: 2e-4,
  warmup_epochs: 0.15,
  rate_scales: { "backbone.0.net.*": 0.1 },
  weight_decay: 0.05,
  clip_norm: 0.1,
};
