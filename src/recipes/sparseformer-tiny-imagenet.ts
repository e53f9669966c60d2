// The official recipe of SparseFormer-T on ImageNet-1k (showlab/sparseformer, imagenet/configs/sparseformer_t.yaml and config.py), in full.
// Cost: 300 epochs of 1.28 million pictures, eight data-centre GPUs there; it was not run here. Official result: 81.0 % top-1.
// Batch 1024 and rates scaled by batch / 512, as the official code scales them.
import type { RecipeInput } from "../train/recipe-fields.ts";

export const sparseformerTinyImagenet: RecipeInput = {
  name: "sparseformer_v1_tiny-imagenet",
  summary: "the official 300-epoch recipe on ImageNet-1k",
  architecture: "sparseformer_v1_tiny",
  config: { drop_path_rate: 0.2, compatible_config: { ...firstReleaseNumerics() } },
  height: 224,
  width: 224,
  augmentation:
    "random_resized_crop(224)|flip(0.5)|rand_augment(rand-m9-mstd0.5-inc1)|normalize(imagenet)|random_erasing(0.25)",
  transform: "resize_small(256,bicubic)|central_crop(224)|normalize(imagenet)",
  epochs: 300,
  batch: 1024,
  optimizer: "adamw",
  learning_rate: 1e-3,
  warmup_epochs: 20,
  warmup_rate: 1e-6,
  minimum_rate: 1e-5,
  weight_decay: 0.05,
  no_decay: ["initial_roi.*"],
  clip_norm: 5,
  ema_decay: 0.9999,
  label_smoothing: 0.1,
  mixup: 0.8,
  cutmix: 1,
  repeats: 3,
};

/** What the training code of the first release computes; the restricted gradient of sampling points belongs to it. */
function firstReleaseNumerics() {
  return {
    type_num_attn_heads: 1,
    type_op_adjust: 1,
    mixing_bias: true,
    transition_ln: true,
    ln_eps: 1e-6,
    use_stage_embedding: false,
    grid_sample_config: { mode: "bilinear", padding_mode: "zeros", align_corners: false },
    restrict_grad_norm: true,
    first_release_numerics: true,
  };
}
