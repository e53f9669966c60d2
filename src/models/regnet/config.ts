// RegNet's configuration, with timm's names (huggingface/pytorch-image-models, timm/models/regnet.py RegNetCfg): a line of widths, made
// steps. facebookresearch/pycls, pycls/models/regnet.py, has the same numbers.
import { z } from "zod";
import { backboneFields } from "../backbone.ts";
import { timmFields } from "../timm.ts";

const count = z.int().min(1).max(4096);

export const regnetSchema = z
  .strictObject({
    ...backboneFields,
    depth: count.default(15),
    /** Width of the first block; a multiple of eight. */
    w0: count.multipleOf(8).default(48),
    /** How much wider each block would be than the one before. */
    wa: z.number().min(0).max(1000).default(32.54),
    /** Factor between the widths of stages. */
    wm: z.number().gt(1).max(10).default(2.32),
    /** Channels a group of the 3 x 3 convolution. */
    group_size: count.default(16),
    /** Inner over outer width of a block. */
    bottle_ratio: z.number().positive().max(16).default(1),
    /** Channels of squeeze and excitation over the block's input; 0 for none (RegNetX). */
    se_ratio: z.number().min(0).max(4).default(0.25),
    /** Width and number of blocks of every stage, for models whose widths are not those of a line; they take its place. */
    widths: z.array(count).min(1).max(8).optional(),
    depths: z.array(count).min(1).max(8).optional(),
    stem_width: count.default(32),
    drop_path_rate: timmFields.drop_path_rate,
    /** Blocks begin as the identity. */
    zero_init_last: z.boolean().default(true),
  })
  .refine(({ widths, depths }) => widths?.length === depths?.length, "widths and depths must be equally many");

export type RegnetConfig = z.infer<typeof regnetSchema>;

export interface RegnetStage {
  readonly width: number;
  readonly depth: number;
  readonly groupSize: number;
}

/** Stages of equal width, in whole groups. */
export function regnetStages(config: RegnetConfig): RegnetStage[] {
  const { group_size, bottle_ratio, widths, depths } = config;
  const stages = widths === undefined ? quantisedLine(config) : widths.map((width, i) => [width, depths![i]!] as const);
  return stages.map(([width, depth]) => {
    const inner = Math.trunc(width * bottle_ratio);
    const groupSize = Math.min(group_size, inner);
    const whole = roundToEven(inner / groupSize) * groupSize;
    return { width: Math.trunc(whole / bottle_ratio), depth, groupSize };
  });
}

/** The line quantised to powers of `wm`, then to multiples of eight: (width, depth) a stage. */
function quantisedLine({ depth, w0, wa, wm }: RegnetConfig): (readonly [width: number, depth: number])[] {
  const depths = new Map<number, number>();
  for (let i = 0; i < depth; i++) {
    const step = roundToEven(Math.log((w0 + wa * i) / w0) / Math.log(wm));
    const width = roundToEven((w0 * wm ** step) / 8) * 8;
    depths.set(width, (depths.get(width) ?? 0) + 1);
  }
  return [...depths];
}

/** Rounds halves to even numbers, as Python does. */
export function roundToEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
