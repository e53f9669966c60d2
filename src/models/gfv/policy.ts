// Where to look in a clip: the maps of the glance's frames side by side, a small encoder with batch normalisation, a recurrent unit, and an actor whose
// two sigmoids are the patch's place. The critic is for training alone.
import { conv, relu, reshape, sigmoid } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { channelsOf } from "../../nn/conv.ts";
import { gruStep } from "../../nn/gru.ts";
import { torchDefault, torchLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";

export interface PolicyAnswer {
  /** (clips, 2): row and column of the patch, 0 to 1 of the room it has. */
  readonly action: Tensor;
  /** (clips, 1): the critic's guess of the reward. */
  readonly value: Tensor;
}

const ENCODER_CHANNELS = 64;

/** maps (clips, frames * channels, h, w). */
export function choosePlace(scope: Scope, maps: Tensor, width: number, mode: Mode): PolicyAnswer {
  const encoder = scope.at("state_encoder");
  const [clips, , height, breadth] = maps.shape as [Dim, Dim, number, number];
  const channels = channelsOf(maps);
  const weight = encoder.at(0).parameter("weight", [ENCODER_CHANNELS, channels, 1, 1], torchDefault(channels));
  const narrow = relu(batchNorm(encoder.at(1), conv(maps, weight, undefined), mode)); // (clips, 64, h, w)
  const flat = reshape(narrow, [clips, ENCODER_CHANNELS * height * breadth]);
  const mixed = reshape(torchLinear(encoder.at(4), flat, width), [clips, width, 1, 1]);
  const state = relu(reshape(batchNorm(encoder.at(5), mixed, mode), [clips, width]));
  const hidden = gruStep(scope.at("gru"), state, undefined, width);
  return {
    action: sigmoid(torchLinear(scope.at("actor", 0), hidden, 2)),
    value: torchLinear(scope.at("critic", 0), hidden, 1),
  };
}
