// What training Uni-AdaFocus minimises, end to end and from labels alone (LeapLabTHU/Uni-AdaFocus, Uni-AdaFocus-TSM, main.py and
// archs/uni_adafocus_tsm.py AdaFocus.forward in training). The focus looks at crops anywhere and at those of the policy; no gradient goes through
// either. The policies learn from answers that cost next to nothing: the spatial one from what the glance's own maps say of its crop, the temporal one
// from what the glance's frames say, weighted as it weights them.
import {
  add,
  cast,
  concat,
  div,
  expand,
  expandDims,
  greater,
  greaterOrEqual,
  log,
  matMul,
  maximum,
  minimum,
  mul,
  neg,
  reduceMean,
  reduceSum,
  reshape,
  slice,
  stopGradient,
  sub,
  values,
} from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { UniAdafocusConfig } from "../../models/uni-adafocus/config.ts";
import { attend, chooseFrames, cutPatches, frameCrop, glance, spatialLogits } from "../../models/uni-adafocus/model.ts";
import { look } from "../../models/uni-adafocus/networks.ts";
import { softCrossEntropy } from "../losses.ts";
import type { Objective, ObjectiveInputs } from "../objective.ts";

export interface FocusingOptions {
  /** Weight of the pull towards large crops ("norm_ratio"): without it they shrink to what the glance finds telling. */
  readonly largeCropWeight: number;
  /** How often frames are drawn for the temporal policy's answer; 128 in the official code. */
  readonly frameDraws: number;
}

/** The objective, for a model of the architecture uni_adafocus. */
export function focusingObjective({ largeCropWeight, frameDraws }: FocusingOptions): Objective {
  return (inputs) => {
    const { scope, image: clips, targets, mode } = inputs;
    const config = inputs.model.config as UniAdafocusConfig;
    const first = glance(scope, clips, config, mode);
    const { temporalWeights, action } = attend(scope, first, config, mode);
    const { frames } = chooseFrames(stopGradient(temporalWeights), config, randomThresholds(inputs, config));

    const crops = [anywhere(inputs, config), stopGradient(action)];
    const patches = crops.map((at) => cutPatches(clips, frames, frameCrop(at, config), config));
    // Side by side, so that batch normalisation sees both.
    const second = look(scope, concat(patches, 0), "focus", config, mode);
    const finals = halves(second.finalLogits).map((logits) => add(first.finalLogits, logits));

    const answer = (logits: readonly Tensor[]) =>
      mul(logits.map((each) => softCrossEntropy(each, targets)).reduce(add), 1 / logits.length);
    const losses = [
      answer(finals),
      answer([first.ownLogits]),
      answer(halves(second.ownLogits)),
      answer([frameLogits(inputs, config, temporalWeights, first.frameLogits, frameDraws)]),
      answer([spatialLogits(scope, first.maps, action, config)]),
      mul(distanceFromLargest(action), largeCropWeight),
    ];
    return { loss: losses.reduce(add), logits: finals[1]! };
  };
}

function halves(x: Tensor): [Tensor, Tensor] {
  const half = (x.shape[0] as number) / 2;
  return [slice(x, 0, 0, half), slice(x, 0, half)];
}

/** (clips, focus frames): one threshold anywhere in each of equal parts. */
function randomThresholds({ image, draw }: ObjectiveInputs, { num_focus_segments: count }: UniAdafocusConfig): Tensor {
  const batch = image.shape[0] as number;
  const drawn = draw({ name: "thresholds", shape: [batch, count], distribution: "uniform" });
  const starts = values(
    image.graph,
    [1, count],
    Array.from({ length: count }, (_, i) => i),
  );
  return mul(add(drawn, starts), 1 / count);
}

/** (clips, 4): the action of a crop as large as a patch, anywhere. */
function anywhere({ image, draw }: ObjectiveInputs, config: UniAdafocusConfig): Tensor {
  const batch = image.shape[0] as number;
  const { patch_size, input_size, smallest_crop } = config;
  const places = draw({ name: "places", shape: [batch, 2], distribution: "uniform" });
  const size = (patch_size - smallest_crop) / Math.max(1, input_size - smallest_crop);
  return concat([places, expand(values(image.graph, [1, 2], [size, size]), [batch, 2])], 1);
}

/** A scalar: mean square distance of the crop's two sizes from the largest. */
function distanceFromLargest(action: Tensor): Tensor {
  const missing = sub(1, slice(action, 1, 2, 4)); // (clips, 2)
  return reduceMean(mul(missing, missing), [0, 1]);
}

/** Uniform numbers stay this far from 0 and 1, whose logarithms' logarithms are infinite. */
const LEAST = 1e-7;
/** Of weights: what is divided by is not less. */
const LEAST_WEIGHT = 1e-12;

/**
 * (clips, classes): frames' answers, weighted by the policy. To answer as several frames would and not as the best one, up to a third of the frames are
 * drawn by their weights and left out, and the others' weights are scaled up to 1; the mean of that over all numbers of frames and many draws. Only the
 * weights themselves get a gradient, not what they are scaled by.
 *
 * @param weights (clips, frames)
 * @param answers (clips, frames, classes) of the glance
 */
function frameLogits(
  { draw }: ObjectiveInputs,
  { num_glance_segments: count }: UniAdafocusConfig,
  weights: Tensor,
  answers: Tensor,
  draws: number,
): Tensor {
  const batch = weights.shape[0] as number;
  const most = Math.max(1, Math.floor(count / 3));
  const still = stopGradient(weights);
  const scales = [expand(div(1, maximum(reduceSum(still, 1, { keepDims: true }), LEAST_WEIGHT)), [batch, count])];
  if (most > 1) {
    const drawn = draw({ name: "left_out", shape: [most - 1, batch, draws, count], distribution: "uniform" });
    for (let left = 1; left < most; left++)
      scales.push(scaleWithout(left, still, reshape(slice(drawn, 0, left - 1, left), [batch, draws, count])));
  }
  const scale = mul(scales.reduce(add), 1 / most); // (clips, frames)
  const shares = expandDims(mul(weights, scale), 1); // (clips, 1, frames)
  return reshape(matMul(shares, stopGradient(answers)), [batch, answers.shape[2]!]);
}

/**
 * (clips, frames): by what a frame's weight is multiplied when `left` frames are left out, 0 where it is one of these; the mean over the draws. The frames
 * left out are those with the highest log weight + Gumbel noise: drawing without replacement, all at once.
 */
function scaleWithout(left: number, weights: Tensor, uniform: Tensor): Tensor {
  const noise = neg(log(neg(log(minimum(maximum(uniform, LEAST), 1 - LEAST))))); // (clips, draws, frames)
  const keys = add(expandDims(log(maximum(weights, LEAST_WEIGHT)), 1), noise);
  const isAbove = greater(expandDims(keys, 2), expandDims(keys, 3)); // (clips, draws, frames, frames)
  const rank = reduceSum(cast(isAbove, "float32"), 3); // (clips, draws, frames): how many are above
  const stays = cast(greaterOrEqual(rank, left), "float32");
  const rest = reduceSum(mul(stays, expandDims(weights, 1)), 2, { keepDims: true }); // (clips, draws, 1)
  return reduceMean(div(stays, maximum(rest, LEAST_WEIGHT)), 1);
}
