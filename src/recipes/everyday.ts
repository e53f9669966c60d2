// The bundled model: a small SparseFormer for 49 everyday things, 22,050 pictures of 64 x 64 (a relabelled part of Tiny-ImageNet).
// Cost: 24 epochs, 110 to 150 s each on two cores (150 to 200 pictures a second), and about five minutes for the teacher's one pass.
// Result with MobileNetV2 as the teacher: 58.2 % top-1, 85.3 % top-5 on the validation pictures; still rising slowly at the end. Trained on crops,
// it knows things larger than they are in whole pictures: those are looked at with 80 pixels a side. With 64, it is 54.8 and 83.3 %.
// This result and those of the stages that follow were measured when the teacher's classifier still knew the pictures that it judged.
import type { RecipeInput } from "../train/recipe-fields.ts";
import { SMALL_SPARSEFORMER } from "./small-sparseformer.ts";

export const everyday: RecipeInput = {
  name: "everyday",
  summary: "a small SparseFormer for 64 px pictures, from scratch or distilled",
  architecture: "sparseformer",
  config: SMALL_SPARSEFORMER,
  height: 64,
  width: 64,
  augmentation:
    "random_resized_crop(64,0.35:1)|flip(0.5)|color_jitter(0.3,0.3,0.3)|normalize(imagenet)|random_erasing(0.1)",
  transform: "resize_small(80,bicubic)|central_crop(80)|normalize(imagenet)",
  epochs: 24,
  batch: 64,
  learning_rate: 1e-3,
  warmup_epochs: 1,
  warmup_rate: 1e-6,
  minimum_rate: 1e-5,
  weight_decay: 0.05,
  no_decay: ["initial_roi.*"],
  clip_norm: 5,
  ema_decay: 0.998,
  label_smoothing: 0.1,
  mixup: 0.2,
  cutmix: 1,
  mix_probability: 0.5,
  distillation: { weight: 0.6, temperature: 2, transform: "resize(224,224,bicubic)|normalize(inception)" },
  seed: 1,
};
