// Backbones of pictures over clips: frames lie side by side in the batch, and a shift of channels between them before the blocks is all that makes
// one of clips (TSM). Weights are those of pictures.
import { reduceMean, reshape, transpose } from "../graph/build.ts";
import { type Dim, divideDims, multiplyDims } from "../graph/dimensions.ts";
import type { Tensor } from "../graph/tensor.ts";
import { type TemporalShiftOptions, temporalShift } from "../nn/temporal-shift.ts";
import { type NamedTensors, type RenameRule, remap } from "../weights/remap.ts";
import type { BlockInputs, BlockPlace } from "./backbone.ts";

/** Where channels are shifted, by TSM's names: inside residual branches, or before whole blocks, shortcut included. */
export const SHIFT_PLACES = ["blockres", "block"] as const;
export type ShiftPlace = (typeof SHIFT_PLACES)[number];

export interface FrameShift extends TemporalShiftOptions {
  /** Default "blockres". */
  readonly place?: ShiftPlace;
}

/** For `featureMap` of a backbone whose batch is clips * frames. */
export function shiftBetweenFrames({ place = "blockres", ...options }: FrameShift): BlockInputs {
  return shiftedBlocks(place, (x) => temporalShift(x, options));
}

/** Any shift at TSM's places. */
export function shiftedBlocks(place: ShiftPlace, shift: (x: Tensor) => Tensor): BlockInputs {
  if (place === "block") return { block: shift };
  return { branch: (x, at) => (isShifted(at) ? shift(x) : x) };
}

/** A stage of so many blocks makes a network deep: there every second block is shifted, in all stages (ResNet-101 and deeper). */
const DEEP_STAGE = 23;

function isShifted({ index, depths }: BlockPlace): boolean {
  return index % 2 === 0 || Math.max(...depths) < DEEP_STAGE;
}

/** video (clips, 3, frames, H, W) -> (clips * frames, 3, H, W), the frames of a clip in order. */
export function framesInBatch(video: Tensor): Tensor {
  const [clips, channels, frames, height, width] = video.shape as [Dim, Dim, Dim, Dim, Dim];
  return reshape(transpose(video, [0, 2, 1, 3, 4]), [multiplyDims(clips, frames), channels, height, width]);
}

/** x (clips * frames, …) -> (clips, frames, …) */
export function framesApart(x: Tensor, frames: Dim): Tensor {
  const [batch, ...rest] = x.shape as [Dim, ...Dim[]];
  const clips = divideDims(batch, frames);
  if (clips === undefined)
    throw new TypeError(`a batch of ${batch} is not a whole number of clips of ${frames} frames`);
  return reshape(x, [clips, frames, ...rest]);
}

/** x (clips * frames, …) -> (clips, …): the mean over the frames of a clip. */
export function meanOverFrames(x: Tensor, frames: Dim): Tensor {
  return reduceMean(framesApart(x, frames), 1);
}

/** Official code wraps what it shifts, which puts `net` into names: "layer1.0.conv1.net.weight" -> "layer1.0.conv1.weight". */
const WRAPPER: RenameRule = { pattern: /\.net(?=\.)/, to: "" };

/** Names of a backbone (without its own prefix) as if nothing had been shifted. */
export function withoutShiftNames(tensors: NamedTensors): NamedTensors {
  return remap(tensors, [[WRAPPER]]);
}
