// The official recipes of models that go on with fewer tokens, on ImageNet-1k with batches of 1024 on eight data-centre GPUs; they were not run here.
// DynamicViT (raoyongming/DynamicViT, main.py and README): begins with DeiT-S (--from deit_small_patch16_224); predictors learn at the full rate and everything else
// at a hundredth of it, class token and positions not at all. (There the rest also waits for five epochs.) DeiT-B: drop_path_rate 0.2 and share_weight 5.
// EViT (youweiliang/evit, run_code.sh and main.py, which follows DeiT): from fresh weights, all tokens for ten epochs, and fewer and fewer until the hundredth.
// finetune.sh begins with DeiT-S instead: 30 epochs at 2e-5, decay 1e-6, and no falling keep rate.
import type { RecipeInput } from "../train/recipe-fields.ts";

/** DeiT-S at 224 px; pictures are augmented and mixed as DeiT's are. */
const DEIT_SMALL = {
  architecture: "deit_small_patch16_224",
  height: 224,
  width: 224,
  augmentation:
    "random_resized_crop(224)|flip(0.5)|rand_augment(rand-m9-mstd0.5-inc1)|normalize(imagenet)|random_erasing(0.25)",
  transform: "resize_small(256,bicubic)|central_crop(224)|normalize(imagenet)",
  batch: 1024,
  weight_decay: 0.05,
  label_smoothing: 0.1,
  mixup: 0.8,
  cutmix: 1,
} as const;

export const dynamicvitDeitSmall: RecipeInput = {
  ...DEIT_SMALL,
  name: "dynamicvit-deit-small",
  summary: "DynamicViT over DeiT-S, the official recipe",
  tokens: "keep=0.7@3,6,9:dynamicvit",
  reducing: { share_weight: 2, answer_weight: 0.5, token_weight: 0.5 },
  epochs: 30,
  learning_rate: 1e-3,
  minimum_rate: 1e-6,
  warmup_epochs: 5,
  rate_scales: { "score_predictor.*": 1, "*": 0.01 },
  freeze: ["cls_token", "pos_embed"],
  ema_decay: 0.9999,
};

export const evitDeitSmall: RecipeInput = {
  ...DEIT_SMALL,
  name: "evit-deit-small",
  summary: "EViT over DeiT-S, the official recipe",
  config: { drop_path_rate: 0.1 },
  tokens: "keep=0.7@3,6,9:evit",
  reducing: { shrink_from: 10 / 300, shrink_until: 100 / 300 },
  epochs: 300,
  learning_rate: 1e-3,
  minimum_rate: 1e-5,
  warmup_epochs: 5,
  warmup_rate: 1e-6,
  repeats: 3,
};
