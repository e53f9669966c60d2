// Terminator (arXiv 2401.17948): as its authors train it on CIFAR, from labels, the distance between its kernels and the sum of squares, by Kar3; and a smaller one for digits.
//
//   saccade train pictures/ --recipe terminator
//   saccade train digits/ --recipe terminator-digits
import type { RecipeInput } from "../train/recipe-fields.ts";

/** The authors' figures. It was not run here: an epoch of 50,000 pictures takes hours of a processor. */
export const terminatorRecipe: RecipeInput = {
  name: "terminator",
  summary: "Terminator at 32 px, as its paper trains it on CIFAR",
  architecture: "terminator",
  config: { drop_rate: 0.1 },
  height: 32,
  width: 32,
  augmentation: "resize(32,32,bicubic)|random_crop(32,4)|flip(0.5)|normalize(imagenet)",
  transform: "resize(32,32,bicubic)|normalize(imagenet)",
  slow_neural: { weight: 1, squares_weight: 5e-5 },
  optimizer: "kar3",
  epochs: 100,
  batch: 64,
  learning_rate: 1.215e-3,
  warmup_epochs: 8,
  weight_decay: 0,
  label_smoothing: 0.09,
};

export const terminatorDigitsRecipe: RecipeInput = {
  ...terminatorRecipe,
  name: "terminator-digits",
  summary: "a small Terminator of three blocks for digits at 16 px",
  config: { size: 16, bottleneck_factors: [4, 3, 2], global_layers: [3, 2, 2], previous: [0, 0, 1] },
  height: 16,
  width: 16,
  augmentation: "resize(16,16,bilinear)|random_affine(12,0.08,0.85:1.15)|normalize(imagenet)",
  transform: "resize(16,16,bilinear)|normalize(imagenet)",
  epochs: 10,
  warmup_epochs: 1,
};
