// What all models under timm's names share: where their weights are, and how timm prepares pictures for evaluation
// (huggingface/pytorch-image-models, timm/data/transforms_factory.py, transforms_imagenet_eval).
import { z } from "zod";
import { extentOf, type ImageSize } from "./image-size.ts";
import type { OfficialFile } from "./registered-model.ts";

/** Weights of `ARCHITECTURE.tag` on the Hugging Face hub. `licence` is the one its model card states. */
export function timmWeights(taggedName: string, licence: string): OfficialFile {
  return { url: `https://huggingface.co/timm/${taggedName}/resolve/main/model.safetensors`, licence };
}

/** Fields that configurations under timm's names have besides those of the network. Defaults are timm's. */
export const timmFields = {
  num_classes: z.int().min(1).max(100_000).default(1000),
  /** Dropout before the last layer, in training. */
  drop_rate: z.number().min(0).lt(1).default(0),
  /** Share of pictures for which a residual branch is left out in training; rises linearly over the blocks. */
  drop_path_rate: z.number().min(0).lt(1).default(0),
  /** The evaluation picture's share of the shorter side that pictures are resized to. */
  crop_pct: z.number().min(0.1).max(1).default(0.9),
  interpolation: z.enum(["bicubic", "bilinear"]).default("bicubic"),
  /** Mean and deviation by their name in the transform language. */
  normalization: z.enum(["imagenet", "inception"]).default("imagenet"),
} as const;

export interface TimmDataConfig {
  /** Pixels of the picture that is cropped: a square's side, or (height, width). */
  readonly size: ImageSize;
  /** The crop's share of the shorter side that pictures are resized to. */
  readonly crop_pct: number;
  readonly interpolation: "bicubic" | "bilinear";
  /** Mean and deviation by their name in the transform language. */
  readonly normalization: "imagenet" | "inception";
}

/** Shorter side to floor(size / crop_pct), the middle, mean and deviation: in the transform language. An oblong input takes the whole picture. */
export function timmTransform({ size, crop_pct, interpolation, normalization }: TimmDataConfig): string {
  const { height, width } = extentOf(size);
  const [tall, wide] = [height, width].map((side) => Math.floor(side / crop_pct));
  const resize =
    height === width ? `resize_small(${tall},${interpolation})` : `resize(${wide},${tall},${interpolation})`;
  const crop = height === width ? `central_crop(${height})` : `central_crop(${width},${height})`;
  return `${resize}|${crop}|normalize(${normalization})`;
}
