// Clips whose class is only in time (`saccade motion`): a small video SparseFormer, and what a model of single frames makes of the same clips.
import type { SparseformerConfigInput, UnitOp } from "../models/sparseformer/config.ts";
import type { RecipeInput } from "../train/recipe-fields.ts";

const FOCUS: UnitOp[] = ["ATTN", "ROI_ADJ", "SAMPLING_M", "MLP"];
const CORTEX: UnitOp[] = ["ATTN", "MLP"];
const SIZE = 32;

const SMALL: SparseformerConfigInput & Record<string, unknown> = {
  conv_dim: 24,
  num_latent_tokens: 9,
  num_sampling_points: 32,
  same_token_embedding: false,
  width_configs: [96, 128, 128],
  repeats: [2, 1, 1],
  ops_list: [FOCUS, FOCUS, CORTEX],
  head_op: "avg",
  drop_path_rate: 0,
  attn_head_dim: 32,
  compatible_config: {
    type_op_adjust: 1,
    mixing_bias: true,
    transition_ln: true,
    ln_eps: 1e-6,
    use_stage_embedding: false,
    restrict_grad_norm: true,
    min_out_points: 16,
    grid_sample_config: { mode: "bilinear", padding_mode: "zeros", align_corners: false },
  },
};

/** Mirrored clips would be of another class. */
const onClips = {
  height: SIZE,
  width: SIZE,
  augmentation: `resize(${SIZE},${SIZE})|color_jitter(0.2,0.2,0.2)|normalize(imagenet)`,
  transform: `resize(${SIZE},${SIZE})|normalize(imagenet)`,
  learning_rate: 1.5e-3,
  warmup_epochs: 1,
  warmup_rate: 1e-6,
  minimum_rate: 1e-5,
  weight_decay: 0.05,
  no_decay: ["initial_roi.*"],
  clip_norm: 5,
  ema_decay: 0.995,
  seed: 1,
} as const;

export const motion: RecipeInput = {
  ...onClips,
  name: "motion",
  summary: "a small video SparseFormer for clips whose class is only in time",
  architecture: "media_sparseformer",
  config: { ...SMALL, replicates: 2 },
  clip: { frames: 8 },
  epochs: 40,
  batch: 32,
};

export const motionFrames: RecipeInput = {
  ...onClips,
  name: "motion-frames",
  summary: "the same SparseFormer for pictures, on single frames of the clips: what motion is compared with",
  architecture: "sparseformer",
  config: SMALL,
  clip: { frames: 1 },
  epochs: 20,
  batch: 64,
};
