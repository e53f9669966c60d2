// Light CNN's configuration. The official code (AlfredXiangWu/LightCNN, MIT, train.py) has one name for all of it, `--model`, and the number of identities; the rest is
// written into its classes, light_cnn.py and light_cnn_v4.py.
import { z } from "zod";

const count = z.int().min(1).max(8192);

export const lightcnnSchema = z
  .strictObject({
    /** The network's kind, by its official name. V4 sees blue, green and red, the others grey. */
    model: z.enum(["LightCNN-9", "LightCNN-29", "LightCNN-29v2", "LightCNN-V4"]).default("LightCNN-29"),
    /** Identities it was trained to tell apart; 0 for none, where the answer is the embedding. */
    num_classes: z.int().min(0).max(100_000).default(79_077),
    /** Side of the picture in pixels: the embedding has a weight for each place. */
    img_size: z.int().min(16).max(1024).multipleOf(16, "img_size must be a multiple of 16 pixels").default(128),
    /** Channels behind the first convolution and behind each of the four stages that follow. */
    channels: z.tuple([count, count, count, count, count]).default([48, 96, 192, 128, 128]),
    /** Residual blocks before the end of each stage. LightCNN-9 has none. */
    layers: z.tuple([count, count, count, count]).default([1, 2, 3, 4]),
    /** Width of the embedding. */
    feat_dim: count.default(256),
    /** Dropout between embedding and identities, in training. */
    drop_rate: z.number().min(0).lt(1).default(0.5),
  })
  .refine(
    ({ model, num_classes }) => num_classes > 0 || model === "LightCNN-V4",
    "only LightCNN-V4 can be without num_classes",
  );

export type LightcnnConfig = z.infer<typeof lightcnnSchema>;
