// CrossViT's configuration, with timm's names (timm/models/crossvit.py CrossVit). Lists have one entry a branch, unless they say otherwise.
import { z } from "zod";
import { type Extent, extentOf, type ImageSize, imageSizeField, isReasonableGrid, MAX_PATCHES } from "../image-size.ts";
import { timmFields } from "../timm.ts";

const count = z.int().min(1).max(4096);
const ratio = z.number().positive().max(64);
const pair = <T extends z.ZodType>(item: T) => z.tuple([item, item]);

export const crossvitSchema = z
  .strictObject({
    ...timmFields,
    crop_pct: timmFields.crop_pct.unwrap().default(0.875),
    img_size: imageSizeField.default(240),
    /** What each branch sees of the picture's height and width. */
    img_scale: pair(z.number().positive().max(4)).default([1, 224 / 240]),
    /** Sides of the patches in pixels. */
    patch_size: pair(count).default([12, 16]),
    embed_dim: pair(count).default([192, 384]),
    /** One entry a stage: blocks of the first branch, of the second, and blocks in which they read each other (0 is one). */
    depth: z
      .array(z.tuple([z.int().min(1).max(64), z.int().min(1).max(64), z.int().min(0).max(16)]))
      .min(1)
      .max(64)
      .default([
        [1, 4, 0],
        [1, 4, 0],
        [1, 4, 0],
      ]),
    num_heads: pair(count).default([6, 6]),
    /** Inner over outer width of the perceptrons; timm's third entry is not used. */
    mlp_ratio: z.union([z.tuple([ratio, ratio]), z.tuple([ratio, ratio, ratio])]).default([4, 4]),
    qkv_bias: z.boolean().default(true),
    /** Patches by three convolutions instead of one linear map (the dagger models); for patches of 12 and 16 pixels. */
    multi_conv: z.boolean().default(false),
  })
  .refine(
    ({ embed_dim, num_heads }) => embed_dim.every((width, branch) => width % num_heads[branch]! === 0),
    "num_heads must divide embed_dim",
  )
  .refine(
    ({ patch_size, multi_conv }) => !multi_conv || patch_size.every((side) => side === 12 || side === 16),
    "multi_conv is for patches of 12 and 16 pixels",
  )
  .refine(
    (config) => branchGeometry(config).every(({ grid }) => isReasonableGrid(grid)),
    `img_size must have between 1 and ${MAX_PATCHES} patches of each patch_size`,
  );

export type CrossvitConfig = z.infer<typeof crossvitSchema>;

interface BranchSizes {
  readonly img_size: ImageSize;
  readonly img_scale: readonly number[];
  readonly patch_size: readonly number[];
}

/** What one branch sees. */
export interface BranchGeometry {
  /** Pixels it is scaled to: whole patches. */
  readonly picture: Extent;
  /** In patches. */
  readonly grid: Extent;
}

/**
 * Each branch sees its share of the picture. timm runs only where that share is a whole number of patches, as in all official models;
 * elsewhere it is rounded down to one here.
 */
export function branchGeometry({ img_size, img_scale, patch_size }: BranchSizes): BranchGeometry[] {
  const { height, width } = extentOf(img_size);
  return patch_size.map((patch, branch) => {
    const patches = (side: number) => Math.floor(Math.trunc(side * img_scale[branch]!) / patch);
    const grid = { height: patches(height), width: patches(width) };
    return { picture: { height: grid.height * patch, width: grid.width * patch }, grid };
  });
}
