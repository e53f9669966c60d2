// EViT (Liang et al., ICLR 2022, arXiv 2202.07800): what the class token looks at stays, in the order of its attention; the rest is fused into one token,
// the last, in which each counts by that attention. The attention is taken as it is, so the row of W for this token does not sum to 1.
// Reproduces youweiliang/evit, evit.py with fuse_token on.
import { concat, gatherElements, matMul, reshape, slice, topK } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { importance, takeRows, withSpecial } from "./rows.ts";
import { leavingShare } from "./share.ts";
import { transform } from "./state.ts";
import type { TokenSystem } from "./system.ts";

export const evit: TokenSystem = {
  verb: "keep",
  example: "keep=0.7@3,6,9:evit",
  layouts: ["sequence"],
  plan: leavingShare((tokens, attention, count) => {
    const { special } = tokens;
    const score = importance(attention, special); // (N, patches)
    const [n, patches] = score.shape as [Dim, number];
    const order = topK(score, patches); // (N, patches)
    const kept = withSpecial(slice(order, 1, 0, count), special); // (N, special + count)
    const rest = slice(order, 1, count); // (N, rest), places behind the special tokens
    const shares = reshape(gatherElements(score, rest, 1), [n, 1, patches - count]); // (N, 1, rest)
    const restPlaces = slice(withSpecial(rest, special), 1, special); // (N, rest), places among all
    const fused = (values: Tensor) => matMul(shares, takeRows(values, restPlaces)); // (N, 1, …)
    return transform(tokens, (values) => concat([takeRows(values, kept), fused(values)], 1), { score });
  }),
};
