// DynamicViT (Rao et al., NeurIPS 2021): before some blocks a small network says of every patch's token how likely it is kept, from the token itself and
// from the mean of all that are left, and the likeliest are. Reproduces raoyongming/DynamicViT, models/dyvit.py, whose names the parameters have
// (`score_predictor.N`).
import {
  add,
  cast,
  concat,
  div,
  exp,
  expand,
  expandDims,
  gelu,
  greater,
  log,
  logSoftmax,
  maximum,
  minimum,
  mul,
  reduceMax,
  reduceMean,
  reduceSum,
  reshape,
  sigmoid,
  slice,
  stopGradient,
  sub,
  topK,
  values,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { layerNorm } from "../layer-norm.ts";
import { fixedWidth, linear } from "../linear.ts";
import type { ReductionText } from "./language.ts";
import type { Reduction, Step } from "./reduction.ts";
import { takeRows, withSpecial } from "./rows.ts";
import { type TokenState, transform } from "./state.ts";
import { blocksOf, rateOf, refuse, type TokenModel, type TokenSystem } from "./system.ts";

export const dynamicvit: TokenSystem = {
  verb: "keep",
  example: "keep=0.7@3,6,9:dynamicvit",
  layouts: ["sequence"],
  parameters: /^score_predictor\./,
  plan(text, model) {
    const { blocks, counts } = dynamicvitPlan(text, model);
    return stepsAt(blocks, (number) => ({
      before(tokens, scope) {
        const score = column(keepLogProbabilities(predictorScope(scope, number), patchesOf(tokens)), 0);
        // In the order of their scores, as the official code has them: the next predictor sees the same either way.
        const places = withSpecial(topK(score, counts[number]!), tokens.special); // (N, special + count)
        return transform(tokens, (x) => takeRows(x, places), { score: exp(score) });
      },
    }));
  },
};

/** What was asked for: at which blocks, the share of the patches that is left from each on, and how many these are. */
export interface DynamicvitPlan {
  readonly blocks: readonly number[];
  readonly shares: readonly number[];
  readonly counts: readonly number[];
}

/** @throws UsageError */
export function dynamicvitPlan(text: ReductionText, model: TokenModel): DynamicvitPlan {
  const keep = rateOf(text);
  const blocks = blocksOf(text, model);
  const shares = blocks.map((_, i) => keep ** (i + 1));
  // 0.7 squared is a little less than 0.49, and a millionth of a token makes no other count.
  const counts = shares.map((share) => Math.trunc(model.grid.height * model.grid.width * share + 1e-6));
  if (counts.at(-1) === 0)
    refuse(
      text,
      `of ${model.grid.height} x ${model.grid.width} patches, none is left`,
      "a larger share, or fewer blocks",
    );
  return { blocks, shares, counts };
}

function stepsAt(blocks: readonly number[], step: (number: number) => Step): Reduction {
  return { steps: new Map(blocks.map((block, number) => [block, step(number)])) };
}

const patchesOf = ({ x, special }: TokenState): Tensor => slice(x, 1, special);

/** (N, patches, columns) -> (N, patches) */
function column(x: Tensor, i: number): Tensor {
  const [n, patches] = x.shape as [Dim, Dim];
  return reshape(slice(x, 2, i, i + 1), [n, patches]);
}

/**
 * The same with tokens that stay where they are and are seen by nobody: for training, where decisions differ from picture to picture and learn from what
 * they do.
 *
 * @param decide which patches are kept, (N, patches) of 0 and 1, by the logarithms of the probabilities to stay and to go (N, patches, 2), of those that
 * were left before, (N, patches) of 0 and 1 or undefined for all. Those that were gone stay so whatever it says
 */
export function maskedDynamicvit(
  { blocks }: Pick<DynamicvitPlan, "blocks">,
  decide: (logProbabilities: Tensor, number: number, before: Tensor | undefined) => Tensor,
): Reduction {
  const { steps } = stepsAt(blocks, (number) => ({
    before(tokens, scope) {
      const { special, keep } = tokens;
      const before = keep === undefined ? undefined : slice(keep, 1, special); // (N, patches)
      const decided = decide(
        keepLogProbabilities(predictorScope(scope, number), patchesOf(tokens), before),
        number,
        before,
      );
      const kept = before === undefined ? decided : mul(decided, before);
      const ones = new Float32Array(special).fill(1);
      const front = expand(values(kept.graph, [1, special], ones), [kept.shape[0]!, special]);
      return { ...tokens, keep: concat([front, kept], 1) };
    },
  }));
  return {
    steps,
    attend: ({ keep }) => (keep === undefined ? {} : { weigh: (scores) => keptSoftmax(scores, keep) }),
  };
}

/** Of the predictor's normalisation, whatever the blocks have. */
const EPSILON = 1e-5;

/** Where a model's predictor of that number (from 0) has its parameters. */
export const predictorScope = (model: Scope, number: number): Scope => model.at("score_predictor", number);

/**
 * The logarithms of the probabilities to stay and to go, (N, patches, 2).
 *
 * @param x (N, patches, width), without the class token
 * @param kept (N, patches) of 0 and 1: which patches are left, where others are still among them. Default: all
 */
export function keepLogProbabilities(scope: Scope, x: Tensor, kept?: Tensor): Tensor {
  return scope.run(() => {
    const width = fixedWidth(x);
    const half = width / 2;
    const inner = scope.at("in_conv");
    const hidden = gelu(linear(inner.at(1), layerNorm(inner.at(0), x, EPSILON), width)); // (N, patches, width)
    const own = slice(hidden, 2, 0, half); // (N, patches, width / 2)
    const whole = meanOfKept(slice(hidden, 2, half), kept); // (N, 1, width / 2)
    const outer = scope.at("out_conv");
    const both = concat([own, expand(whole, own.shape)], 2);
    const wide = gelu(linear(outer.at(0), both, Math.trunc(width / 2)));
    const narrow = gelu(linear(outer.at(2), wide, Math.trunc(width / 4)));
    return logSoftmax(linear(outer.at(4), narrow, 2));
  });
}

/** x (N, patches, width) -> (N, 1, width) */
function meanOfKept(x: Tensor, kept: Tensor | undefined): Tensor {
  if (kept === undefined) return reduceMean(x, 1, { keepDims: true });
  const weights = expandDims(kept, 2); // (N, patches, 1)
  // A picture whose patches all went has no mean, and nobody to read it.
  const count = maximum(reduceSum(weights, 1, { keepDims: true }), 1e-6);
  return div(reduceSum(mul(x, weights), 1, { keepDims: true }), count);
}

/**
 * The decisions in training, (N, patches) of exactly 0 and 1: likelier to be kept the likelier the predictor says, and differentiable as the
 * soft decision is (a straight-through Gumbel softmax; the difference of two Gumbel variables is logistic, so one number a patch is drawn).
 *
 * @param logProbabilities (N, patches, 2)
 * @param uniform (N, patches) in 0..1, drawn by the host
 */
export function drawnDecisions(logProbabilities: Tensor, uniform: Tensor): Tensor {
  const u = minimum(maximum(uniform, TINY), 1 - TINY);
  const logistic = sub(log(u), log(sub(1, u)));
  const soft = sigmoid(add(sub(column(logProbabilities, 0), column(logProbabilities, 1)), logistic)); // (N, patches)
  const hard = cast(greater(soft, 0.5), "float32");
  return add(hard, sub(soft, stopGradient(soft)));
}

/** Between a number in 0..1 and its ends: float32 still tells it from them. */
const TINY = 1e-6;

/** What keeps a row of attention that sees nothing from being a division by zero, as in the official code. */
const SOFTMAX_EPSILON = 1e-6;

/**
 * Attention in training, where tokens that went are still there: nobody sees them but they themselves. Differentiable in `kept`, so that decisions
 * learn what a token is worth to others (the official softmax_with_policy).
 *
 * @param scores (N, heads, tokens, tokens)
 * @param kept (N, tokens) of 0 and 1
 */
export function keptSoftmax(scores: Tensor, kept: Tensor): Tensor {
  const [n, tokens] = kept.shape as [Dim, number];
  const seen = reshape(kept, [n, 1, 1, tokens]);
  const itself = Float32Array.from({ length: tokens * tokens }, (_, i) => Number(i % (tokens + 1) === 0));
  const visible = add(seen, mul(sub(1, seen), values(kept.graph, [1, 1, tokens, tokens], itself))); // (N, 1, tokens, tokens)
  const raised = exp(sub(scores, stopGradient(reduceMax(scores, 3, { keepDims: true }))));
  const weights = mul(raised, visible); // (N, heads, tokens, tokens)
  const whole = add(reduceSum(weights, 3, { keepDims: true }), SOFTMAX_EPSILON);
  return div(add(weights, SOFTMAX_EPSILON / tokens), whole);
}
