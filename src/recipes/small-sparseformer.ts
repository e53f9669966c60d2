// A SparseFormer of 2.5 million parameters for small pictures: 16 tokens of 16 points, three looks, one head per 64 channels.
import type { SparseformerConfigInput, UnitOp } from "../models/sparseformer/config.ts";

/** A unit that looks. */
export const FOCUS: UnitOp[] = ["ATTN", "ROI_ADJ", "SAMPLING_M", "MLP"];
/** A unit that works on the tokens alone. */
export const CORTEX: UnitOp[] = ["ATTN", "MLP"];

/** One way of computing everything, where official releases differ. */
export const PLAIN_NUMERICS = {
  type_op_adjust: 1,
  mixing_bias: true,
  transition_ln: true,
  ln_eps: 1e-6,
  use_stage_embedding: false,
  restrict_grad_norm: true,
  min_out_points: 16,
  grid_sample_config: { mode: "bilinear", padding_mode: "zeros", align_corners: false },
} as const;

export const SMALL_SPARSEFORMER: SparseformerConfigInput & Record<string, unknown> = {
  conv_dim: 48,
  num_latent_tokens: 16,
  num_sampling_points: 16,
  same_token_embedding: false,
  width_configs: [128, 192, 192, 192, 192],
  repeats: [2, 1, 1, 1, 1],
  ops_list: [FOCUS, FOCUS, CORTEX, CORTEX, CORTEX],
  head_op: "avg",
  drop_path_rate: 0.05,
  attn_head_dim: 64,
  compatible_config: PLAIN_NUMERICS,
};

/** The same with two more units of the cortex: what saccade/photographs is, and what fine-tuning begins with. */
export const WITH_TWO_MORE_UNITS = {
  width_configs: [...SMALL_SPARSEFORMER.width_configs, 192, 192],
  repeats: [...SMALL_SPARSEFORMER.repeats, 1, 1],
  ops_list: [...SMALL_SPARSEFORMER.ops_list, CORTEX, CORTEX],
};
