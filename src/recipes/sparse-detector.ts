// The sparse detector (models/sparseformer/detector.ts) on small made scenes: what two cores learn in minutes, and how it is compared with other detectors.
//
//   saccade scenes pictures/ things/ --annotations coco --objects 1:3 --shapes --size 128 --evidence 56 --evidence-low 24 --clutter 2 \
//     --classes beach,bus,lion,pizza --count 4000 --held-out 400 --seed 5
//   saccade train things/ --recipe sparse-detector
//
// What it reached in eleven minutes on one core of a busy machine, about one epoch: AP 12.5 %, AP50 31 % on the 400 (docs/dense.md).
import type { RecipeInput } from "../train/recipe-fields.ts";

const SIZE = 128;

export const sparseDetectorRecipe: RecipeInput = {
  name: "sparse-detector",
  summary: "trains a sparse detector, whose tokens look at a picture through the boxes that they find",
  architecture: "sparse_detector",
  config: {
    num_latent_tokens: 25,
    num_sampling_points: 25,
    looks: 4,
    width: 128,
    conv_dim: 48,
    generator_width: 48,
    img_size: SIZE,
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
  clip_norm: 1,
  ema_decay: 0.995,
};
