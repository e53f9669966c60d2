// A small ParaTransCNN on made scenes: what two cores learn in minutes, and how it is compared with its halves (config.branches: "cnn", "transformer").
//
//   saccade scenes pictures/ scenes/ --annotations masks --objects 1:3 --shapes --size 64 --evidence 40 --evidence-low 24 --clutter 3 \
//     --classes beach,bus,lion,pizza --count 2400 --held-out 300
//   saccade train scenes/ --recipe paratranscnn-scenes
import type { RecipeInput } from "../train/recipe-fields.ts";

const SIZE = 64;

export const paratranscnnScenes: RecipeInput = {
  name: "paratranscnn-scenes",
  summary: "trains a small ParaTransCNN, a ResNet and a transformer side by side, to say what every pixel is",
  architecture: "paratranscnn_small",
  config: { img_size: SIZE },
  height: SIZE,
  width: SIZE,
  transform: `resize(${SIZE},${SIZE},bicubic)|normalize(imagenet)`,
  augmentation: `scale_jitter(${SIZE},0.8:1.25)|flip(0.5)|normalize(imagenet)`,
  annotations: { most: 4, semantic: { height: SIZE, width: SIZE } },
  segmentation: { cross_entropy_weight: 0.5, dice_weight: 0.5 },
  batch: 16,
  epochs: 8,
  learning_rate: 1e-3,
  minimum_rate: 1e-5,
  warmup_epochs: 0.5,
  weight_decay: 0.01,
  clip_norm: 1,
};
