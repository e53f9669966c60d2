// IA-RED2 (Pan et al., NeurIPS 2021): before each group of blocks an interpreter says of every token whether the picture's answer needs it, and only those
// above one half go on, however many they are. Reproduces the forward pass of the authors' interpretation tool (copied in joon-stack/ltrp,
// score_net/ia_red_utils/IA_RED_model.py), whose names the parameters have (`groups.N.agent`): the interpreter's one layer is called `qk`, and makes a third part
// too that nothing reads.
import {
  cast,
  expandDims,
  greater,
  iota,
  layerNorm,
  less,
  matMul,
  maximum,
  mul,
  reduceMean,
  reduceSum,
  reshape,
  sigmoid,
  slice,
  values,
} from "../../graph/build.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { byHead } from "../attention.ts";
import { affine, fixedWidth, TRUNCATED_NORMAL_002 } from "../linear.ts";
import { compact } from "./compact.ts";
import type { ReductionText } from "./language.ts";
import type { Reduction } from "./reduction.ts";
import { takeRows } from "./rows.ts";
import { type TokenState, transform } from "./state.ts";
import { blocksOf, refuse, type TokenModel, type TokenSystem } from "./system.ts";

export const iaRed2: TokenSystem = {
  verb: "policy",
  example: "policy@0,4,8:ia-red2",
  layouts: ["sequence"],
  parameters: /^groups\.\d+\.agent\./,
  plan: (text, model) =>
    interpreted(iaRed2Blocks(text, model), model.heads, (tokens, scores, group, scope) => {
      const policy = greedyPolicy(scores, tokens.special);
      const all = model.special + model.grid.height * model.grid.width;
      scope.layer(`left.${group}`, () => mul(reduceSum(policy, 1, { keepDims: true }), 1 / all)); // (N, 1)
      return leaveOthers(tokens, policy, scores, group);
    }),
};

/** The first block of each group. @throws UsageError */
export function iaRed2Blocks(text: ReductionText, model: TokenModel): readonly number[] {
  if (text.amount !== undefined)
    refuse(text, "the picture decides how many tokens stay, and not a number", `such as ${iaRed2.example}`);
  if (model.special === 0) refuse(text, "it asks what the class token needs, and this model has none");
  return blocksOf(text, model);
}

/** Interpreters before the first block of each group, and what becomes of tokens by their scores (N, tokens). */
function interpreted(
  blocks: readonly number[],
  heads: number,
  leave: (tokens: TokenState, scores: Tensor, group: number, scope: Scope) => TokenState,
): Reduction {
  const step = (group: number) => ({
    before(tokens: TokenState, scope: Scope) {
      const scores = tokenScores(scope.at(interpreterPath(group)), tokens.x, heads, tokens.keep);
      return leave(tokens, scores, group, scope);
    },
  });
  return { steps: new Map(blocks.map((block, group) => [block, step(group)])) };
}

/**
 * Tokens that stay, in their order, and no others. A batch is cut to the largest count of its pictures, and what is too much in the rest is masked.
 *
 * @param policy (N, tokens) of 0 and 1
 */
function leaveOthers(tokens: TokenState, policy: Tensor, scores: Tensor, group: number): TokenState {
  const { order, alive } = compact(greater(policy, 0), `left_${group}`); // (N, left)
  const score = slice(scores, 1, tokens.special);
  if (alive === undefined) return transform(tokens, (x) => takeRows(x, order), { score });
  const keep = cast(alive, "float32");
  const isLeft = expandDims(keep, 2);
  return transform(tokens, (x) => mul(takeRows(x, order), isLeft), { keep, score });
}

/**
 * The same with tokens that stay where they are and are seen by nobody: for training, where one graph has one size.
 *
 * @param choose which tokens stay, (N, tokens) of 0 and 1, by their scores
 */
export function maskedIaRed2(
  blocks: readonly number[],
  heads: number,
  choose: (scores: Tensor, tokens: TokenState, group: number) => Tensor,
): Reduction {
  return interpreted(blocks, heads, (tokens, scores, group) => ({ ...tokens, keep: choose(scores, tokens, group) }));
}

/** Of the interpreter's normalisation, which has no weights. */
const EPSILON = 1e-5;

/** What a token's score has to be above to stay. */
const THRESHOLD = 0.5;

/** Where a model's interpreter of a group (from 0) has its parameters. */
export const interpreterPath = (group: number): string => `groups.${group}.agent`;

/**
 * How much the answer needs each token, (N, tokens) in 0..1: the mean over heads of how well the first token's query fits the token's key, and 0 for
 * tokens that are gone.
 *
 * @param x (N, tokens, width), the class token first
 * @param previous (N, tokens) of 0 and 1: which are left, where others are still among them. Default: all
 */
export function tokenScores(scope: Scope, x: Tensor, heads: number, previous?: Tensor): Tensor {
  return scope.run(() => {
    const width = fixedWidth(x);
    const [n, tokens] = x.shape;
    const layer = scope.at("qk");
    const weight = layer.parameter("weight", [3 * width, width], TRUNCATED_NORMAL_002);
    const bias = layer.parameter("bias", [3 * width], startingBias(width, heads));
    const left = previous === undefined ? x : mul(x, reshape(previous, [n!, tokens!, 1]));
    const normal = layerNorm(left, values(x.graph, [width], new Float32Array(width).fill(1)), undefined, EPSILON);
    const part = (rows: Tensor, i: number) => {
      const third = (all: Tensor) => slice(all, 0, i * width, (i + 1) * width);
      return byHead(affine(rows, third(weight), third(bias)), heads);
    };
    const query = mul(part(slice(normal, 1, 0, 1), 0), (width / heads) ** -0.5); // (N, heads, 1, width / heads)
    const fits = sigmoid(matMul(query, part(normal, 1), { transposeB: true })); // (N, heads, 1, tokens)
    const scores = reshape(reduceMean(fits, 1), [n!, tokens!]);
    return previous === undefined ? scores : mul(scores, previous);
  });
}

/**
 * Which tokens stay, (N, tokens) of 0 and 1: those whose score is above one half, and special ones whatever their scores. Scores of tokens that were gone
 * are 0, so these stay gone.
 */
export function greedyPolicy(scores: Tensor, special: number): Tensor {
  return withFirst(cast(greater(scores, THRESHOLD), "float32"), special);
}

/** The same with chance: each token stays with the probability that its score is. `uniform`: (N, tokens) in 0..1, drawn by the host. */
export function sampledPolicy(scores: Tensor, uniform: Tensor, special: number): Tensor {
  return withFirst(cast(greater(scores, uniform), "float32"), special);
}

/** policy (N, tokens) with 1 for the first ones. */
function withFirst(policy: Tensor, special: number): Tensor {
  const place = iota(policy.graph, policy.shape[1]!); // (tokens)
  return maximum(policy, cast(less(place, special), "float32"));
}

/**
 * A fresh interpreter keeps nearly everything: it begins with the model as it is and learns what can go. With weights about 0 its scores are the
 * sigmoid of the product of the two biases, here 1.5, and so 0.82. (How the authors began is not known.)
 */
function startingBias(width: number, heads: number): Initializer {
  const each = Math.sqrt(1.5 / Math.sqrt(width / heads));
  return { kind: "values", values: Float32Array.from({ length: 3 * width }, (_, i) => (i < 2 * width ? each : 0)) };
}
