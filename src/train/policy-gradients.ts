// What reinforcement of policies over places shares (Schulman et al., 2017: proximal policy optimisation): actions are normal around what a policy means,
// and a gain counts only as far as the policy may move at once.
import {
  add,
  div,
  log,
  maximum,
  minimum,
  mul,
  type Operand,
  reduceMean,
  reduceSum,
  sqrt,
  sub,
} from "../graph/build.ts";
import type { Tensor } from "../graph/tensor.ts";

const logarithm = (x: Operand): Operand => (typeof x === "number" ? Math.log(x) : log(x));
const twice = (x: Operand): Operand => (typeof x === "number" ? 2 * x : mul(x, 2));
const plus = (x: Operand, offset: number): Operand => (typeof x === "number" ? x + offset : add(x, offset));

/** actions and means (…, 2) -> (…): the logarithm of a normal density with this deviation in each coordinate. */
export function actionLogProbability(actions: Tensor, means: Tensor, deviation: Operand): Tensor {
  const off = div(sub(actions, means), deviation);
  return sub(mul(reduceSum(mul(off, off), -1), -0.5), plus(twice(logarithm(deviation)), Math.log(2 * Math.PI)));
}

/** Of that density, in both coordinates together. */
export function actionEntropy(deviation: Operand): Operand {
  return plus(twice(logarithm(deviation)), 1 + Math.log(2 * Math.PI));
}

/** ratio: how much more probable an action is than when it was drawn, (…); what it gains beyond 1 +- clip does not count. */
export function clippedGain(ratio: Tensor, advantage: Tensor, clip: number): Tensor {
  const clipped = minimum(maximum(ratio, 1 - clip), 1 + clip);
  return minimum(mul(ratio, advantage), mul(clipped, advantage));
}

/** x (steps, batch) -> mean 0 and deviation 1 (unbiased) over everything. */
export function normalised(x: Tensor, epsilon: number): Tensor {
  const count = (x.shape as number[]).reduce((a, b) => a * b, 1);
  const centred = sub(x, reduceMean(x, [0, 1]));
  const variance = div(reduceSum(mul(centred, centred), [0, 1]), count - 1);
  return div(centred, add(sqrt(variance), epsilon));
}
