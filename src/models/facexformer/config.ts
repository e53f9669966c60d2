// FaceXFormer's configuration. What is said in the official code (Kartik-3004/facexformer, network/models/facexformer.py) has its names; the backbone is torchvision's swin_b.
import { z } from "zod";
import { extentOf, imageSizeField } from "../image-size.ts";

const count = z.int().min(1).max(4096);
const perStage = <T extends z.ZodType>(entry: T) => z.array(entry).length(4);

/** Side of a patch, and how often maps are halved after that. */
export const PATCH = 4;
const HALVINGS = 3;

export const facexformerSchema = z
  .strictObject({
    img_size: imageSizeField.default(224),
    /** Channels of the backbone's first stage; each further one has twice as many. */
    embed_dim: count.default(128),
    depths: perStage(z.int().min(1).max(64)).default([2, 2, 18, 2]),
    num_heads: perStage(count).default([4, 8, 16, 32]),
    window_size: z.int().min(2).max(32).default(7),
    drop_path_rate: z.number().min(0).lt(1).default(0.5),
    /** Of the decoder. */
    transformer_dim: count.multipleOf(8).default(256),
    decoder_depth: z.int().min(1).max(16).default(2),
    decoder_heads: count.default(8),
    mlp_dim: count.default(2048),
  })
  .refine(
    ({ embed_dim, num_heads }) => num_heads.every((heads, stage) => (embed_dim * 2 ** stage) % heads === 0),
    "num_heads must divide the width of each stage",
  )
  .refine(
    ({ transformer_dim, decoder_heads }) => (transformer_dim / 2) % decoder_heads === 0,
    "decoder_heads must divide half of transformer_dim",
  )
  .superRefine(({ img_size, window_size }, context) => {
    const step = PATCH * 2 ** HALVINGS * window_size;
    const { height, width } = extentOf(img_size);
    if (height % step !== 0 || width % step !== 0)
      context.addIssue({
        code: "custom",
        message: `img_size must be a multiple of ${step}, so that windows fit all maps`,
      });
  });

export type FacexformerConfig = z.infer<typeof facexformerSchema>;
