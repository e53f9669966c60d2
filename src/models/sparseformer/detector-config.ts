// The sparse detector's configuration, and SparseFormer's that its looks are made of.
import { z } from "zod";
import { type SparseformerConfig, sparseformerSchema, type UnitOp } from "./config.ts";

const count = z.int().min(1).max(65536);

export const sparseDetectorSchema = z.strictObject({
  num_classes: count.default(80),
  /** Channels of the stem's map. */
  conv_dim: count.default(64),
  /** Tokens, and so boxes that it can find. */
  num_latent_tokens: count.default(100),
  num_sampling_points: z.int().min(2).max(4096).default(36),
  width: count.default(256),
  /** How often each token looks. */
  looks: z.int().min(1).max(64).default(6),
  /** Channels of an attention head. */
  attn_head_dim: count.default(32),
  /** Inner width of the mixing generator, in channels. */
  generator_width: z.int().min(1).max(65536).default(64),
  drop_path_rate: z.number().min(0).max(0.99).default(0),
  ln_eps: z.number().positive().default(1e-6),
  /** Side of the square that pictures are fitted into. */
  img_size: z.int().min(16).max(8192).default(640),
});

export type SparseDetectorConfig = z.infer<typeof sparseDetectorSchema>;
export type SparseDetectorInput = z.input<typeof sparseDetectorSchema>;

/** Tokens must know of each other where they look, so that two do not answer for one thing. */
const LOOK: UnitOp[] = ["PE_INJECT", "ATTN", "SAMPLING_M", "MLP"];

/** Every look is a unit with weights of its own. */
export function tokensConfig(config: SparseDetectorConfig): SparseformerConfig {
  const { conv_dim, num_latent_tokens, num_sampling_points, looks, width, attn_head_dim, drop_path_rate } = config;
  return sparseformerSchema.parse({
    conv_dim,
    num_latent_tokens,
    num_sampling_points,
    same_token_embedding: false,
    width_configs: new Array<number>(looks).fill(width),
    repeats: new Array<number>(looks).fill(1),
    ops_list: new Array<UnitOp[]>(looks).fill(LOOK),
    attn_head_dim,
    drop_path_rate,
    compatible_config: {
      pg_inner_dim: config.generator_width,
      mixing_bias: true,
      ln_eps: config.ln_eps,
      use_stage_embedding: false,
      grid_sample_config: { mode: "bilinear", padding_mode: "zeros", align_corners: false },
    },
  });
}
