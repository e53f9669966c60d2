// Token Transforming (Zeng, Yu, Kong, Tang, 2025, arXiv 2506.05709): many tokens to many. Each token goes, in parts, into those of the new ones that it is like;
// W is dense, and a new token is a mean of all old ones, most of all of its like.
//
// A restatement: the authors published no code. Theirs are X' = W X, the dense W, and that it takes no training. Ours is how W is made. A token is redundant as far
// as one that the class token looks at more is like it; the least redundant are centres. Every token is divided among the centres by softmax(cos / tau) of
// the mean keys of attention, so that nothing is lost and nothing counts twice: with P (N, M, T) the parts and s the mass, W = P s / sum(P s), and P s is
// the new mass, by which attention then counts (as ToMe's does). tau -> 0 is a clustering around the centres.
import {
  concat,
  div,
  greater,
  matMul,
  mul,
  neg,
  reduceMax,
  reduceSum,
  reshape,
  slice,
  softmax,
  topK,
  where,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Attention } from "../attention.ts";
import { importance, takeRows, unitKeys } from "./rows.ts";
import { leavingShare } from "./share.ts";
import { massOf, type TokenState, transform } from "./state.ts";
import { numberOption, type TokenSystem } from "./system.ts";

/** Of a small ViT that was trained on photographs, 0.003 to 0.01 changed answers least. */
const DEFAULT_TAU = 0.01;

/** Below it rounding of cosines decides, and a centre that is like another may be left with nothing. */
const LEAST_TAU = 1e-6;
const MOST_TAU = 1e6;

export const tokenTransforming: TokenSystem = {
  verb: "transform",
  example: "transform=0.7@3,6,9:transforming",
  layouts: ["sequence"],
  options: ["tau"],
  plan(text, model) {
    const tau = numberOption(text, "tau", DEFAULT_TAU, [LEAST_TAU, MOST_TAU]);
    const leave = leavingShare((tokens, attention, count) => divide(tokens, attention, count, tau));
    return { ...leave(text, model), proportional: true };
  },
};

/** Divides the tokens behind the special ones among `count` of them. */
function divide(tokens: TokenState, attention: Attention, count: number, tau: number): TokenState {
  const { special } = tokens;
  const score = importance(attention, special); // (N, patches)
  const metric = slice(unitKeys(attention), 1, special); // (N, patches, w)
  const likeness = matMul(metric, metric, { transposeB: true }); // (N, patches, patches), -1 to 1
  const centres = takeRows(metric, topK(neg(redundancy(likeness, score)), count)); // (N, count, w)
  const parts = softmax(mul(matMul(metric, centres, { transposeB: true }), 1 / tau)); // (N, patches, count): P transposed
  const [n, patches] = parts.shape as [Dim, Dim];
  const mass = massOf(tokens); // (N, T)
  const moved = mul(parts, reshape(slice(mass, 1, special), [n, patches, 1]));
  const collected = reduceSum(moved, 1, { keepDims: true }); // (N, 1, count): the new mass
  const weights = div(moved, collected); // (N, patches, count): W of the patches, transposed
  const rows = (values: Tensor) =>
    concat([slice(values, 1, 0, special), matMul(weights, slice(values, 1, special), { transposeA: true })], 1);
  const newMass = concat([slice(mass, 1, 0, special), reshape(collected, [n, count])], 1);
  return transform(tokens, rows, { mass: newMass, score });
}

/** How like each token is to the likest of those that matter more, (N, patches); the one that matters most is like none. */
function redundancy(likeness: Tensor, score: Tensor): Tensor {
  const [n, patches] = score.shape as [Dim, Dim];
  const mattersMore = greater(reshape(score, [n, 1, patches]), reshape(score, [n, patches, 1])); // (N, patches, patches)
  return reduceMax(where(mattersMore, likeness, LIKE_NONE), 2);
}

/** Less than a cosine. */
const LIKE_NONE = -2;
