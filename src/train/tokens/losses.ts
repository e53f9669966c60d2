// The parts of what models learn whose tokens get fewer: how many are kept, what they say, and what a choice of them is worth.
import {
  add,
  argMax,
  cast,
  div,
  equal,
  log,
  maximum,
  minimum,
  mul,
  neg,
  reduceMean,
  reduceSum,
  slice,
  softmax,
  stopGradient,
  sub,
} from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";

/**
 * How far the shares that predictors keep are from those that they should: squared, the mean over pictures and predictors.
 *
 * @param decisions of each predictor, (batch, patches) of 0 and 1
 * @param shares of each predictor
 */
export function shareLoss(decisions: readonly Tensor[], shares: readonly number[]): Tensor {
  const losses = decisions.map((kept, i) => {
    const off = sub(reduceMean(kept, 1), shares[i]!); // (batch)
    return reduceMean(mul(off, off), 0);
  });
  return mul(losses.reduce(add), 1 / losses.length);
}

/**
 * Mean squared distance of kept tokens from the teacher's.
 *
 * @param tokens (batch, patches, width)
 * @param teacherTokens the same
 * @param kept (batch, patches) of 0 and 1
 */
export function keptTokenLoss(tokens: Tensor, teacherTokens: Tensor, kept: Tensor): Tensor {
  const [, , width] = tokens.shape;
  const off = sub(tokens, stopGradient(teacherTokens));
  const weights = stopGradient(kept);
  const sum = reduceSum(mul(reduceSum(mul(off, off), 2), weights), [0, 1]);
  return div(sum, maximum(mul(reduceSum(weights, [0, 1]), width as number), 1));
}

/** How right answers are, (batch) in 0..1. @param logits, targets (batch, classes) */
export type Rightness = (logits: Tensor, targets: Tensor) => Tensor;

/** 1 where the likeliest class is the true one, else 0. */
export const isRight: Rightness = (logits, targets) => cast(equal(argMax(logits, 1), argMax(targets, 1)), "float32");

/** The true class's probability. */
export const confidence: Rightness = (logits, targets) => reduceSum(mul(softmax(logits), targets), 1);

/**
 * What a choice of tokens is worth, (batch): 1 less the squared share of tokens that are kept, where the answer is right, and -`penalty` where it is
 * wrong; in between in proportion.
 *
 * @param right (batch) in 0..1: how right the answer is
 * @param policy (batch, tokens) of 0 and 1
 */
export function policyReward(right: Tensor, policy: Tensor, penalty: number): Tensor {
  const share = reduceMean(policy, 1);
  return sub(mul(right, sub(1 + penalty, mul(share, share))), penalty);
}

/** Keeps logarithms of probabilities finite. */
const LEAST = 1e-6;

/**
 * The logarithm of the probability of a policy, (batch): of the tokens that could be chosen, each for itself. Special ones are always kept, and those
 * that were gone stay so.
 *
 * @param policy (batch, tokens) of 0 and 1
 * @param scores (batch, tokens): the probability of each to be kept
 * @param previous (batch, tokens) of 0 and 1: which chance decided on; undefined for all
 * @param special how many of the first tokens are always kept
 */
export function policyLogProbability(
  policy: Tensor,
  scores: Tensor,
  previous: Tensor | undefined,
  special: number,
): Tensor {
  const rest = (x: Tensor) => slice(x, 1, special);
  const p = minimum(maximum(rest(scores), LEAST), 1 - LEAST);
  const kept = rest(policy);
  const each = add(mul(kept, log(p)), mul(sub(1, kept), log(sub(1, p)))); // (batch, tokens - special)
  return reduceSum(previous === undefined ? each : mul(each, rest(previous)), 1);
}

/**
 * REINFORCE with the reward of the greedy choice as baseline (self-critical: Rennie et al., CVPR 2017): choices that turned out better than what the
 * policy would have done become likelier.
 *
 * @param logProbability (batch): of the sampled choice
 * @param reward (batch): of the sampled choice
 * @param baseline (batch): reward of the greedy choice
 */
export function selfCriticalLoss(logProbability: Tensor, reward: Tensor, baseline: Tensor): Tensor {
  return neg(reduceMean(mul(stopGradient(sub(reward, baseline)), logProbability), 0));
}
