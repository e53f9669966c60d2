// ParaTransCNN's configuration, with the official names (HongkunSun/ParaTransCNN, model/ParaTransCNN.py); what is a constant there has a name of its own.
import { z } from "zod";
import { extentOf, gridOf, imageSizeField, isReasonableGrid, MAX_PATCHES } from "../image-size.ts";

const count = z.int().min(1).max(4096);
const perStage = <T extends z.ZodType>(entry: T) => z.array(entry).length(3);

export const paratranscnnSchema = z
  .strictObject({
    num_classes: z.int().min(2).max(100_000).default(9),
    img_size: imageSizeField.default(224),
    /** Channels of the transformer's first stage; each further one has twice as many. */
    dim: count.default(320),
    heads: count.default(8),
    /** Blocks of the transformer's three stages. */
    depth: perStage(z.int().min(1).max(64)).default([3, 3, 3]),
    /** Channels of the convolutional branch's stages: a ResNet-34's. */
    channels: z.array(count).length(4).default([64, 128, 256, 512]),
    /** Its blocks. */
    layers: z.array(z.int().min(1).max(64)).length(4).default([3, 4, 6, 3]),
    /** In training, of the transformer. */
    drop_rate: z.number().min(0).lt(1).default(0.1),
    /** Which branches there are; a half of the network is for comparisons. */
    branches: z.enum(["both", "cnn", "transformer"]).default("both"),
  })
  .refine(({ dim, heads }) => dim % heads === 0, "heads must divide dim")
  .refine(({ img_size }) => {
    const { height, width } = extentOf(img_size);
    return height % 16 === 0 && width % 16 === 0;
  }, "img_size must be a multiple of 16")
  .refine(
    ({ img_size }) => isReasonableGrid(gridOf(img_size, 4)),
    `img_size must have between 1 and ${MAX_PATCHES} patches of 4 pixels`,
  );

export type ParatranscnnConfig = z.infer<typeof paratranscnnSchema>;

/** Whether a branch is there. */
export const has = ({ branches }: ParatranscnnConfig, branch: "cnn" | "transformer"): boolean =>
  branches === "both" || branches === branch;
