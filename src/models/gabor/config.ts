// The configuration of the network with a Gabor texture branch. Its authors released no code and the paper's outline leaves numbers open: names and defaults are ours.
import { z } from "zod";
import { backboneNamed, checkBackbone, type NamedBackbone } from "../backbones.ts";
import { imageSizeField } from "../image-size.ts";

const count = z.int().min(1).max(4096);
/** The least and the most that a learnt number may become. */
const bounds = z
  .tuple([z.number(), z.number()])
  .refine(([low, high]) => low < high, "bounds are the least and the most, in this order");
const positiveBounds = bounds.refine(([low]) => low > 0, "the least must be above 0");

export const gaborSchema = z
  .strictObject({
    num_classes: z.int().min(1).max(100_000).default(200),
    /** Height and width of the pictures in pixels. */
    img_size: imageSizeField.default(224),
    /** The semantic branch: a convolutional network by its name, and fields that change it. */
    backbone: z.string().max(100).default("resnet50"),
    backbone_config: z.record(z.string(), z.unknown()).default({}),
    /** Whether there is the texture branch; without it the network is its backbone. */
    texture: z.boolean().default(true),
    /** Regions to choose from: for each n all of an n-th of the picture's sides, half overlapping. */
    region_scales: z.array(z.int().min(1).max(8)).min(1).max(4).default([2, 3]),
    /** How many of them are looked at closely. */
    num_regions: z.int().min(1).max(16).default(3),
    /** What regions are enlarged to, in pixels. */
    region_size: z.int().min(8).max(512).default(96),
    num_filters: count.max(256).default(32),
    /** Side of the filters in pixels: odd. */
    kernel_size: z.int().min(3).max(63).default(15),
    /** Of the wave, in pixels. */
    wavelength: positiveBounds.default([2, 15]),
    /** Of the Gaussian along the wave, in pixels. */
    deviation: positiveBounds.default([1, 5]),
    /** How much shorter than along it the Gaussian is across it. */
    aspect: positiveBounds.default([0.3, 2]),
    /** Bins of the histogram of a filter's answers. */
    num_bins: z.int().min(2).max(64).default(8),
    /** Dropout before the last layer, in training. */
    drop_rate: z.number().min(0).lt(1).default(0),
  })
  .refine(({ kernel_size }) => kernel_size % 2 === 1, "kernel_size must be odd")
  .refine(({ kernel_size, region_size }) => kernel_size <= region_size, "kernel_size must fit into region_size")
  .refine(
    ({ region_scales, num_regions }) => num_regions <= regionCount(region_scales),
    "num_regions must be no more than there are to choose from",
  )
  .superRefine((config, context) => checkBackbone(semanticBackbone)(config, context));

export type GaborConfig = z.infer<typeof gaborSchema>;

function regionCount(scales: readonly number[]): number {
  return scales.reduce((sum, scale) => sum + (2 * scale - 1) ** 2, 0);
}

export function semanticBackbone(config: {
  readonly backbone: string;
  readonly backbone_config: Readonly<Record<string, unknown>>;
}): NamedBackbone {
  return backboneNamed(config.backbone, config.backbone_config);
}
