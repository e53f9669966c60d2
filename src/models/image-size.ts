// Models whose input size is part of their configuration, because position embeddings or windows are laid out for it. timm calls it
// `img_size`: one number for squares, or (height, width).
import { z } from "zod";
import { UsageError } from "../errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { ImageInput } from "./architecture.ts";

/** Height and width in pixels (or in cells of a grid). */
export interface Extent {
  readonly height: number;
  readonly width: number;
}

const side = z.int().min(1).max(4096);

export const imageSizeField = z.union([side, z.tuple([side, side])]);

export type ImageSize = z.infer<typeof imageSizeField>;

export function extentOf(size: ImageSize): Extent {
  return typeof size === "number" ? { height: size, width: size } : { height: size[0], width: size[1] };
}

/** As configurations write it. */
export function imageSizeOf({ height, width }: Extent): ImageSize {
  return height === width ? height : [height, width];
}

/** The input of a model that takes pictures of its configured size only. */
export function fixedInput(size: ImageSize): ImageInput {
  const extent = extentOf(size);
  return { kind: "image", size: extent, usual: extent };
}

/** Throws UsageError for pictures (N, 3, H, W) of another size than the one that is configured in the field. */
export function requireImageSize(image: Tensor, size: ImageSize, architecture: string, field = "img_size"): void {
  const { height, width } = extentOf(size);
  const [h, w] = image.shape.slice(2);
  if (h !== height || w !== width)
    throw new UsageError(
      `this ${architecture} is configured for pictures of ${width} x ${height} pixels, not ${w} x ${h}`,
      `another size is another configuration: ${field}`,
    );
}

/** How many patches fit. */
export function gridOf(size: ImageSize, patch: number): Extent {
  const { height, width } = extentOf(size);
  return { height: Math.floor(height / patch), width: Math.floor(width / patch) };
}

/** Above this many positions a configuration is a mistake, or an attack. */
export const MAX_PATCHES = 2 ** 16;

/** Whether there is at least one patch and not too many. */
export function isReasonableGrid({ height, width }: Extent): boolean {
  return height >= 1 && width >= 1 && height * width <= MAX_PATCHES;
}
