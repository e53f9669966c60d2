// RotNet's networks, with the official options (gidariss/FeatureLearningRotNet, MIT, config/*.py: `def_file` and `opt`); the defaults are those of its CIFAR-10
// experiments. What the official classes have written into them, the widths, are fields too.
import { z } from "zod";
import { backboneFields } from "../backbone.ts";

const count = z.int().min(1).max(16_384);
/** Three convolutions, the second and the third of which see single pixels. */
const block = z.tuple([count, count, count]);

export const rotnetSchema = z
  .strictObject({
    ...backboneFields,
    /** Four, the rotations, while it learns without labels. */
    num_classes: backboneFields.num_classes.unwrap().default(4),
    input_size: backboneFields.input_size.unwrap().default(32),
    crop_pct: backboneFields.crop_pct.unwrap().default(1),
    /** The file of architectures/ that defines it. */
    arch: z.enum(["NetworkInNetwork", "AlexNet"]).default("NetworkInNetwork"),
    /** NetworkInNetwork: blocks of three convolutions. */
    num_stages: z.int().min(3).max(16).default(4),
    /** NetworkInNetwork of more than three blocks: whether the third ends in a pooling, as the first two do. */
    use_avg_on_conv3: z.boolean().default(false),
    /** NetworkInNetwork: widths of the first block, and of all others. */
    blocks: z.tuple([block, block]).default([
      [192, 160, 96],
      [192, 192, 192],
    ]),
    /** AlexNet: widths of its five convolutions. */
    convs: z.tuple([count, count, count, count, count]).default([64, 192, 384, 256, 256]),
    /** AlexNet: width of both layers before the last. */
    hidden: count.default(4096),
  })
  .refine(
    ({ arch, input_size }) => arch !== "AlexNet" || input_size >= 63,
    "input_size must be 63 pixels or more for AlexNet: smaller pictures vanish in its poolings",
  );

export type RotnetConfig = z.infer<typeof rotnetSchema>;
