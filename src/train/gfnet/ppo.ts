// Proximal policy optimisation of GFNet's policy (Schulman et al., 2017): the clipped objective over whole episodes, of which all have the
// same length. Reproduces network.py PPO.update of blackfeather-wang/GFNet-Pytorch: returns normalised over the batch, the critic's error as a
// mean over everything, a bonus for entropy that is constant, because the deviation is.
import {
  add,
  concat,
  exp,
  expandDims,
  mul,
  neg,
  reduceMean,
  reshape,
  slice,
  stopGradient,
  sub,
} from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { type PolicyConfig, policyStep } from "../../models/gfnet/policy.ts";
import { actionEntropy, actionLogProbability, clippedGain, normalised } from "../policy-gradients.ts";

/** Defaults are the official numbers. */
export interface PpoOptions {
  /** Weight of a reward one step later. Default 0.7. */
  readonly gamma?: number;
  /** How far the probability of an action may move before the gain stops counting. Default 0.2. */
  readonly clip?: number;
  /** Deviation of the actions around the policy's choice. Default 0.1. */
  readonly deviation?: number;
}

export const PPO_DEFAULTS: Required<PpoOptions> = { gamma: 0.7, clip: 0.2, deviation: 0.1 };

/** What was seen, done and gained: `steps` patches of `batch` pictures each. All of it is data; no gradient reaches it. */
export interface Episodes {
  /** (steps, batch, channels, h, w): the feature map that each choice was made by. */
  readonly maps: Tensor;
  /** (steps, batch, 2) */
  readonly actions: Tensor;
  /** (steps, batch): the logarithm of each action's density when it was drawn. */
  readonly logProbabilities: Tensor;
  /** (steps, batch) */
  readonly rewards: Tensor;
}

const VALUE_WEIGHT = 0.5;
const ENTROPY_WEIGHT = 0.01;
const RETURN_EPSILON = 1e-5;

/** The scalar to minimise. `scope` is the policy's. */
export function ppoLoss(scope: Scope, episodes: Episodes, config: PolicyConfig, options: PpoOptions = {}): Tensor {
  const { gamma, clip, deviation } = { ...PPO_DEFAULTS, ...options };
  const { maps, actions, logProbabilities, rewards } = episodes;
  const returns = normalised(discountedReturns(rewards, gamma), RETURN_EPSILON); // (steps, batch)
  const policy = replay(scope, maps, config);
  const now = actionLogProbability(actions, policy.means, deviation); // (steps, batch)
  const ratio = exp(sub(now, logProbabilities));
  const advantage = sub(returns, stopGradient(policy.values));
  const error = sub(policy.values, returns);
  const actorLoss = neg(reduceMean(clippedGain(ratio, advantage, clip), [0, 1]));
  const criticLoss = mul(reduceMean(mul(error, error), [0, 1]), VALUE_WEIGHT);
  return sub(add(actorLoss, criticLoss), ENTROPY_WEIGHT * (actionEntropy(deviation) as number));
}

/** The policy again over recorded maps: means (steps, batch, 2) and values (steps, batch). */
function replay(scope: Scope, maps: Tensor, config: PolicyConfig): { means: Tensor; values: Tensor } {
  const [steps, batch, ...map] = maps.shape as number[];
  const means: Tensor[] = [];
  const values: Tensor[] = [];
  let hidden: Tensor | undefined;
  for (let step = 0; step < steps!; step++) {
    const before = reshape(slice(maps, 0, step, step + 1), [batch!, ...map]);
    const next = policyStep(scope, before, hidden, config);
    means.push(expandDims(next.action, 0));
    values.push(reshape(next.value, [1, batch!]));
    hidden = next.hidden;
  }
  return { means: concat(means, 0), values: concat(values, 0) };
}

/** rewards (steps, batch) -> each step's reward and, discounted, those after it. */
function discountedReturns(rewards: Tensor, gamma: number): Tensor {
  const steps = rewards.shape[0] as number;
  const returns: Tensor[] = [];
  let later: Tensor | undefined;
  for (let step = steps - 1; step >= 0; step--) {
    const reward = slice(rewards, 0, step, step + 1); // (1, batch)
    later = later === undefined ? reward : add(reward, mul(later, gamma));
    returns.unshift(later);
  }
  return concat(returns, 0);
}
