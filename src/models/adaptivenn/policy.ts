// Where to fixate next, and what that is worth: twin nets over the state (policy_net_patch of LeapLabTHU/AdaptiveNN, models/dynamic_deitS.py). The value
// net's guess of what further fixations gain is also what stops them. No gradient goes from either into the state.
import { gelu, reshape, sigmoid, stopGradient } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { conv2d } from "../../nn/conv.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { linear, torchDefault } from "../../nn/linear.ts";
import { EPSILON, mapOf } from "./encoder.ts";

/** The fields of a configuration that shape the nets. */
export interface PolicyConfig {
  readonly policy_net_hidden_chans: number;
  readonly policy_net_kernel_size: number;
}

/** Widths of the two layers before the last, the same in every configuration. */
const WIDTHS = [1024, 512] as const;

/** state (batch, tokens, width) before fixation `step` (from 0) -> (batch, 2): row and column of the patch, 0 to 1 of the room that it has. */
export function policy(scope: Scope, state: Tensor, step: number, config: PolicyConfig): Tensor {
  return sigmoid(twin(scope, "policy_net_patch", "policy_net_patch_norm_list", state, step, 2, config));
}

/** state (batch, tokens, width) before fixation `step` -> (batch, 1): by how much this and later fixations will lower the cross-entropy, discounted. */
export function value(scope: Scope, state: Tensor, step: number, config: PolicyConfig): Tensor {
  return twin(scope, "policy_net_patch_stateV", "policy_net_patch_norm_list_stateV", state, step, 1, config);
}

function twin(
  scope: Scope,
  net: string,
  norms: string,
  state: Tensor,
  step: number,
  outputs: number,
  { policy_net_hidden_chans: narrow, policy_net_kernel_size: kernel }: PolicyConfig,
): Tensor {
  const at = scope.at(net);
  const map = mapOf(layerNorm(scope.at(norms, step), stopGradient(state), EPSILON)); // (batch, width, side, side)
  const [batch, width, side] = map.shape as [Dim, number, number, number];
  const near = conv2d(at.at("conv1"), map, width, kernel, { groups: width, weightInit: torchDefault(kernel * kernel) });
  const mixed = conv2d(at.at("conv2"), gelu(near), narrow, 1, { weightInit: torchDefault(width) });
  let x = reshape(gelu(mixed), [batch, narrow * side * side]);
  for (const [i, size] of WIDTHS.entries())
    x = gelu(layerNorm(at.at("ln_list", step, i), unbiased(at.at(`linear${i + 1}`), x, size), EPSILON));
  return unbiased(at.at("output_head", 0), x, outputs);
}

function unbiased(scope: Scope, x: Tensor, features: number): Tensor {
  return linear(scope, x, features, { bias: false, weightInit: torchDefault(x.shape.at(-1) as number) });
}
