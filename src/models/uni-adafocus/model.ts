// Uni-AdaFocus (Wang et al., T-PAMI 2024, arXiv 2412.11228): a glance at few frames of a clip, then one part of more of them, both chosen by what the
// glance saw. Reproduces LeapLabTHU/Uni-AdaFocus, archs/uni_adafocus_tsm.py, AdaFocus.forward in evaluation, without the Monte-Carlo answer that only
// training reads. Read top to bottom: the glance, the policies, the focus, and all of them in one graph.

import { UsageError } from "../../errors.ts";
import {
  add,
  cast,
  concat,
  div,
  expand,
  expandDims,
  gather,
  mul,
  reduceMean,
  reshape,
  stopGradient,
  transpose,
  wholes,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { torchLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { glanceFrames, mapPoints, mapSide, type UniAdafocusConfig } from "./config.ts";
import { type Crop, type CropExtents, cropOf, cropRegion, readCrop } from "./crop.ts";
import { look, PARTS, type Seen } from "./networks.ts";
import { spatialAction } from "./spatial-policy.ts";
import { evenThresholds, framesAt, quantiles, takeFrames, temporalWeights } from "./temporal-policy.ts";

/** clips (clips, 3, frames, height, width): the first look, at whole frames. */
export function glance(scope: Scope, clips: Tensor, config: UniAdafocusConfig, mode: Mode): Seen {
  const chosen = gather(clips, wholes(clips.graph, glanceFrames(config)), 2); // (clips, 3, glance frames, h, w)
  return look(scope, transpose(chosen, [0, 2, 1, 3, 4]), "glance", config, mode);
}

/** Where the focus is to look. The policies read what the glance saw, and do not train it. */
export interface Attention {
  /** (clips, glance frames): of each frame, how much of the focus it is worth. */
  readonly temporalWeights: Tensor;
  /** (clips, 4): row, column, height, width of the crop, see cropOf. */
  readonly action: Tensor;
}

/** What the policies make of a glance. */
export function attend(
  scope: Scope,
  { maps, features }: Pick<Seen, "maps" | "features">,
  config: UniAdafocusConfig,
  mode: Mode,
): Attention {
  const { temporal_hidden_dim, stn_hidden_dim } = config;
  const temporal = scope.at(PARTS.temporalPolicy);
  const spatial = scope.at(PARTS.spatialPolicy);
  return {
    temporalWeights: temporalWeights(temporal, stopGradient(features), temporal_hidden_dim, mode),
    action: spatialAction(spatial, stopGradient(maps), stn_hidden_dim, mode),
  };
}

export interface FocusFrames {
  /** (clips, focus frames), in 0..input frames: where the quantiles are. */
  readonly positions: Tensor;
  /** (clips, focus frames): whole numbers as float32, rising. */
  readonly frames: Tensor;
}

/** thresholds (clips or 1, focus frames) in 0..1; default: the middles of equal parts, as at inference. */
export function chooseFrames(
  weights: Tensor,
  { num_glance_segments, num_input_focus_segments, num_focus_segments }: UniAdafocusConfig,
  thresholds = evenThresholds(weights, num_focus_segments),
): FocusFrames {
  const positions = mul(quantiles(weights, thresholds), num_input_focus_segments / num_glance_segments);
  return { positions, frames: framesAt(positions, num_input_focus_segments) };
}

/** clips (clips, 3, frames, height, width) at the chosen frames, cut -> (clips, focus frames, 3, patch, patch). */
export function cutPatches(clips: Tensor, frames: Tensor, crop: Crop, { patch_size }: UniAdafocusConfig): Tensor {
  const taken = takeFrames(clips, frames);
  const [batch, count, colours, height, width] = taken.shape as [Dim, number, number, number, number];
  const patches = readCrop(reshape(taken, [batch, count * colours, height, width]), crop, patch_size);
  return reshape(patches, [batch, count, colours, patch_size, patch_size]);
}

/** The crop that an action means, of frames. */
export function frameCrop(action: Tensor, config: UniAdafocusConfig): Crop {
  return cropOf(action, frameExtents(config));
}

function frameExtents({ smallest_crop, input_size }: UniAdafocusConfig): CropExtents {
  return { smallest: smallest_crop / input_size, largest: 1 };
}

/**
 * (clips, num_class): what the glance's maps alone say of the crop. It costs next to nothing, and through it the spatial policy learns: its gradient
 * reaches the action by the places that are read.
 */
export function spatialLogits(scope: Scope, maps: Tensor, action: Tensor, config: UniAdafocusConfig): Tensor {
  const [clips, frames, channels, side] = maps.shape as [Dim, number, number, number];
  const points = mapPoints(config);
  // Exactly the frames' crop where patches are whole cells.
  const scale = (points * config.input_size) / (config.patch_size * mapSide(config));
  const { smallest, largest } = frameExtents(config);
  const crop = cropOf(action, { smallest: smallest * scale, largest: largest * scale });
  const flat = reshape(stopGradient(maps), [clips, frames * channels, side, side]);
  const read = reshape(readCrop(flat, crop, points), [clips, frames, channels, points * points]);
  return torchLinear(scope.at(PARTS.spatialHead), reduceMean(read, [1, 3]), config.num_class);
}

/** What the second look adds. */
export interface Focus extends FocusFrames {
  readonly crop: Crop;
  /** (clips, focus frames, 3, patch, patch) */
  readonly patches: Tensor;
  readonly seen: Seen;
}

/** Looks where the policies say. */
export function focus(
  scope: Scope,
  clips: Tensor,
  { temporalWeights: weights, action }: Attention,
  config: UniAdafocusConfig,
  mode: Mode,
): Focus {
  const { positions, frames } = chooseFrames(weights, config);
  const crop = frameCrop(action, config);
  const patches = cutPatches(clips, frames, crop, config);
  return { positions, frames, crop, patches, seen: look(scope, patches, "focus", config, mode) };
}

/** The places of a focus as tubes of one frame each. */
export interface Gaze {
  /** (clips, focus frames, 6): x1, y1, t1, x2, y2, t2 in 0..1 of the clip. */
  readonly regions: Tensor;
  /** (clips, focus frames, 1, 3): their middles, x, y, t. */
  readonly points: Tensor;
}

export function gazeOf({ crop, frames }: Pick<Focus, "crop" | "frames">, config: UniAdafocusConfig): Gaze {
  const [clips, count] = frames.shape as [Dim, number];
  const all = config.num_input_focus_segments;
  const space = (x: Tensor) => expand(expandDims(x, 1), [clips, count, 1]); // (clips, 1): the same for all frames
  const time = (shift: number) => expandDims(div(add(frames, shift), all), 2);
  const { top, left, height, width } = crop;
  const middle = (start: Tensor, extent: Tensor) => space(add(start, mul(extent, 0.5)));
  const [right, bottom] = [add(left, width), add(top, height)];
  return {
    regions: concat([space(left), space(top), time(0), space(right), space(bottom), time(1)], 2),
    points: expandDims(concat([middle(left, width), middle(top, height), time(0.5)], 2), 2),
  };
}

/**
 * clips (clips, 3, num_input_focus_segments, input_size, input_size): both looks in one graph, by the names of the goldens.
 *
 * @throws UsageError for clips of another number of frames
 */
export function uniAdafocus(scope: Scope, clips: Tensor, config: UniAdafocusConfig, mode: Mode) {
  const all = config.num_input_focus_segments;
  if (clips.shape[2] !== all) throw new UsageError(`this model takes clips of ${all} frames, not of ${clips.shape[2]}`);
  const first = glance(scope, clips, config, mode);
  scope.layer("glance.frames", first.features);
  scope.layer("glance.map", () => reduceMean(first.maps, 1));
  const attention = attend(scope, first, config, mode);
  const second = focus(scope, clips, attention, config, mode);
  scope.layer("focus.frames", second.seen.features);
  const gaze = gazeOf(second, config);
  return {
    logits: add(first.finalLogits, second.seen.finalLogits),
    features: reduceMean(second.seen.features, 1),
    glance_final_logits: first.finalLogits,
    glance_avg_logits: first.ownLogits,
    glance_frame_logits: first.frameLogits,
    focus_final_logits: second.seen.finalLogits,
    focus_avg_logits: second.seen.ownLogits,
    spatial_aux_logits: spatialLogits(scope, first.maps, attention.action, config),
    action: attention.action,
    region: cropRegion(second.crop),
    temporal_weights: attention.temporalWeights,
    focus_positions: second.positions,
    focus_frames: cast(second.frames, "int64"),
    patches: second.patches,
    "gaze.0.regions": gaze.regions,
    "gaze.0.points": gaze.points,
  };
}
