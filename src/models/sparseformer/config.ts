// SparseFormer's configuration, with the official parameter names (showlab/sparseformer, sparseformer/sparseformer/config.py), and the
// official configurations as functions of the number of tokens.
import { z } from "zod";

/** One step of a unit, in the order in which the unit runs them. */
export const OPS = ["ATTN", "MLP", "SAMPLING_M", "ROI_ADJ", "PE_INJECT"] as const;
export type UnitOp = (typeof OPS)[number];

const count = z.int().min(1).max(65536);

/** What differs between the releases. Defaults are the official ones (utils.py, CompatibleAttrDict). */
const compatibleConfig = z
  .object({
    /** 1: always 64 heads. 2: one head per 64 channels. A number under `num_attn_heads` overrides both. */
    type_num_attn_heads: z.union([z.literal(1), z.literal(2)]).default(2),
    /** 1: one linear layer adjusts regions. 2: two with GELU. */
    type_op_adjust: z.union([z.literal(1), z.literal(2)]).default(2),
    restrict_grad_norm: z.boolean().default(false),
    /** Inner width of the mixing generator: a fraction of the width, or channels. */
    pg_inner_dim: z.number().positive().max(65536).default(0.25),
    transition_ln: z.boolean().default(false),
    mixing_bias: z.boolean().default(false),
    ln_eps: z.number().positive().default(1e-5),
    use_stage_embedding: z.boolean().default(true),
    clip_quick_gelu: z.boolean().default(false),
    grid_sample_config: z
      .object({
        mode: z.literal("bilinear").default("bilinear"),
        padding_mode: z.enum(["zeros", "border"]).default("border"),
        align_corners: z.literal(false).default(false),
      })
      .default({ mode: "bilinear", padding_mode: "border", align_corners: false }),
    /** First release (imagenet/models/sparseformer.py): unbiased channel norm with epsilon 1e-7, offsets with epsilon 1e-7. */
    first_release_numerics: z.boolean().default(false),
    /** Mixing makes at least this many output points. 32 officially, 1 in the first release. */
    min_out_points: count.default(32),
  })
  .prefault({});

const fields = {
  conv_dim: count.default(96),
  num_latent_tokens: count.default(49),
  num_sampling_points: z.int().min(2).max(4096).default(36),
  same_token_embedding: z.boolean().default(true),
  cls_token_insert_layer: z.int().min(-1).default(-1),
  width_configs: z.array(count).min(1).max(256),
  repeats: z.array(z.int().min(1).max(64)).min(1).max(256),
  drop_path_rate: z.number().min(0).max(0.99).default(0),
  ops_list: z
    .array(z.array(z.enum(OPS)).min(1))
    .min(1)
    .max(256),
  head_op: z.enum(["avg", "cls"]).default("avg"),
  proj_dim: count.default(1000),
  proj_bias: z.boolean().default(true),
  /** Overrides the head count of compatible_config.type_num_attn_heads: one head per this many channels. */
  attn_head_dim: count.optional(),
  compatible_config: compatibleConfig,
  normalization_factor: z
    .tuple([z.tuple([z.number(), z.number(), z.number()]), z.tuple([z.number(), z.number(), z.number()])])
    .optional(),
  model_type: z.string().optional(),
  /** Extension: residual 3 x 3 convolutions on the stem's map (stem-blocks.ts). */
  stem_blocks: z.int().min(0).max(16).default(0),
  /** Extension: units after which a classifier of its own may answer early, from 0. The outputs are `exit.N.logits`. */
  exit_layers: z.array(z.int().min(0)).max(256).default([]),
} as const;

function consistent(config: {
  width_configs: number[];
  repeats: number[];
  ops_list: string[][];
  head_op: string;
  cls_token_insert_layer: number;
  exit_layers: number[];
}): boolean {
  return (
    config.repeats.length === config.width_configs.length &&
    config.ops_list.length === config.width_configs.length &&
    config.exit_layers.every((unit, i, all) => unit < config.width_configs.length && (i === 0 || unit > all[i - 1]!)) &&
    (config.head_op !== "cls" ||
      (config.cls_token_insert_layer >= 1 && config.cls_token_insert_layer < config.width_configs.length))
  );
}

