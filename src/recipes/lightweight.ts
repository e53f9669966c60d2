// A lightweight CNN of 14,862 parameters for digits (Isong, Building Efficient Lightweight CNN Models, 2025, arXiv 2501.15547), in the paper's two stages: first two equal branches
// side by side, one on pictures and one on augmented pictures; then one model of both, whose layers begin to learn one after another, the last first. What the paper does not state,
// layers, optimiser and epochs, is the project's own.
//
//   saccade train digits/ --recipe lightweight
//
// What it reached: 99.1 % on 2,003 digits of MNIST after 6,996 for training (one seed; bench/digits.ts, docs/models.md).
import type { RecipeInput } from "../train/recipe-fields.ts";
import type { StagedRecipeInput } from "../train/staged-recipe.ts";

const SIZE = 28;
const PLAIN = `resize(${SIZE},${SIZE},bilinear)|value_range(0,1)`;
/** Rotation, translation, zoom and brightness, the paper's four. */
const AUGMENTED = `resize(${SIZE},${SIZE},bilinear)|random_affine(12,0.08,0.85:1.15)|color_jitter(0.3,0,0)|value_range(0,1)`;

const COMMON = {
  architecture: "lightweight",
  height: SIZE,
  width: SIZE,
  transform: PLAIN,
  batch: 64,
  weight_decay: 0.01,
  ema_decay: 0.998,
  minimum_rate: 1e-5,
} as const;

const branches: RecipeInput = {
  ...COMMON,
  name: "lightweight-1",
  summary: "two branches, one on pictures and one on augmented pictures",
  config: { hidden: 0 },
  augmentation: PLAIN,
  dual_input: { augmentation: AUGMENTED },
  epochs: 30,
  learning_rate: 4e-3,
  warmup_epochs: 1,
};

const merged: RecipeInput = {
  ...COMMON,
  name: "lightweight-2",
  summary: "one model of both branches, unfrozen from its end",
  grow: { hidden: 24 },
  augmentation: AUGMENTED,
  unfreeze: {
    "branches.*.fc.*": 0.08,
    "*.conv4.*": 0.16,
    "*.bn4.*": 0.16,
    "*.conv3.*": 0.24,
    "*.bn3.*": 0.24,
    "*.conv2.*": 0.32,
    "*.bn2.*": 0.32,
    "*.conv1.*": 0.4,
    "*.bn1.*": 0.4,
  },
  epochs: 30,
  learning_rate: 2e-3,
  warmup_epochs: 1,
};

export const lightweightRecipe: StagedRecipeInput = {
  name: "lightweight",
  summary: "a CNN of 14,862 parameters: two branches, then both as one",
  stages: [branches, merged],
};

/** What it is compared with: all of the network at once on augmented pictures, as long as both stages take. */
export const lightweightAtOnce: RecipeInput = {
  ...COMMON,
  name: "lightweight-at-once",
  summary: "the same network trained at once",
  config: { hidden: 24 },
  augmentation: AUGMENTED,
  epochs: 60,
  learning_rate: 4e-3,
  warmup_epochs: 1,
};
