// AdaptiveNN's configuration, with the official names (LeapLabTHU/AdaptiveNN, models/dynamic_deitS.py and main_ppo.py). Defaults are the released
// model's. `arch` and `backbone` are this project's: tokens that a convolutional network makes instead of one linear map of each patch.
import { z } from "zod";
import { MAX_PATCHES } from "../image-size.ts";
import { timmFields, timmTransform } from "../timm.ts";

const count = z.int().min(1).max(16384);
const depth = z.int().min(1).max(256);
const side = z.int().min(1).max(4096);
const ratio = z.number().positive().max(64).default(4);
const dropPath = z.number().min(0).lt(1).default(0);
const odd = z
  .int()
  .min(1)
  .max(63)
  .refine((n) => n % 2 === 1, "must be odd");

const shape = z.strictObject({
  num_classes: timmFields.num_classes,
  /** Side of the picture that fixations choose from. */
  image_size: side.default(288),
  /** Side of the whole picture, shrunk, that the glance sees. */
  glance_input_size: side.default(112),
  /** Side of what a fixation sees, in the picture's own pixels. */
  focus_patch_size: side.default(112),
  /** Side of the whole picture, shrunk, that the focus net alone learns from in training. */
  focus_net_reg_size: side.default(160),
  /** Side of a token in pixels. */
  patch_size: count.default(16),
  embed_dim: count.default(384),
  num_heads: count.default(8),
  glance_net_depth: depth.default(12),
  glance_net_mlp_ratio: ratio,
  /** Share of pictures for which a block of the glance is left out in training; rises from block to block. */
  glance_net_drop_path: dropPath,
  focus_net_depth: depth.default(12),
  focus_net_mlp_ratio: ratio,
  focus_net_drop_path: dropPath,
  /** Of the blocks that answer after a fixation, which all have the same. */
  multi_cls_drop_path: dropPath,
  /** Blocks of the glance that only its answer goes through, and blocks that answer after each fixation. */
  remaining_blocks: depth.default(4),
  /** Fixations that there are weights for: each has norms, blocks and a head of its own. */
  seq_len: z.int().min(1).max(64).default(4),
  /** Fixations that are made, seq_len when nobody says otherwise. */
  fixations: z.int().min(1).max(64),
  /** A token of a patch changes so many by so many tokens of the state, around where it is. */
  recover_n: odd.default(5),
  policy_net_hidden_chans: count.default(128),
  policy_net_kernel_size: odd.default(3),
  /** A convolutional backbone (as GFNet's `arch`) whose map's cells are the tokens; its stride is patch_size. Default: patches are mapped linearly. */
  arch: z.string().max(100).optional(),
  /** Fields that change that backbone's own configuration. */
  backbone: z.record(z.string(), z.unknown()).optional(),
  /** The evaluation picture's share of the shorter side that pictures are resized to. */
  crop_pct: timmFields.crop_pct.unwrap().default(0.925),
  interpolation: timmFields.interpolation,
});

type Shape = z.infer<typeof shape>;

/** What cannot be, in words; undefined when all is well. */
function inconsistency(config: Shape): string | undefined {
  const { image_size, patch_size, focus_patch_size, embed_dim, num_heads } = config;
  if (embed_dim % num_heads !== 0) return "num_heads must divide embed_dim";
  if (focus_patch_size > image_size)
    return `focus_patch_size ${focus_patch_size} is larger than image_size ${image_size}`;
  for (const field of ["glance_input_size", "focus_patch_size", "focus_net_reg_size"] as const) {
    if (config[field] % patch_size !== 0) return `patch_size ${patch_size} must divide ${field} ${config[field]}`;
    if ((config[field] / patch_size) ** 2 > MAX_PATCHES) return `${field} has more than ${MAX_PATCHES} tokens`;
  }
  if (config.remaining_blocks > config.glance_net_depth)
    return `remaining_blocks ${config.remaining_blocks} are more than the glance's ${config.glance_net_depth}`;
  if (config.fixations > config.seq_len)
    return `fixations ${config.fixations} are more than there are weights for (seq_len ${config.seq_len})`;
  if (config.backbone !== undefined && config.arch === undefined)
    return "backbone changes the backbone that arch names";
  return undefined;
}

/** Completes what follows from other fields, then checks. `mlp_ratio` stands for both nets' own. */
export const adaptivennSchema = z.preprocess(
  (json) => {
    const { mlp_ratio, ...given } = (json ?? {}) as Record<string, unknown>;
    const ratios = mlp_ratio === undefined ? {} : { glance_net_mlp_ratio: mlp_ratio, focus_net_mlp_ratio: mlp_ratio };
    return { fixations: given.seq_len ?? 4, ...ratios, ...given };
  },
  shape.superRefine((config, context) => {
    const problem = inconsistency(config);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  }),
);

export type AdaptivennConfig = z.infer<typeof adaptivennSchema>;

/** Shorter side to image_size / crop_pct, the middle of it, ImageNet's mean and deviation. */
export function adaptivennTransform({ image_size, crop_pct, interpolation }: AdaptivennConfig): string {
  return timmTransform({ size: image_size, crop_pct, interpolation, normalization: "imagenet" });
}

/** Cells of the state, and tokens of a patch, along a side. */
export function gridSides({ glance_input_size, focus_patch_size, patch_size }: AdaptivennConfig) {
  return { state: glance_input_size / patch_size, focus: focus_patch_size / patch_size };
}
