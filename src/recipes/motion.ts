// Clips whose class is only in time (`saccade motion`): a small video SparseFormer, and what a model of single frames makes of the same clips.
// Result on 500 held-out clips of ten classes (direction, size, appearance, speed; 2,400 to learn from): 96.4 % top-1, frames alone 11.2 %. With rotation and order,
// which it tells no better than guessing, 83.9 % of 14 classes (24 epochs). TSM, begun with directions alone: 91.4 % of the ten; GFNet over it: 93.6 %.
import type { SparseformerConfigInput } from "../models/sparseformer/config.ts";
import type { RecipeInput } from "../train/recipe-fields.ts";
import type { StagedRecipeInput } from "../train/staged-recipe.ts";
import { CORTEX, FOCUS, PLAIN_NUMERICS } from "./small-sparseformer.ts";

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
  compatible_config: PLAIN_NUMERICS,
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
  config: { ...SMALL, replicates: 2, exit_layers: [0, 1] },
  clip: { frames: 8 },
  epochs: 18,
  batch: 32,
  exit_weight: 0.3,
};

export const motionFrames: RecipeInput = {
  ...onClips,
  name: "motion-frames",
  summary: "the same SparseFormer for pictures, on single frames of the clips: what motion is compared with",
  architecture: "sparseformer",
  config: SMALL,
  clip: { frames: 1 },
  epochs: 4,
  batch: 64,
};

/** A ResNet of 0.1 million parameters, whose branches, where frames meet, count from the first step on. */
const SMALL_RESNET = {
  ...{ block: "BasicBlock", layers: [1, 1, 1], channels: [24, 48, 64], stem_channels: 12 },
  zero_init_last: false,
};
/** Neighbouring frames, between which things move by less than a cell of the maps that are shifted. */
const NEIGHBOURS = { frames: 8, seconds_between_frames: 0.083 };
const SIDEWAYS = ["moves left", "moves right"] as const;
const UPRIGHT = ["moves up", "moves down"] as const;
const TURNING = ["turns clockwise", "turns counterclockwise"] as const;
/** What a clip is once it is mirrored, upside down or played backwards: without it a convolutional network learns by heart what is in the clips. */
const FLIPS = {
  horizontal: [SIDEWAYS, TURNING],
  vertical: [UPRIGHT, TURNING],
  time: [
    SIDEWAYS,
    UPRIGHT,
    TURNING,
    ["comes closer", "goes away"],
    ["grey then colour", "colour then grey"],
    ["appears", "disappears"],
  ],
} as const;
/** Patches of 32 px are a half of this. */
const GFNET_SIZE = 64;

export const motionTsm: RecipeInput = {
  ...onClips,
  name: "motion-tsm",
  summary: "a small TSM on neighbouring frames of 32 px, which motion-gfnet begins with",
  architecture: "tsm",
  config: {
    base_model: "resnet18",
    backbone: SMALL_RESNET,
    num_segments: 8,
    shift_div: 4,
    input_size: SIZE,
    crop_pct: 1,
    dropout: 0,
  },
  clip: NEIGHBOURS,
  flips: FLIPS,
  learning_rate: 3e-3,
  ema_decay: 0.99,
  epochs: 16,
  batch: 32,
};

const looking = (stage: 1 | 2 | 3, summary: string, epochs: number, learning_rate: number): RecipeInput => ({
  ...onClips,
  name: `motion-gfnet-stage-${stage}`,
  summary,
  architecture: "gfnet",
  config: {
    arch: "resnet50",
    backbone: SMALL_RESNET,
    num_segments: 8,
    shift_div: 4,
    patch_size: SIZE,
    image_size: GFNET_SIZE,
    T: 3,
    crop_pct: 1,
    fc_hidden_dim: 128,
    policy_hidden_dim: 128,
  },
  height: GFNET_SIZE,
  width: GFNET_SIZE,
  augmentation: `resize(${GFNET_SIZE},${GFNET_SIZE})|color_jitter(0.2,0.2,0.2)|normalize(imagenet)`,
  transform: `resize(${GFNET_SIZE},${GFNET_SIZE})|normalize(imagenet)`,
  clip: NEIGHBOURS,
  flips: FLIPS,
  epochs,
  batch: 32,
  learning_rate,
  warmup_epochs: 0.25,
  ema_decay: stage === 2 ? 0 : 0.99,
  weight_decay: stage === 2 ? 0 : 0.05,
  ...(stage === 2 ? { minimum_rate: learning_rate } : {}),
  looking: { stage },
});

export const motionGfnet: StagedRecipeInput = {
  name: "motion-gfnet",
  summary: "glance and focus over a small TSM, in the three official stages",
  stages: [
    looking(1, "encoders and classifier on patches at random places", 6, 1e-3),
    looking(2, "the policy, by reinforcement", 2, 3e-4),
    looking(3, "encoders and classifier on the patches that the policy chooses", 3, 3e-4),
  ],
};
