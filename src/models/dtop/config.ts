// The configuration of DToP, with the names of zbwxp/Dynamic-Token-Pruning (config/prune) and of mmsegmentation's ViT: what its backbone and its three
// heads, which are alike, are told.
import { z } from "zod";
import { extentOf, gridOf, imageSizeField, isReasonableGrid, MAX_PATCHES } from "../image-size.ts";
import { timmFields } from "../timm.ts";

const count = z.int().min(1).max(16384);
const rate = z.number().min(0).lt(1);
/** A token stops where a class is surer than that. */
const thresh = z.number().positive().max(1);

const backbone = z
  .strictObject({
    /** Side of a patch in pixels. */
    patch_size: count.default(16),
    embed_dims: count.default(768),
    num_layers: z.int().min(1).max(256).default(12),
    num_heads: count.default(12),
    mlp_ratio: z.number().positive().max(64).default(4),
    qkv_bias: z.literal(true).default(true),
    /** Layers, from 0, after which a head looks at the tokens. The last one is the last layer, and its head answers. */
    out_indices: z.array(z.int().min(0)).min(1).max(256).default([5, 7, 11]),
    drop_path_rate: rate.default(0),
    /** Of the layer normalisations. */
    norm_eps: z.number().positive().max(1).default(1e-6),
  })
  .refine(({ embed_dims, num_heads }) => embed_dims % num_heads === 0, "num_heads must divide embed_dims")
  .refine(
    ({ out_indices: at, num_layers }) =>
      at.every((layer, i) => i === 0 || layer > at[i - 1]!) && at.at(-1) === num_layers - 1,
    "out_indices must rise and end with the last layer, num_layers - 1",
  );

const head = z
  .strictObject({
    channels: count.default(384),
    num_heads: count.default(6),
    layers_per_decoder: z.int().min(1).max(64).default(3),
    /** In training. */
    dropout: rate.default(0.1),
  })
  .refine(({ channels, num_heads }) => channels % num_heads === 0, "num_heads must divide channels");

export const dtopSchema = z
  .strictObject({
    num_classes: timmFields.num_classes.default(150),
    img_size: imageSizeField.default(512),
    backbone: backbone.prefault({}),
    head: head.prefault({}),
    /** Above which certainty a token stops, at every head or at each but the last; 1 stops none. */
    thresh: z.union([thresh, z.array(thresh)]).default(1),
    /** Mean and deviation by their name in the transform language. */
    normalization: timmFields.normalization,
  })
  .refine(
    ({ thresh: at, backbone: { out_indices } }) => typeof at === "number" || at.length === out_indices.length - 1,
    "thresh must be one number, or one for each head but the last",
  )
  .refine(
    ({ img_size, backbone: { patch_size } }) => isReasonableGrid(gridOf(img_size, patch_size)),
    `img_size must have between 1 and ${MAX_PATCHES} patches of patch_size`,
  )
  .refine(({ img_size, backbone: { patch_size } }) => {
    const { height, width } = extentOf(img_size);
    return height % patch_size === 0 && width % patch_size === 0;
  }, "img_size must be a multiple of patch_size");

export type DtopConfig = z.infer<typeof dtopSchema>;

/** The threshold of a head, from 0; the last one has none. */
export function thresholdOf({ thresh: at }: DtopConfig, exit: number): number {
  return typeof at === "number" ? at : at[exit]!;
}
