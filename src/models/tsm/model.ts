// TSM (Lin, Gan and Han, ICCV 2019): a network of pictures sees the frames of a clip, channels are shifted between them, and the answers of the
// frames are averaged. Reproduces mit-han-lab/temporal-shift-module, ops/models.py TSN and ops/temporal_shift.py; frame by frame,
// online_demo/mobilenet_v2_tsm.py.
import { reduceMean } from "../../graph/build.ts";
import type { Dim, Shape } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { channelsOf } from "../../nn/conv.ts";
import { linear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { foldOf, shiftFromLast } from "../../nn/temporal-shift.ts";
import type { BlockInputs } from "../backbone.ts";
import { framesApart, framesInBatch, meanOverFrames, shiftBetweenFrames, shiftedBlocks } from "../shifted-backbones.ts";
import { backboneOf, type TsmConfig } from "./config.ts";

/** The official names of the two parts: the backbone without its last layer, and the last layer. */
export const PARTS = { backbone: "base_model", classifier: "new_fc" } as const;

export interface TsmOutputs {
  /** (clips, classes): the mean of the frames' answers. */
  readonly logits: Tensor;
  /** (clips, width): the mean of the frames' features. */
  readonly features: Tensor;
  /** (clips, frames, classes) */
  readonly frameLogits: Tensor;
}

/** video (clips, 3, frames, H, W). */
export function tsm(scope: Scope, video: Tensor, config: TsmConfig, mode: Mode): TsmOutputs {
  const frames = video.shape[2]!;
  const perClip = scope.withLayers((x) => meanOverFrames(x, frames));
  const seen = seeFrames(perClip, framesInBatch(video), shiftOf(config, frames), config, mode);
  const frameLogits = framesApart(seen.logits, frames);
  return { logits: reduceMean(frameLogits, 1), features: meanOverFrames(seen.features, frames), frameLogits };
}

function shiftOf({ is_shift, shift_div, shift_place, online }: TsmConfig, frames: Dim): BlockInputs {
  return is_shift ? shiftBetweenFrames({ frames, div: shift_div, place: shift_place, online }) : {};
}

/** images (N, 3, H, W) -> each one's features (N, width) and answer (N, classes). */
function seeFrames(scope: Scope, images: Tensor, inputs: BlockInputs, config: TsmConfig, mode: Mode) {
  const backbone = backboneOf(config);
  const at = scope.at(PARTS.backbone);
  const features = backbone.pool(at, backbone.featureMap(at, images, mode, inputs), mode);
  const kept = mode.dropout(features, config.dropout);
  const logits = linear(scope.at(PARTS.classifier), kept, config.num_class, {
    weightInit: { kind: "normal", std: 0.001 },
  });
  return { features, logits };
}

/**
 * One frame of a stream: frame (batch, 3, H, W) of known size, and what is remembered of the one before, which `remembered` gives by name and shape.
 * Outputs: the frame's `logits` and `features`, and `next.NAME` to remember; zeros before the first frame.
 */
export function tsmFrame(
  scope: Scope,
  frame: Tensor,
  remembered: (name: string, shape: Shape) => Tensor,
  config: TsmConfig,
  mode: Mode,
): Record<string, Tensor> {
  const memories: Record<string, Tensor> = {};
  const shift = (x: Tensor) => {
    const [batch, , height, width] = x.shape as [Dim, Dim, Dim, Dim];
    const fold = foldOf(channelsOf(x), config.shift_div);
    if (fold === 0) return x;
    const name = String(Object.keys(memories).length);
    const { shifted, next } = shiftFromLast(x, remembered(name, [batch, fold, height, width]), config.shift_div);
    memories[`next.${name}`] = next;
    return shifted;
  };
  const inputs = config.is_shift ? shiftedBlocks(config.shift_place, shift) : {};
  return { ...seeFrames(scope, frame, inputs, config, mode), ...memories };
}
