// A small DToP on made scenes: first a segmenter all of whose tokens go on, whose three heads learn alike; then the same with tokens that stop where a head is certain. The second stage
// is short, and the first one's model can be asked with any threshold too (--tokens stop=0.9:dtop).
//
//   saccade scenes pictures/ scenes/ --annotations masks --objects 1:3 --shapes --size 64 --evidence 40 --evidence-low 24 --clutter 3 --count 2400 --held-out 300
//   saccade train scenes/ --recipe dtop-scenes
import type { RecipeInput } from "../train/recipe-fields.ts";
import type { StagedRecipeInput } from "../train/staged-recipe.ts";

const SIZE = 64;

export const dtopScenesBase: RecipeInput = {
  name: "dtop-scenes-base",
  summary: "a small plain transformer that says what every pixel is, after each third of its layers",
  architecture: "dtop",
  config: {
    img_size: SIZE,
    backbone: { patch_size: 4, embed_dims: 48, num_layers: 6, num_heads: 3, out_indices: [1, 3, 5] },
    head: { channels: 24, num_heads: 3, layers_per_decoder: 1, dropout: 0 },
    normalization: "imagenet",
  },
  height: SIZE,
  width: SIZE,
  transform: `resize(${SIZE},${SIZE},bicubic)|normalize(imagenet)`,
  augmentation: `scale_jitter(${SIZE},0.9:1.1)|flip(0.5)|normalize(imagenet)`,
  annotations: { most: 8, semantic: { height: SIZE, width: SIZE } },
  batch: 16,
  epochs: 4,
  learning_rate: 1e-3,
  minimum_rate: 1e-5,
  warmup_epochs: 0.3,
  weight_decay: 0.01,
  clip_norm: 1,
};

const dtopScenesPruned: RecipeInput = {
  ...dtopScenesBase,
  name: "dtop-scenes-pruned",
  summary: "the same, with tokens that stop where a head is certain",
  tokens: "stop=0.9:dtop",
  epochs: 1,
  learning_rate: 1e-4,
  warmup_epochs: 0.1,
};

export const dtopScenes: StagedRecipeInput = {
  name: "dtop-scenes",
  summary: "a small DToP: a segmenter, and then the same with tokens that stop early",
  stages: [dtopScenesBase, dtopScenesPruned],
};
