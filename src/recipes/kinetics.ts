// A video SparseFormer on Kinetics-400, for those who have the hardware: about 240,000 videos of ten seconds in 400 classes.
// Of the paper (arXiv 2304.03768) and its repository (showlab/sparseformer): the model, which is that for pictures with its tokens repeated along time,
// sampled in space and time (sparseformer/media.py), and that it begins with the weights for ImageNet (load_2d_state_dict). Weights for videos were
// announced and never published, and nothing is published there of how they were trained. So length, rates, augmentation and the number of repeats are
// ours: those of the paper's recipe for pictures, shorter, as is usual when a model begins with weights for pictures, with less mixing and no erasing.
// Cost: 30 epochs of 240,000 clips of 32 frames, several data-centre GPUs; it was not run here. Say GFLOPs x (clips x crops) with the result: 4 x 3.
import { v1Config } from "../models/sparseformer/config.ts";
import type { RecipeInput } from "../train/recipe-fields.ts";

const REPLICATES = 8;

export const sparseformerKinetics: RecipeInput = {
  name: "sparseformer_v1_tiny-kinetics400",
  summary: "a video SparseFormer-T on Kinetics-400, from weights for ImageNet (--from sparseformer_v1_tiny.pth)",
  architecture: "media_sparseformer",
  config: {
    ...v1Config({ tokens: 49, focusWidth: 256, cortexWidth: 512, cortexUnits: 8, dropPathRate: 0.2 }),
    replicates: REPLICATES,
  },
  height: 224,
  width: 224,
  augmentation:
    "random_resized_crop(224,0.25:1,random)|flip(0.5)|rand_augment(rand-m7-mstd0.5-inc1)|normalize(imagenet)",
  transform: "resize_small(256,bilinear)|central_crop(224)|normalize(imagenet)",
  clip: { frames: 32, seconds_between_frames: 0.08, clips: 4 },
  epochs: 30,
  batch: 64,
  learning_rate: 3e-4,
  warmup_epochs: 2.5,
  warmup_rate: 1e-6,
  minimum_rate: 1e-6,
  weight_decay: 0.05,
  no_decay: ["initial_roi.*"],
  clip_norm: 5,
  ema_decay: 0.9999,
  label_smoothing: 0.1,
  mixup: 0.8,
  cutmix: 1,
  mix_probability: 0.5,
};
