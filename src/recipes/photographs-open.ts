// A model whose pictures' terms are all open: from fresh weights, without a teacher, on the photographs of flowers, groceries, garments and rubbish
// that are CC0, CC BY or MIT. The data is open.csv of bench/photographs-list.ts.
// Cost: 31 minutes with one thread. Result: 64.1 % top-1 (95 % interval 60 to 68) and 91.7 % top-5 on 521 validation pictures of these sources.
import type { RecipeInput } from "../train/recipe-fields.ts";
import { SMALL_SPARSEFORMER } from "./small-sparseformer.ts";

export const photographsOpen: RecipeInput = {
  name: "photographs-open",
  summary: "a small SparseFormer from scratch, on photographs whose terms are open",
  architecture: "sparseformer",
  config: { ...SMALL_SPARSEFORMER, stem_blocks: 2, exit_layers: [1], drop_path_rate: 0.05 },
  height: 96,
  width: 96,
  augmentation: "random_resized_crop(96,0.3:1)|flip(0.5)|color_jitter(0.3,0.3,0.3)|normalize(imagenet)",
  transform: "resize_small(112,bicubic)|central_crop(112)|normalize(imagenet)",
  epochs: 40,
  batch: 64,
  learning_rate: 1e-3,
  warmup_epochs: 2,
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
  exit_weight: 0.2,
  seed: 1,
};
