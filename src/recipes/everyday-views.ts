// The bundled model's fourth stage, on everyday's data: long, with stronger augmentation, and with a teacher that answers for every view that the
// student sees, as sharply as it thinks ("A good teacher is patient and consistent", Beyer et al., CVPR 2022). The stages before it were right on
// 75 % of the training pictures and 64 % of the others: they had seen too few different ones.
import type { RecipeInput } from "../train/recipe.ts";
import { everydayLarger } from "./everyday-larger.ts";

export const everydayViews: RecipeInput = {
  ...everydayLarger,
  name: "everyday-views",
  summary: "goes on from everyday-larger with a teacher that answers for every view",
  augmentation: "random_resized_crop(96,0.3:1)|flip(0.5)|color_jitter(0.3,0.3,0.3)|normalize(imagenet)",
  epochs: 36,
  batch: 256,
  learning_rate: 1e-3,
  warmup_epochs: 0.5,
  mix_probability: 0.4,
  distillation: { sees: "view", weight: 0.7, temperature: 1, transform: "resize(224,224,bicubic)|normalize(inception)" },
};
