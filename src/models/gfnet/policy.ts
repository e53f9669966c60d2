// Where to look next (GFNet's patch proposal network): a small encoder of the last feature map, a recurrent state, and an actor whose two
// sigmoids are the patch's place. Reproduces network.py ActorCritic of blackfeather-wang/GFNet-Pytorch; the critic is for training alone.
import { conv, relu, reshape, sigmoid } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { gruStep } from "../../nn/gru.ts";
import { torchDefault, torchLinear } from "../../nn/linear.ts";

/** The fields of a configuration that shape the policy. */
export interface PolicyConfig {
  readonly policy_conv: boolean;
  readonly policy_hidden_dim: number;
}

export interface PolicyStep {
  /** (batch, 2): row and column of the patch, 0 to 1 of the room it has. The mean of the distribution that training draws from. */
  readonly action: Tensor;
  /** (batch, 1): the critic's guess of the rewards to come. */
  readonly value: Tensor;
  /** (batch, policy_hidden_dim), for the next step. */
  readonly hidden: Tensor;
}

const ENCODER_WIDTH = 2048;
const ENCODER_CHANNELS = 32;

/** map (batch, channels, h, w): the feature map of the glance or of the last patch. `hidden` undefined begins anew. */
export function policyStep(scope: Scope, map: Tensor, hidden: Tensor | undefined, config: PolicyConfig): PolicyStep {
  const width = config.policy_hidden_dim;
  const state = encodeState(scope.at("state_encoder"), map, config);
  const next = gruStep(scope.at("gru"), state, hidden, width);
  return {
    action: sigmoid(torchLinear(scope.at("actor", 0), next, 2)),
    value: torchLinear(scope.at("critic", 0), next, 1),
    hidden: next,
  };
}

/** -> (batch, policy_hidden_dim) */
function encodeState(scope: Scope, map: Tensor, { policy_conv, policy_hidden_dim }: PolicyConfig): Tensor {
  const [batch, channels, height, width] = map.shape as [Tensor["shape"][number], number, number, number];
  if (!policy_conv) {
    const flat = reshape(map, [batch, channels * height * width]);
    return relu(torchLinear(scope.at(2), relu(torchLinear(scope.at(0), flat, ENCODER_WIDTH)), policy_hidden_dim));
  }
  const weight = scope.at(0).parameter("weight", [ENCODER_CHANNELS, channels, 1, 1], torchDefault(channels));
  const narrow = relu(conv(map, weight, undefined)); // (batch, 32, h, w)
  const flat = reshape(narrow, [batch, ENCODER_CHANNELS * height * width]);
  return relu(torchLinear(scope.at(3), flat, policy_hidden_dim));
}
