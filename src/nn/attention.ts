// Multi-head self-attention, timm's names (timm/models/vision_transformer.py): `qkv` and `proj`.
import { matMul, mul, reshape, slice, softmax, transpose } from "../graph/build.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { fixedWidth, linear } from "./linear.ts";

/** x (n, tokens, width) -> the same shape. `heads` must divide the width. */
export function selfAttention(scope: Scope, x: Tensor, heads: number): Tensor {
  return scope.run(() => {
    const [n, tokens] = x.shape as [Tensor["shape"][number], Tensor["shape"][number]];
    const width = fixedWidth(x);
    const headWidth = width / heads;
    const qkv = linear(scope.at("qkv"), x, 3 * width); // (n, tokens, 3 width)
    const byHead = transpose(reshape(qkv, [n, tokens, 3, heads, headWidth]), [2, 0, 3, 1, 4]); // (3, n, heads, tokens, headWidth)
    const part = (i: number) => reshape(slice(byHead, 0, i, i + 1), [n, heads, tokens, headWidth]);
    const query = mul(part(0), headWidth ** -0.5); // (n, heads, tokens, headWidth)
    const weights = softmax(matMul(query, part(1), { transposeB: true })); // (n, heads, tokens, tokens)
    const mixed = transpose(matMul(weights, part(2)), [0, 2, 1, 3]); // (n, tokens, heads, headWidth)
    return linear(scope.at("proj"), reshape(mixed, [n, tokens, width]), width);
  });
}
