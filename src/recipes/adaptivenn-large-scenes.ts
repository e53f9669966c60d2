// AdaptiveNN beside gfnet-large-scenes (which says what the scenes are and why they are hard), over the same small ResNet: a cell of its map is a token. The
// glance and two fixations of 96 px, a state of 6 x 6 tokens, one block before it and one for each answer. It begins with the same encoder
// (large-scenes-encoder); reinforcement and all else are learnt at once, on scenes with companions first.
import type { RecipeInput } from "../train/recipe-fields.ts";
import { SMALL_RESNET } from "./looking-at-scenes.ts";

export const adaptivennLargeScenes: RecipeInput = {
  name: "adaptivenn-large-scenes",
  summary: "AdaptiveNN over a small ResNet: a glance and two fixations of large scenes, all of it learnt at once",
  architecture: "adaptivenn",
  config: {
    arch: "resnet50",
    backbone: SMALL_RESNET,
    image_size: 448,
    crop_pct: 1,
    glance_input_size: 96,
    focus_patch_size: 96,
    focus_net_reg_size: 48,
    embed_dim: 96,
    num_heads: 3,
    mlp_ratio: 2,
    glance_net_depth: 2,
    focus_net_depth: 1,
    remaining_blocks: 1,
    seq_len: 2,
    recover_n: 3,
    policy_net_hidden_chans: 16,
  },
  height: 448,
  width: 448,
  augmentation: "resize(448,448)|flip(0.5)|normalize(imagenet)",
  transform: "resize(448,448)|normalize(imagenet)",
  epochs: 6,
  batch: 32,
  learning_rate: 6e-4,
  warmup_epochs: 0.25,
  warmup_rate: 1e-6,
  minimum_rate: 1e-5,
  weight_decay: 0.05,
  // Nothing reads them.
  freeze: ["glance_net.norm.*", "glance_net.head.*", "focus_net.norm.*", "focus_net.head.*"],
  clip_norm: 5,
  seed: 1,
  // Without the focus net alone: its batch normalisation would mix the statistics of whole scenes with those of patches.
  fixating: { focus_weight: 0, deviation: 0.25, last_deviation: 0.05 },
};
