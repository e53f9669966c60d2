// Token Transforming (Zeng, Yu, Kong, Tang, 2025, arXiv 2506.05709): many tokens to many. Each token goes, in parts, into those of the new ones that it is like;
// W is dense, and a new token is a mean of all old ones, most of all of its like.
//
// A restatement: the authors published no code. Theirs are X' = W X, the dense W, and that it takes no training. Ours is how W is made. Centres are the tokens
// that the class token looks at most. A token is divided among them by softmax(cos / tau) of the mean keys of attention, so that nothing is lost
// and nothing counts twice: with P (N, M, T) the parts and s the mass, W = P s / sum(P s), and P s is the new mass, by which attention then counts (as ToMe's
// does). tau -> 0 is a clustering around the centres; with as many centres as tokens it leaves them as they are.
import { concat, div, matMul, mul, reduceSum, reshape, slice, softmax, topK } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Attention } from "../attention.ts";
import { importance, takeRows, unitKeys } from "./rows.ts";
import { leavingShare } from "./share.ts";
import { massOf, type TokenState, transform } from "./state.ts";
import { numberOption, refuse, type TokenSystem } from "./system.ts";

const DEFAULT_TAU = 0.05;

export const tokenTransforming: TokenSystem = {
  verb: "transform",
  example: "transform=0.7@3,6,9:transforming",
  layouts: ["sequence"],
  options: ["tau"],
  plan(text, model) {
    const tau = numberOption(text, "tau", DEFAULT_TAU);
    if (tau === 0)
      refuse(
        text,
        "tau must be more than 0",
        `the smaller, the more a token goes into one; such as +tau=${DEFAULT_TAU}`,
      );
    const leave = leavingShare((tokens, attention, count) => divide(tokens, attention, count, tau));
    return { ...leave(text, model), proportional: true };
  },
};

/** Divides the tokens behind the special ones among `count` of them. */
function divide(tokens: TokenState, attention: Attention, count: number, tau: number): TokenState {
  const { special } = tokens;
  const score = importance(attention, special); // (N, patches)
  const metric = slice(unitKeys(attention), 1, special); // (N, patches, w)
  const centres = takeRows(metric, topK(score, count)); // (N, count, w)
  const likeness = matMul(centres, metric, { transposeB: true }); // (N, count, patches), -1 to 1
  const parts = softmax(mul(likeness, 1 / tau), 1); // each token's sum to 1
  const [n, , patches] = parts.shape as [Dim, Dim, Dim];
  const mass = massOf(tokens); // (N, T)
  const patchMass = reshape(slice(mass, 1, special), [n, 1, patches]);
  const moved = mul(parts, patchMass); // (N, count, patches)
  const collected = reduceSum(moved, 2, { keepDims: true }); // (N, count, 1): the new mass
  const weights = div(moved, collected); // W of the patches
  const rows = (values: Tensor) =>
    concat([slice(values, 1, 0, special), matMul(weights, slice(values, 1, special))], 1);
  const newMass = concat([slice(mass, 1, 0, special), reshape(collected, [n, count])], 1);
  return transform(tokens, rows, { mass: newMass, score });
}
