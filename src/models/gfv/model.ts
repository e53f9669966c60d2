// GFV, "global-focus video": AdaFocus over TSM (Wang et al., ICCV 2021), from its description and from what it computes. A cheap network glances at some
// frames of a clip, a policy chooses one place by what it saw, a larger network looks at that place in all frames, and both answer.
import { add, concat, gather, reduceMean, reshape, resize, wholes } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { linear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { cutPatch, tubeOf } from "../crop.ts";
import { framesApart, framesInBatch, meanOverFrames, shiftBetweenFrames } from "../shifted-backbones.ts";
import { backbonesOf, type GfvConfig, glanceFramesOf } from "./config.ts";
import { choosePlace } from "./policy.ts";

/** Official paths of the parts. */
export const PARTS = {
  glancer: "glancer.net",
  focuser: "focuser.net.base_model",
  classifier: "classifier",
  policy: "policy",
} as const;

export interface Glance {
  /** (clips, classes): the mean of its frames' answers. */
  readonly logits: Tensor;
  /** (clips, frames, classes) */
  readonly frameLogits: Tensor;
  /** (clips, width): the mean of its frames' features. */
  readonly features: Tensor;
  /** (clips, frames * channels, h, w): what the policy reads. */
  readonly maps: Tensor;
}

/** frames (clips * num_segments_glancer, 3, h, w) of any size. */
export function glanceAt(scope: Scope, frames: Tensor, config: GfvConfig, mode: Mode): Glance {
  const { num_segments_glancer: count, shift_div: div, num_classes, dropout } = config;
  const { glancer } = backbonesOf(config);
  const at = scope.at(PARTS.glancer).withLayers((x) => meanOverFrames(x, count));
  // Official code shifts the glance inside its residual branches, wherever the focus is shifted.
  const map = glancer.featureMap(at, frames, mode, shiftBetweenFrames({ frames: count, div }));
  const features = glancer.pool(at, map, mode);
  const frameLogits = framesApart(glancer.classify(at, mode.dropout(features, dropout), num_classes), count);
  const [, channels, height, width] = map.shape as [Dim, number, Dim, Dim];
  return {
    logits: reduceMean(frameLogits, 1),
    frameLogits,
    features: meanOverFrames(features, count),
    maps: reshape(map, [frameLogits.shape[0]!, count * channels, height, width]),
  };
}

/** The frames of a clip that the glance sees: video (clips, 3, frames, H, W) -> (clips * num_segments_glancer, 3, glance_size, glance_size). */
export function glanceFrames(video: Tensor, config: GfvConfig): Tensor {
  const { glance_size, input_size } = config;
  const images = framesInBatch(gather(video, wholes(video.graph, glanceFramesOf(config)), 2));
  return glance_size === input_size ? images : resize(images, [glance_size, glance_size], "linear", false);
}

export interface Focus {
  /** (clips, classes): the mean of the patches' answers, and the glance's. */
  readonly logits: Tensor;
  /** (clips, width): the mean of the patches' features. */
  readonly features: Tensor;
  /** (clips, 2): row and column, 0 to 1 of the room that a patch has. */
  readonly action: Tensor;
  /** (clips, 4): x1, y1, x2, y2 of the patch in all frames, 0 to 1 of the picture. */
  readonly region: Tensor;
}

/** video (clips, 3, num_segments_focuser, H, W), and what the glance left. */
export function focusOn(
  scope: Scope,
  video: Tensor,
  glance: Pick<Glance, "logits" | "maps">,
  config: GfvConfig,
  mode: Mode,
): Focus {
  const { num_segments_focuser: frames, patch_size: side, shift_div: div, shift_place: place } = config;
  const { action } = choosePlace(scope.at(PARTS.policy), glance.maps, config.hidden_state_dim, mode);
  const { pixels, region } = cutPatch(video, action, side); // (clips, 3 * frames, side, side)
  const patches = framesInBatch(reshape(pixels, [video.shape[0]!, 3, frames, side, side]));
  const { focuser } = backbonesOf(config);
  const at = scope.at(PARTS.focuser).withLayers((x) => meanOverFrames(x, frames));
  const features = focuser.pool(
    at,
    focuser.featureMap(at, patches, mode, shiftBetweenFrames({ frames, div, place })),
    mode,
  );
  const frameLogits = linear(scope.at(PARTS.classifier), mode.dropout(features, config.dropout), config.num_classes, {
    weightInit: { kind: "normal", std: 0.001 },
  });
  const logits = add(meanOverFrames(frameLogits, frames), glance.logits);
  return { logits, features: meanOverFrames(features, frames), action, region };
}

/** Both in one graph. video (clips, 3, num_segments_focuser, H, W). */
export function gfv(scope: Scope, video: Tensor, config: GfvConfig, mode: Mode): Record<string, Tensor> {
  const glance = glanceAt(scope, glanceFrames(video, config), config, mode);
  const focus = focusOn(scope, video, glance, config, mode);
  const tube = tubeOf(focus.region);
  return {
    logits: focus.logits,
    features: concat([glance.features, focus.features], 1),
    glance_logits: glance.frameLogits,
    action: focus.action,
    region: focus.region,
    "gaze.0.regions": tube.regions,
    "gaze.0.points": tube.points,
  };
}
