// What all models under timm's names share: where their weights are, and how timm prepares pictures for evaluation
// (huggingface/pytorch-image-models, timm/data/transforms_factory.py, transforms_imagenet_eval).
import type { OfficialWeights } from "./registered-model.ts";

/** Weights of `ARCHITECTURE.tag` on the Hugging Face hub. `licence` is the one its model card states. */
export function timmWeights(taggedName: string, licence: string): OfficialWeights {
  return { url: `https://huggingface.co/timm/${taggedName}/resolve/main/model.safetensors`, licence };
}

export interface TimmDataConfig {
  /** Pixels of the square that is cropped. */
  readonly size: number;
  /** The crop's share of the shorter side that pictures are resized to. */
  readonly crop_pct: number;
  readonly interpolation: "bicubic" | "bilinear";
  /** Mean and deviation by their name in the transform language. */
  readonly normalization: "imagenet" | "inception";
}

/** Shorter side to floor(size / crop_pct), the middle, mean and deviation: in the transform language. */
export function timmTransform({ size, crop_pct, interpolation, normalization }: TimmDataConfig): string {
  return `resize_small(${Math.floor(size / crop_pct)},${interpolation})|central_crop(${size})|normalize(${normalization})`;
}
