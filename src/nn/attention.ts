// Multi-head attention, timm's names (timm/models/vision_transformer.py): `qkv` and `proj`.
import { matMul, mul, reshape, slice, softmax, transpose } from "../graph/build.ts";
import type { Dim } from "../graph/dimensions.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { affine, fixedWidth, linear, TRUNCATED_NORMAL_002 } from "./linear.ts";

/** How scores (n, heads, queries, tokens) become weights of tokens. */
export interface Weighing {
  /** Turns the scores into what softmax reads: position biases, masks. `query` (n, heads, queries, w) is the one of the scores, scaled. */
  readonly adjustScores?: (scores: Tensor, query: Tensor) => Tensor;
  /** In place of softmax. */
  readonly weigh?: (scores: Tensor) => Tensor;
}

/** What attention computed on its way: query (scaled), key and value (n, heads, tokens, w), weights (n, heads, tokens, tokens). */
export interface Attention {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  readonly weights: Tensor;
}

export interface SelfAttentionOptions extends Weighing {
  /** Whether `qkv` has a bias. Default true. */
  readonly qkvBias?: boolean;
  /** Hears what was computed on the way. */
  readonly observe?: (attention: Attention) => void;
  /**
   * Orders rows by token before the products instead of by head behind them: ONNX Runtime's products read heads in that order where they
   * lie, so one move of whole rows replaces three of pieces as short as a head is wide. Pays where heads are narrow and sequences few.
   */
  readonly tokensFirst?: boolean;
}

/** x (n, tokens, width) -> the same shape. `heads` must divide the width. */
export function selfAttention(scope: Scope, x: Tensor, heads: number, options: SelfAttentionOptions = {}): Tensor {
  return scope.run(() => {
    const width = fixedWidth(x);
    const qkv = scope.at("qkv");
    const weight = qkv.parameter("weight", [3 * width, width], TRUNCATED_NORMAL_002);
    const bias = options.qkvBias === false ? undefined : qkv.parameter("bias", [3 * width], { kind: "zeros" });
    const { tokensFirst = false } = options;
    const rows = tokensFirst ? transpose(x, [1, 0, 2]) : x; // (tokens, n, width), or (n, tokens, width)
    // Three products of a third each: engines cut weights once, when they load a model, but results at every run. For the same reason
    // the query's weights are scaled and not the query.
    const part = (i: number, scale = 1) => {
      const third = (all: Tensor) => {
        const own = slice(all, 0, i * width, (i + 1) * width);
        return scale === 1 ? own : mul(own, scale);
      };
      return byHead(affine(rows, third(weight), bias === undefined ? undefined : third(bias)), heads, tokensFirst);
    };
    const query = part(0, (width / heads) ** -0.5); // (n, heads, tokens, headWidth)
    const [key, value] = [part(1), part(2)];
    const weights = weightsOf(query, key, options); // (n, heads, tokens, tokens)
    options.observe?.({ query, key, value, weights });
    return linear(scope.at("proj"), mix(weights, value), width);
  });
}

/** x (n, tokens, width), or with tokens first (tokens, n, width) -> (n, heads, tokens, width / heads). */
export function byHead(x: Tensor, heads: number, tokensFirst = false): Tensor {
  const [outer, inner] = x.shape as [Dim, Dim];
  const split = reshape(x, [outer, inner, heads, fixedWidth(x) / heads]);
  return transpose(split, tokensFirst ? [1, 2, 0, 3] : [0, 2, 1, 3]);
}

/** query (n, heads, queries, w), already scaled; key and value (n, heads, tokens, w) -> (n, queries, heads * w). */
export function attend(query: Tensor, key: Tensor, value: Tensor, adjustScores?: Weighing["adjustScores"]): Tensor {
  return mix(weightsOf(query, key, adjustScores === undefined ? {} : { adjustScores }), value);
}

/** How much each query takes from each token, (n, heads, queries, tokens). */
function weightsOf(
  query: Tensor,
  key: Tensor,
  { adjustScores = (scores) => scores, weigh = (scores) => softmax(scores) }: Weighing,
): Tensor {
  return weigh(adjustScores(matMul(query, key, { transposeB: true }), query));
}

/** weights (n, heads, queries, tokens), value (n, heads, tokens, w) -> (n, queries, heads * w). */
function mix(weights: Tensor, value: Tensor): Tensor {
  const [n, heads, queries] = weights.shape as [Dim, number, Dim];
  const mixed = transpose(matMul(weights, value), [0, 2, 1, 3]); // (n, queries, heads, w)
  return reshape(mixed, [n, queries, heads * fixedWidth(value)]);
}
