// Configurations of the Swin family, with timm's names (timm/models/swin_transformer.py SwinTransformer, swin_transformer_v2.py SwinTransformerV2);
// what timm does not have is called as in microsoft/Swin-Transformer (models/swin_mlp.py SwinMLP).
import { z } from "zod";
import type { TokenModel } from "../../nn/tokens/system.ts";
import { type Extent, gridOf, imageSizeField, isReasonableGrid, MAX_PATCHES } from "../image-size.ts";
import { timmFields } from "../timm.ts";
import { tokensFault, tokensField } from "../token-reduction.ts";

const count = z.int().min(1).max(16384);
/** Attention inside a window compares all its cells with all: a side of 32 makes a million pairs. */
const window = z.int().min(1).max(32);

/** Fields that the whole family has. */
const familyFields = {
  ...timmFields,
  img_size: imageSizeField.default(224),
  /** Side of a patch in pixels. */
  patch_size: count.default(4),
  /** Width of the first stage; each further one is twice as wide. */
  embed_dim: count.max(1024).default(96),
  /** Blocks a stage. */
  depths: z.array(z.int().min(1).max(256)).min(1).max(6).default([2, 2, 6, 2]),
  /** Heads a stage. */
  num_heads: z.array(count).min(1).max(6).default([3, 6, 12, 24]),
  /** Side of a window in cells of the stage's map; (height, width) if it is no square. */
  window_size: z.union([window, z.tuple([window, window])]).default(7),
  mlp_ratio: z.number().positive().max(64).default(4),
  drop_path_rate: timmFields.drop_path_rate.unwrap().default(0.1),
  /** Whether patches get learnt positions too. Absent in all released models. */
  ape: z.boolean().optional(),
} as const;

/** What determines maps, windows and widths. */
export type SwinShape = Pick<
  z.infer<z.ZodObject<typeof familyFields>>,
  "img_size" | "patch_size" | "embed_dim" | "depths" | "num_heads" | "window_size"
>;

/** What a reduction of tokens leaves as it is. */
const attentionFields = {
  ...familyFields,
  qkv_bias: z.boolean().default(true),
  /** What is done with tokens on the way, in the language of nn/tokens/language.ts; its blocks count through all stages. Absent: all stay. */
  tokens: tokensField.optional(),
} as const;

/** Complains about widths that heads do not divide, and about pictures that are too small or too large. */
function checkShape(config: SwinShape, context: z.RefinementCtx): void {
  const { depths, num_heads, embed_dim, img_size, patch_size } = config;
  const complain = (message: string) => context.addIssue({ code: "custom", message });
  if (depths.length !== num_heads.length || !num_heads.every((heads, i) => (embed_dim * 2 ** i) % heads === 0))
    complain("num_heads must divide the width of each stage, one entry a stage as in depths");
  const grid = gridOf(img_size, patch_size);
  const last = 2 ** (depths.length - 1);
  if (!isReasonableGrid(grid) || Math.min(grid.height, grid.width) < last)
    complain(`img_size must have at most ${MAX_PATCHES} patches of patch_size, and one for the last stage`);
}

/** As `checkShape`, and about reductions of tokens that make no sense here. */
function checkAttention(config: SwinShape & { readonly tokens?: string | undefined }, context: z.RefinementCtx): void {
  const before = context.issues.length;
  checkShape(config, context);
  if (config.tokens === undefined || context.issues.length > before) return;
  const fault = tokensFault(config.tokens, tokenModel(config));
  if (fault !== undefined) context.addIssue({ code: "custom", path: ["tokens"], message: fault });
}

export const swinSchema = z.strictObject(attentionFields).superRefine(checkAttention);

export type SwinConfig = z.infer<typeof swinSchema>;

export const swinv2Schema = z
  .strictObject({
    ...attentionFields,
    /** Sides of the windows that position biases were learnt in, one a stage; 0 for the model's own. Absent: its own in all stages. */
    pretrained_window_sizes: z.array(z.int().min(0).max(64)).max(6).optional(),
  })
  .superRefine(checkAttention)
  .refine(
    ({ pretrained_window_sizes: sizes, depths }) => sizes === undefined || sizes.length === depths.length,
    "pretrained_window_sizes must have one entry a stage",
  );

export type Swinv2Config = z.infer<typeof swinv2Schema>;

export const swinMlpSchema = z.strictObject(familyFields).superRefine(checkShape);

export type SwinMlpConfig = z.infer<typeof swinMlpSchema>;

/** What all members have. */
export type FamilyConfig = SwinMlpConfig;

/** One stage as the picture's size determines it. All in cells of its map. */
export interface StageGeometry {
  readonly width: number;
  readonly heads: number;
  readonly map: Extent;
  readonly window: Extent;
  /** How far every second block's windows are moved. */
  readonly shift: Extent;
}

/**
 * The stages' maps and windows. A map that is no larger than a window is one window, and nothing is shifted. timm decides that by sizes
 * halved with rounding down, while merging pads odd maps and rounds up; checkpoints have bias tables of the windows so decided.
 */
export function stageGeometry({
  img_size,
  patch_size,
  embed_dim,
  num_heads,
  window_size,
  depths,
}: SwinShape): StageGeometry[] {
  const [tall, wide] = typeof window_size === "number" ? [window_size, window_size] : window_size;
  let map = gridOf(img_size, patch_size);
  let nominal = map;
  return depths.map((_, stage) => {
    if (stage > 0) {
      map = { height: Math.ceil(map.height / 2), width: Math.ceil(map.width / 2) };
      nominal = { height: Math.floor(nominal.height / 2), width: Math.floor(nominal.width / 2) };
    }
    return {
      width: embed_dim * 2 ** stage,
      heads: num_heads[stage]!,
      map,
      window: { height: Math.min(nominal.height, tall), width: Math.min(nominal.width, wide) },
      shift: {
        height: nominal.height <= tall ? 0 : Math.floor(tall / 2),
        width: nominal.width <= wide ? 0 : Math.floor(wide / 2),
      },
    };
  });
}

/** What a reduction of tokens may know of the model; width and heads are those of the first stage. */
export function tokenModel(config: SwinShape): TokenModel {
  const stages = stageGeometry(config);
  const byBlock = stages.flatMap((stage, i) => new Array<StageGeometry>(config.depths[i]!).fill(stage));
  return {
    blocks: byBlock.length,
    special: 0,
    grid: stages[0]!.map,
    width: stages[0]!.width,
    heads: stages[0]!.heads,
    layout: "windows",
    windowAt: (block) => byBlock[block]!.window,
  };
}
