// Dropping what the class token does not look at: EViT (Liang et al., ICLR 2022, arXiv 2202.07800) without its fused token. The rows of W are one-hot.
// Reproduces youweiliang/evit, evit.py with fuse_token off.
import { topK } from "../../graph/build.ts";
import { importance, takeRows, withSpecial } from "./rows.ts";
import { leavingShare } from "./share.ts";
import { transform } from "./state.ts";
import type { TokenSystem } from "./system.ts";

export const prune: TokenSystem = {
  verb: "keep",
  example: "keep=0.7@3,6,9:prune",
  layouts: ["sequence"],
  plan: leavingShare((tokens, attention, count) => {
    const score = importance(attention, tokens.special); // (N, patches)
    const places = withSpecial(topK(score, count), tokens.special); // (N, special + count)
    return transform(tokens, (values) => takeRows(values, places), { score });
  }),
};
