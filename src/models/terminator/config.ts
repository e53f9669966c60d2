// Terminator's configuration. Field names are this project's: the authors have withdrawn their code. Defaults are the network for pictures of 32 x 32 pixels.
import { z } from "zod";
import { timmFields } from "../timm.ts";

const count = z.int().min(1).max(4096);

export const terminatorSchema = z
  .strictObject({
    num_classes: z.int().min(1).max(100_000).default(10),
    /** Side of the pictures in pixels. Features have that size throughout, and are multiplied as matrices: pictures are squares. */
    size: z.int().min(2).max(256).default(32),
    /** How many times as many channels leave a block as enter it; the first block is entered by red, green and blue. */
    bottleneck_factors: z.array(count).min(1).max(16).default([4, 3, 2, 2, 2]),
    /** Layers of the slow net of each block's global kernel. */
    global_layers: z.array(count).min(1).max(16).default([3, 2, 2, 2, 2]),
    /** How many outputs of blocks before the last one each block's bottleneck reads too. */
    previous: z.array(z.int().min(0).max(2)).min(1).max(16).default([0, 0, 1, 1, 2]),
    /** Sides of the four local kernels: odd. */
    local_kernels: z
      .array(
        z
          .int()
          .min(1)
          .max(31)
          .refine((side) => side % 2 === 1, "a local kernel has an odd side"),
      )
      .length(4)
      .default([3, 9, 5, 7]),
    /** Channels of a block's output are standardised in so many groups, in turn over the batch and by picture. */
    gibs_groups: count.default(12),
    /** In training: share of whole channels that are zeroed behind each block. */
    drop_rate: timmFields.drop_rate,
    interpolation: timmFields.interpolation,
    normalization: timmFields.normalization,
  })
  .refine(
    ({ bottleneck_factors: { length }, global_layers, previous }) =>
      global_layers.length === length && previous.length === length,
    "bottleneck_factors, global_layers and previous must be equally many: one a block",
  )
  .refine(
    ({ previous }) => previous.every((reads, block) => reads <= Math.max(0, block - 1)),
    "previous must not be more than there are outputs before the last one",
  )
  .refine(
    (config) => blockChannels(config).every((channels) => channels % config.gibs_groups === 0 && channels <= 65536),
    "gibs_groups must divide the channels behind every block, which must be 65536 at most",
  );

export type TerminatorConfig = z.infer<typeof terminatorSchema>;

/** Of a picture. */
export const COLOURS = 3;

/** Channels behind each block. */
export function blockChannels({ bottleneck_factors }: { readonly bottleneck_factors: readonly number[] }): number[] {
  let channels = COLOURS;
  return bottleneck_factors.map((factor) => {
    channels *= factor;
    return channels;
  });
}
