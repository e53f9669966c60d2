// How AdaptiveNN's policy and value nets learn: proximal policy optimisation with generalised advantages (Schulman et al., 2016 and 2017). Reproduces
// engine_ppo.py of LeapLabTHU/AdaptiveNN: a fixation's reward is by how much it lowers the cross-entropy, nothing follows the last one, advantages are
// normalised over the whole batch and the value net's aims are not, and the bonus for entropy moves nothing, because the deviation is fixed.
import { add, concat, exp, mul, neg, type Operand, reduceMean, slice, stopGradient, sub } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { actionEntropy, actionLogProbability, clippedGain, normalised } from "../policy-gradients.ts";

export interface AdvantageOptions {
  /** Weight of what comes one fixation later. */
  readonly gamma: number;
  /** From 0, where the value net says all that comes after a fixation, to 1, where what came says it. */
  readonly lambda: number;
}

export interface Advantages {
  /** (steps, batch): how much better fixations were than the value net expected, as they are. */
  readonly raw: Tensor;
  /** (steps, batch): normalised, for the policy. */
  readonly advantages: Tensor;
  /** (steps, batch): what the value net should have said. */
  readonly returns: Tensor;
}

const ADVANTAGE_EPSILON = 1e-8;

/** rewards and the value net's guesses before each fixation, (steps, batch) each. No gradient reaches them. */
export function generalisedAdvantages(
  rewards: Tensor,
  values: Tensor,
  { gamma, lambda }: AdvantageOptions,
): Advantages {
  const steps = rewards.shape[0] as number;
  const at = (x: Tensor, step: number) => stopGradient(slice(x, 0, step, step + 1)); // (1, batch)
  const found: Tensor[] = [];
  let later: Tensor | undefined;
  for (let step = steps - 1; step >= 0; step--) {
    const surprise = sub(at(rewards, step), at(values, step));
    later =
      later === undefined ? surprise : add(add(surprise, mul(at(values, step + 1), gamma)), mul(later, gamma * lambda));
    found.unshift(later);
  }
  const raw = concat(found, 0);
  return { raw, advantages: normalised(raw, ADVANTAGE_EPSILON), returns: add(raw, stopGradient(values)) };
}

/** Fixations that were made, and what the nets say of them now. */
export interface Replay {
  /** (steps, batch, 2): what the policy means now. */
  readonly means: Tensor;
  /** (steps, batch): what the value net says now. */
  readonly values: Tensor;
  /** (steps, batch, 2): where was looked. */
  readonly actions: Tensor;
  /** (steps, batch): the logarithm of each action's density when it was drawn. */
  readonly logProbabilities: Tensor;
  /** (steps, batch) */
  readonly advantages: Tensor;
  /** (steps, batch) */
  readonly returns: Tensor;
}

export interface PpoOptions {
  /** Of the actions around the policy's choice, in shares of the room that a patch has. */
  readonly deviation: Operand;
  /** How far the probability of an action may move before the gain stops counting. */
  readonly clip: number;
}

export interface PpoLoss {
  /** A scalar, what is minimised: policy + value - ENTROPY_WEIGHT * entropy. */
  readonly total: Tensor;
  readonly policy: Tensor;
  readonly value: Tensor;
  readonly entropy: Operand;
  /** (steps, batch): how much more probable each action is than when it was drawn. */
  readonly ratios: Tensor;
}

const ENTROPY_WEIGHT = 0.01;

/** The policy's loss and the value net's. */
export function ppoLoss(replay: Replay, { deviation, clip }: PpoOptions): PpoLoss {
  const now = actionLogProbability(replay.actions, replay.means, deviation); // (steps, batch)
  const ratios = exp(sub(now, replay.logProbabilities));
  const policy = neg(reduceMean(clippedGain(ratios, replay.advantages, clip), [0, 1]));
  const error = sub(replay.values, replay.returns);
  const value = reduceMean(mul(error, error), [0, 1]);
  const entropy = actionEntropy(deviation);
  const bonus = typeof entropy === "number" ? entropy * ENTROPY_WEIGHT : mul(entropy, ENTROPY_WEIGHT);
  return { total: sub(add(policy, value), bonus), policy, value, entropy, ratios };
}
