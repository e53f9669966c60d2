// In which form a model is compiled for pictures that come as bytes: the best one for their size. The answers are the same in each.
import { type InferenceForm, isFasterWhereSampled, type PixelSize } from "../models/graph.ts";
import type { PixelNormalization } from "../models/pixels.ts";
import type { ModelDefinition } from "../models/registry.ts";
import type { Precision } from "../onnx/lower.ts";
import { type TensorData, tensor } from "../tensor.ts";

/** A form for pixels. */
export interface PixelForm extends InferenceForm {
  readonly pixels: PixelNormalization;
  readonly pixelBlock: 1 | 4;
}

/**
 * Features of all of a small picture, of a large one only where they are sampled; there, and where pixels stay bytes for eight bits, they are read
 * by fours. Where the width does not allow that, they become floats.
 */
export function pixelForm(
  definition: ModelDefinition,
  size: PixelSize,
  pixels: PixelNormalization,
  precision: Precision = "float32",
): PixelForm {
  const isByFours = size.width % 4 === 0;
  const keepsBytes = precision === "int8" && definition.architecture.keepsBytes === true && isByFours;
  const onlyWhereSampled = isFasterWhereSampled(definition, size, { keepsBytes });
  return { pixels, onlyWhereSampled, keepsBytes, pixelBlock: (onlyWhereSampled || keepsBytes) && isByFours ? 4 : 1 };
}

/** The same for forms that one compiled model serves. */
export function formKey({ onlyWhereSampled, pixelBlock }: PixelForm): string {
  return `${onlyWhereSampled === true ? "sampled" : "whole"} ${pixelBlock}`;
}

/** Pixels (N, height, width, 3) in the shape that a form takes them. */
export function pixelFeed(pixels: TensorData<"uint8">, { pixelBlock }: PixelForm): TensorData<"uint8"> {
  const [count, height, width] = pixels.shape as [number, number, number];
  return tensor("uint8", [count, height, width / pixelBlock, 3 * pixelBlock], pixels.data);
}
