// Multi-head attention, torch.nn.MultiheadAttention's names: `in_proj_weight` and `in_proj_bias` of query, key and value, one after
// another, and `out_proj`.
import { mul, slice } from "../graph/build.ts";
import type { Initializer } from "../graph/initializers.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { attend, byHead, type SelfAttentionOptions } from "./attention.ts";
import { affine, fixedWidth, linear, TRUNCATED_NORMAL_002 } from "./linear.ts";

export interface MultiheadAttentionOptions extends Pick<SelfAttentionOptions, "adjustScores"> {
  /** Of the three projections together. Default: truncated normal of deviation 0.02. */
  readonly inInit?: Initializer;
  /** Default: truncated normal of deviation 0.02. */
  readonly outInit?: Initializer;
}

/** x (n, tokens, width) -> the same shape. `heads` must divide the width. */
export function multiheadAttention(
  scope: Scope,
  x: Tensor,
  heads: number,
  options: MultiheadAttentionOptions = {},
): Tensor {
  return multiheadAttentionOf(scope, { query: x, key: x, value: x }, heads, options);
}

/**
 * Where queries, keys and values are not the same: `query` (n, queries, width), `key` and `value` (n, tokens, width) -> (n, queries, width).
 * `heads` must divide the width.
 */
export function multiheadAttentionOf(
  scope: Scope,
  { query, key, value }: { readonly query: Tensor; readonly key: Tensor; readonly value: Tensor },
  heads: number,
  options: MultiheadAttentionOptions = {},
): Tensor {
  return scope.run(() => {
    const width = fixedWidth(query);
    const weight = scope.parameter("in_proj_weight", [3 * width, width], options.inInit ?? TRUNCATED_NORMAL_002);
    const bias = scope.parameter("in_proj_bias", [3 * width], { kind: "zeros" });
    // Three products, and weights that are scaled instead of the query: engines cut and scale weights once, when they load a model.
    const part = (x: Tensor, i: number, scale = 1) => {
      const third = (all: Tensor) => {
        const own = slice(all, 0, i * width, (i + 1) * width);
        return scale === 1 ? own : mul(own, scale);
      };
      return byHead(affine(x, third(weight), third(bias)), heads);
    };
    const queries = part(query, 0, (width / heads) ** -0.5); // (n, heads, queries, width / heads)
    const mixed = attend(queries, part(key, 1), part(value, 2), options.adjustScores); // (n, queries, width)
    return linear(scope.at("out_proj"), mixed, width, { weightInit: options.outInit ?? TRUNCATED_NORMAL_002 });
  });
}
