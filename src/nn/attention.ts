// Multi-head attention, timm's names (timm/models/vision_transformer.py): `qkv` and `proj`.
import { matMul, mul, reshape, slice, softmax, transpose } from "../graph/build.ts";
import type { Dim } from "../graph/dimensions.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { affine, fixedWidth, linear, TRUNCATED_NORMAL_002 } from "./linear.ts";

export interface SelfAttentionOptions {
  /** Whether `qkv` has a bias. Default true. */
  readonly qkvBias?: boolean;
  /** Turns the scores (n, heads, tokens, tokens) into what softmax reads: position biases, masks. */
  readonly adjustScores?: (scores: Tensor) => Tensor;
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
    const mixed = attend(query, part(1), part(2), options.adjustScores); // (n, tokens, width)
    return linear(scope.at("proj"), mixed, width);
  });
}

/** x (n, tokens, width), or with tokens first (tokens, n, width) -> (n, heads, tokens, width / heads). */
export function byHead(x: Tensor, heads: number, tokensFirst = false): Tensor {
  const [outer, inner] = x.shape as [Dim, Dim];
  const split = reshape(x, [outer, inner, heads, fixedWidth(x) / heads]);
  return transpose(split, tokensFirst ? [1, 2, 0, 3] : [0, 2, 1, 3]);
}

/** query (n, heads, queries, w), already scaled; key and value (n, heads, tokens, w) -> (n, queries, heads * w). */
export function attend(query: Tensor, key: Tensor, value: Tensor, adjustScores = (scores: Tensor) => scores): Tensor {
  const [n, heads, queries] = query.shape as [Dim, number, Dim];
  const scores = adjustScores(matMul(query, key, { transposeB: true })); // (n, heads, queries, tokens)
  const mixed = transpose(matMul(softmax(scores), value), [0, 2, 1, 3]); // (n, queries, heads, w)
  return reshape(mixed, [n, queries, heads * fixedWidth(value)]);
}
