// The smallest AdaptiveNN: two fixations of four tokens in pictures of the toy's size.
import { SIZE } from "./shapes.ts";

export const FIXATING_TOY = {
  image_size: SIZE,
  glance_input_size: 16,
  focus_patch_size: 16,
  focus_net_reg_size: 16,
  patch_size: 8,
  embed_dim: 8,
  num_heads: 2,
  glance_net_depth: 2,
  focus_net_depth: 1,
  remaining_blocks: 1,
  seq_len: 2,
  recover_n: 3,
  policy_net_hidden_chans: 2,
};
