// The same preprocessing for larger or smaller pictures, for models that take any size: what a model sees of a picture stays, in more or fewer
// pixels; or the picture stays as it is.
import { UsageError } from "../errors.ts";
import { type Transform, type TransformOp, transformOutputSize, valueSteps } from "./transform.ts";

/** The shorter side of what the model sees, in pixels; or "native": whole pictures in their own size. */
export type Resolution = number | "native";

const MIN_RESOLUTION = 16;
/** The transform language's own limit on sizes. */
const MAX_RESOLUTION = 16384;

/**
 * A transform at another resolution: every size in it grows or shrinks by the same factor.
 *
 * @throws UsageError for resolutions below 16 or above 16384 pixels, and where another size in the transform would be larger than that
 * @example printTransform(atResolution(parseTransform("resize_small(256)|central_crop(224)"), 448)) // resize_small(512)|central_crop(448)
 */
export function atResolution(transform: Transform, resolution: Resolution): Transform {
  if (resolution === "native") return valueSteps(transform);
  checkResolution(resolution);
  const usual = usualSide(transform);
  if (usual === undefined) return [{ op: "resize_small", size: resolution, filter: "bilinear" }, ...transform];
  const scaled = (size: number) => {
    const rounded = Math.max(1, Math.round((size * resolution) / usual));
    if (rounded <= MAX_RESOLUTION) return rounded;
    throw new UsageError(
      `a resolution of ${resolution} pixels would resize pictures to ${rounded}, and ${MAX_RESOLUTION} is the most`,
      "take a smaller one, or native",
    );
  };
  return transform.map((op) => scaledOp(op, scaled));
}

/** Reads "native" or a number of pixels. Throws UsageError. */
export function parseResolution(text: string): Resolution {
  if (text === "native") return text;
  const value = Number(text);
  checkResolution(value, text);
  return value;
}

function checkResolution(value: number, text = String(value)): void {
  if (!Number.isInteger(value) || value < MIN_RESOLUTION || value > MAX_RESOLUTION)
    throw new UsageError(
      `the resolution must be ${MIN_RESOLUTION} to ${MAX_RESOLUTION} pixels or native, got "${text}"`,
      "it is the shorter side of what the model sees",
    );
}

/** The shorter side of what becomes of a picture; undefined where that depends on the picture. */
function usualSide(transform: Transform): number | undefined {
  const sides = [1999, 997].map((side) => {
    const { width, height } = transformOutputSize(transform, side, side);
    return Math.min(width, height);
  });
  return sides[0] === sides[1] ? sides[0] : undefined;
}

function scaledOp(op: TransformOp, scaled: (size: number) => number): TransformOp {
  switch (op.op) {
    case "resize_small":
    case "resize_long":
      return { ...op, size: scaled(op.size) };
    case "resize":
    case "resize_cover":
    case "central_crop":
    case "crop":
    case "letterbox":
      return { ...op, width: scaled(op.width), height: scaled(op.height) };
    case "pad_square":
    case "mirror":
    case "rotate":
    case "normalize":
    case "value_range":
      return op;
  }
}
