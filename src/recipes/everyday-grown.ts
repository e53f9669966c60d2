// The bundled model's second stage, on everyday's data: the model that `everyday` made gets residual convolutions on the stem's map and an answer
// after the focusing stage, and learns on with lighter augmentation. `everyday` learns too little in its time, not too much: 59.8 % of the training
// pictures against 54.8 % of the others. The stem's first convolution is frozen, which pays for the new ones.
import type { RecipeInput } from "../train/recipe.ts";
import type { StagedRecipeInput } from "../train/staged-recipe.ts";
import { everyday } from "./everyday.ts";

export const everydayGrown: RecipeInput = {
  ...everyday,
  name: "everyday-grown",
  summary: "goes on from everyday with convolutions on the stem's map and an early answer",
  grow: { stem_blocks: 2, exit_layers: [1], drop_path_rate: 0 },
  augmentation: "random_resized_crop(64,0.4:1)|flip(0.5)|color_jitter(0.2,0.2,0.2)|normalize(imagenet)",
  epochs: 12,
  learning_rate: 5e-4,
  warmup_epochs: 0.25,
  freeze: ["feat_extractor.conv1.*"],
  label_smoothing: 0,
  mixup: 0,
  cutmix: 1,
  mix_probability: 0.15,
  exit_weight: 0.2,
};

/** What made the bundled model, in one command. */
export const everydayFull: StagedRecipeInput = {
  name: "everyday-full",
  summary: "everyday, then everyday-grown: what made the bundled model",
  stages: [everyday, everydayGrown],
};