const INCONSISTENT =
  "width_configs, repeats and ops_list need one entry a unit, head_op cls needs cls_token_insert_layer between 1 and the last unit, and exit_layers are units in rising order";

export const sparseformerSchema = z.looseObject(fields).refine(consistent, INCONSISTENT);
export const mediaSparseformerSchema = z
  .looseObject({ ...fields, replicates: count.default(1) })
  .refine(consistent, INCONSISTENT);

export type SparseformerConfig = z.infer<typeof sparseformerSchema>;
export type MediaSparseformerConfig = z.infer<typeof mediaSparseformerSchema>;
/** What a caller writes: everything with a default may be left out. */
export type SparseformerConfigInput = z.input<typeof sparseformerSchema>;

const V1_FOCUS: UnitOp[] = ["ATTN", "ROI_ADJ", "SAMPLING_M", "MLP"];
const CORTEX: UnitOp[] = ["ATTN", "MLP"];

const IMAGENET_MEAN_STD: SparseformerConfigInput["normalization_factor"] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
];
const INCEPTION_MEAN_STD: SparseformerConfigInput["normalization_factor"] = [
  [0.5, 0.5, 0.5],
  [0.5, 0.5, 0.5],
];
const CLIP_MEAN_STD: SparseformerConfigInput["normalization_factor"] = [
  [0.48145466, 0.4578275, 0.40821073],
  [0.26862954, 0.26130258, 0.27577711],
];

/** Version 1: learned tokens, a focusing unit run `repeats[0]` times, a second one that opens the cortex, average head. */
export function v1Config(options: {
  tokens: number;
  focusWidth: number;
  cortexWidth: number;
  cortexUnits: number;
  dropPathRate: number;
}): SparseformerConfigInput {
  const { tokens, focusWidth, cortexWidth, cortexUnits, dropPathRate } = options;
  return {
    conv_dim: 96,
    num_latent_tokens: tokens,
    num_sampling_points: 36,
    same_token_embedding: false,
    width_configs: [focusWidth, ...new Array<number>(cortexUnits).fill(cortexWidth)],
    repeats: [4, ...new Array<number>(cortexUnits).fill(1)],
    ops_list: [V1_FOCUS, V1_FOCUS, ...new Array<UnitOp[]>(cortexUnits - 1).fill(CORTEX)],
    head_op: "avg",
    proj_dim: 1000,
    proj_bias: true,
    drop_path_rate: dropPathRate,
    compatible_config: {
      type_num_attn_heads: 1,
      type_op_adjust: 1,
      mixing_bias: true,
      transition_ln: true,
      ln_eps: 1e-6,
      use_stage_embedding: false,
      grid_sample_config: { mode: "bilinear", padding_mode: "zeros", align_corners: false },
    },
    normalization_factor: IMAGENET_MEAN_STD,
  };
}

/** Bootstrapped from a foundation model: one shared token, a class token that joins the cortex, position encoding of regions. */
export function bootstrappedConfig(options: {
  /** Latent tokens, without the class token. */
  tokens: number;
  focusWidth: number;
  cortexWidth: number;
  cortexUnits: number;
  head: "imagenet" | "clip";
  projectionWidth: number;
}): SparseformerConfigInput {
  const { tokens, focusWidth, cortexWidth, cortexUnits, head, projectionWidth } = options;
  return {
    conv_dim: 64,
    num_latent_tokens: tokens,
    num_sampling_points: 16,
    same_token_embedding: true,
    cls_token_insert_layer: 2,
    width_configs: [focusWidth, cortexWidth, ...new Array<number>(cortexUnits).fill(cortexWidth)],
    repeats: [4, 1, ...new Array<number>(cortexUnits).fill(1)],
    ops_list: [
      ["SAMPLING_M", "PE_INJECT", "ATTN", "MLP", "ROI_ADJ"],
      ["SAMPLING_M", "PE_INJECT"],
      ...new Array<UnitOp[]>(cortexUnits).fill(CORTEX),
    ],
    head_op: "cls",
    proj_dim: projectionWidth,
    proj_bias: head === "imagenet",
    compatible_config: { pg_inner_dim: 128, clip_quick_gelu: head === "clip" },
    normalization_factor: head === "clip" ? CLIP_MEAN_STD : INCEPTION_MEAN_STD,
  };
}
