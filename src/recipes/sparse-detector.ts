// The sparse detector (models/sparseformer/detector.ts) on small made scenes: what two cores learn in minutes, and how it is compared with other detectors.
//
//   saccade scenes pictures/ things/ --annotations coco --objects 1:3 --shapes --size 64 --evidence 32 --evidence-low 18 --clutter 1 \
//     --classes beach,bus,lion,pizza --count 6000 --held-out 500 --seed 5
//   saccade train things/ --recipe sparse-detector
import type { RecipeInput } from "../train/recipe-fields.ts";

const SIZE = 64;

export const sparseDetectorRecipe: RecipeInput = {
  name: "sparse-detector",
  summary: "trains a sparse detector, whose tokens look at a picture through the boxes that they find",
  architecture: "sparse_detector",
  config: {
    num_latent_tokens: 16,
    num_sampling_points: 16,
    looks: 3,
    width: 96,
    conv_dim: 32,
    generator_width: 32,
    img_size: SIZE,
  },
  height: SIZE,
  width: SIZE,
  transform: `letterbox(${SIZE},${SIZE},bilinear)|normalize(imagenet)`,
  augmentation: `scale_jitter(${SIZE},0.8:1.25)|flip(0.5)|normalize(imagenet)`,
  annotations: { most: 8 },
  batch: 16,
  epochs: 4,
  learning_rate: 1e-3,
  minimum_rate: 1e-5,
  warmup_epochs: 0.5,
  weight_decay: 0.05,
  clip_norm: 1,
  ema_decay: 0.995,
};
