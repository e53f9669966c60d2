// DuoFormer's configuration, with the official names (xiaoyatang/duoformer_TCGA, models/model_wo_extra_params.py MyModel_no_extra_params). Defaults are the official ones;
// of the depth, which has none there, the one that its authors train.
import { z } from "zod";
import { backboneNamed, checkBackbone, type NamedBackbone } from "../backbones.ts";
import { extentOf, imageSizeField } from "../image-size.ts";

const count = z.int().min(1).max(16384);

/** Side of the part of a picture that a region is of, in pixels: what a ResNet divides by. */
export const REGION = 32;

export const duoformerSchema = z
  .strictObject({
    num_classes: z.int().min(1).max(100_000).default(2),
    /** Height and width of the pictures in pixels (ours: official ones are 224 x 224). */
    img_size: imageSizeField.default(224),
    backbone: z.enum(["r18", "r50"]).default("r50"),
    /** Fields that change the backbone's own configuration (ours). It has four stages. */
    backbone_config: z.record(z.string(), z.unknown()).default({}),
    /** How many scales there are: the last so many stages of the backbone. */
    num_layers: z.int().min(2).max(4).default(4),
    /** Of both transformers. */
    depth: z.int().min(1).max(256).default(12),
    embed_dim: count.default(768),
    /** What the maps are brought to: as wide as the transformers. */
    proj_dim: count.optional(),
    num_heads: count.default(12),
    mlp_ratio: z.number().positive().max(64).default(4),
    /** What speaks for a region: a vector that is learnt, the same for all of them, or one from all four maps. */
    scale_token: z.enum(["random", "channel"]).default("random"),
    /** In training: share of regions for which half of a scale block is left out; rises linearly (ours). */
    drop_path_rate: z.number().min(0).lt(1).default(0),
  })
  .refine(({ embed_dim, num_heads }) => embed_dim % num_heads === 0, "num_heads must divide embed_dim")
  .refine(
    ({ embed_dim, proj_dim = embed_dim }) => proj_dim === embed_dim,
    "proj_dim must be as large as embed_dim, or be left out",
  )
  .refine(({ img_size }) => {
    const { height, width } = extentOf(img_size);
    return height % REGION === 0 && width % REGION === 0;
  }, `img_size must be a multiple of ${REGION}`)
  .superRefine((config, context) => checkBackbone(backboneOf)(config, context));

export type DuoformerConfig = z.infer<typeof duoformerSchema>;

/** The ResNet that gives the maps: torchvision's, of which the last layer is not read. Throws UsageError for changes that it does not take. */
export function backboneOf({
  backbone,
  backbone_config,
}: Pick<DuoformerConfig, "backbone" | "backbone_config">): NamedBackbone {
  return backboneNamed(BACKBONES[backbone], { ...backbone_config });
}

const BACKBONES = { r18: "resnet18", r50: "resnet50" } as const;
