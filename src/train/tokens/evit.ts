// Training EViT (Liang et al., ICLR 2022) with a keep rate that falls while it trains (youweiliang/evit, helpers.py adjust_keep_rate). One graph has one
// size, so tokens that went are masked here instead of gathered: the values are those of the gathered form at that keep rate.
import {
  add,
  cast,
  concat,
  cos,
  equal,
  expand,
  expandDims,
  floor,
  greater,
  less,
  matMul,
  maximum,
  minimum,
  mul,
  neg,
  reduceSum,
  scalar,
  slice,
  sub,
  values,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { tokenModel, type VitConfig } from "../../models/vit/config.ts";
import { answer, vitTokens } from "../../models/vit/model.ts";
import type { ReductionText } from "../../nn/tokens/language.ts";
import type { Reduction, Step } from "../../nn/tokens/reduction.ts";
import { importance } from "../../nn/tokens/rows.ts";
import { blocksOf, rateOf, type TokenModel } from "../../nn/tokens/system.ts";
import { softCrossEntropy } from "../losses.ts";
import type { Objective } from "../objective.ts";

/** When the keep rate falls, in shares of the run. */
export interface Shrinking {
  readonly from: number;
  readonly until: number;
  /** The keep rate in the end. */
  readonly keep: number;
}

/** The keep rate, a scalar: 1 at first, `keep` in the end, half a cosine between. `progress`: a scalar, the share of the run that is done. */
export function keepRate(progress: Tensor, { from, until, keep }: Shrinking): Tensor {
  const along = minimum(maximum(mul(sub(progress, from), 1 / Math.max(until - from, 1e-9)), 0), 1);
  return add(mul(add(cos(mul(along, Math.PI)), 1), (1 - keep) / 2), keep);
}

/** Tokens of which some are gone, although they are still there. */
export interface MaskedTokens {
  /** (N, tokens, width) */
  readonly x: Tensor;
  /** (N, tokens) of 0 and 1 */
  readonly keep: Tensor;
  /** A scalar: how many tokens of patches are left, fused ones among them. */
  readonly left: Tensor;
}

/** Rounding of the engine's float32, of which a count must not depend. */
const ROUNDING = 1e-4;

/**
 * Keeps the share `rate` (a scalar) of what is left and puts the rest, weighted by the class token's attention, into one token more, which is gone
 * itself where nothing is left out.
 *
 * @param special tokens before those of the patches
 * @param attention (N, tokens - special): how much the class token sees of each, 0 for those that are gone
 */
export function shrinkMasked(
  { x, keep, left }: MaskedTokens,
  attention: Tensor,
  rate: Tensor,
  special: number,
): MaskedTokens {
  const [n, , width] = x.shape as [Dim, Dim, Dim];
  const alive = slice(keep, 1, special); // (N, patches)
  const kept = neg(floor(neg(sub(mul(rate, left), ROUNDING)))); // the smallest whole number that is not below
  const stays = mul(cast(less(ranks(mul(add(attention, 1), alive)), kept), "float32"), alive);
  const weights = mul(sub(alive, stays), attention); // (N, patches)
  const fused = matMul(expandDims(weights, 1), slice(x, 1, special)); // (N, 1, width)
  const isFused = cast(less(kept, sub(left, 0.5)), "float32");
  return {
    x: concat([x, expand(fused, [n, 1, width])], 1),
    keep: concat([slice(keep, 1, 0, special), stays, expand(isFused, [n, 1])], 1),
    left: add(kept, isFused),
  };
}

/** Of each value (N, count) how many of its row are before it: larger, or as large and to its left. */
function ranks(x: Tensor): Tensor {
  const count = x.shape[1] as number;
  const [other, own] = [expandDims(x, 1), expandDims(x, 2)]; // (N, 1, count), (N, count, 1)
  const isLeft = Float32Array.from({ length: count * count }, (_, i) => Number(i % count < Math.floor(i / count)));
  const ties = mul(cast(equal(other, own), "float32"), values(x.graph, [1, count, count], isLeft));
  return reduceSum(add(cast(greater(other, own), "float32"), ties), 2);
}

/** The objective, for a ViT whose tokens are reduced by `text`: its labels, with a keep rate that falls. */
export function shrinkingObjective(text: ReductionText, { from, until }: Omit<Shrinking, "keep">): Objective {
  return ({ scope, model, image, targets, mode, progress }) => {
    const config = model.config as VitConfig;
    const known = tokenModel(config);
    const rate = keepRate(progress(), { from, until, keep: rateOf(text) });
    const reduction = maskedEvit(blocksOf(text, known), known, rate);
    const { logits } = answer(scope, vitTokens(scope, image, config, mode, reduction), config, mode);
    return { loss: softCrossEntropy(logits, targets), logits };
  };
}

/** EViT at a keep rate that is a scalar of the graph. */
export function maskedEvit(blocks: readonly number[], { grid }: Pick<TokenModel, "grid">, rate: Tensor): Reduction {
  let left = scalar(rate.graph, grid.height * grid.width);
  const step: Step = {
    inside(tokens, attention) {
      const { x, special } = tokens;
      const [n, count] = x.shape as [Dim, Dim];
      const keep = tokens.keep ?? expand(scalar(x.graph, 1), [n, count]);
      const shrunk = shrinkMasked({ x, keep, left }, importance(attention, special), rate, special);
      left = shrunk.left;
      return { ...tokens, x: shrunk.x, keep: shrunk.keep };
    },
  };
  return { steps: new Map(blocks.map((block) => [block, step])) };
}
