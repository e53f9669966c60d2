// Every place of every level looks at a picture's best points, by what is there and where it is. Reproduces microsoft/RelationNet2,
// code/models/utils/bvr_transformer/transformer.py and multihead_attention.py.
import { add, mul, relu, slice } from "../../../graph/build.ts";
import type { Scope } from "../../../graph/scope.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { attend, byHead } from "../../../nn/attention.ts";
import { affine, fixedWidth, linear, torchDefault } from "../../../nn/linear.ts";
import { xavier } from "../fpn.ts";

/** Points of one kind. */
export interface Related {
  /** (N, K, C). */
  readonly features: Tensor;
  /** (N, heads, places, K): what is added to the scores, by where a place and a point are. */
  readonly geometry: Tensor;
}

/** rows (N, places, C) -> the same shape. Each kind of point has an attention of its own; what they find is added. */
export function relate(scope: Scope, rows: Tensor, kinds: readonly Related[], heads: number): Tensor {
  const found = kinds.map((kind, i) => lookAt(scope.at("decoder", i), rows, kind, heads));
  return relu(found.reduce((sum, more) => add(sum, more), rows));
}

function lookAt(scope: Scope, rows: Tensor, { features, geometry }: Related, heads: number): Tensor {
  return scope.run(() => {
    const width = fixedWidth(rows);
    const weight = scope.parameter("in_proj_weight", [3 * width, width], xavier(width, 3 * width));
    const bias = scope.parameter("in_proj_bias", [3 * width], { kind: "zeros" });
    const part = (i: number, x: Tensor, scale = 1) => {
      const third = (all: Tensor) => {
        const own = slice(all, 0, i * width, (i + 1) * width);
        return scale === 1 ? own : mul(own, scale);
      };
      return byHead(affine(x, third(weight), third(bias)), heads);
    };
    const query = part(0, rows, (width / heads) ** -0.5); // (N, heads, places, C / heads)
    const seen = attend(query, part(1, features), part(2, features), (scores) => add(scores, geometry));
    return linear(scope.at("out_proj"), seen, width, { weightInit: torchDefault(width) });
  });
}
