// Systems that leave a share of the patches' tokens at the blocks that are named, between attention and perceptron.
import { ShapeError } from "../../errors.ts";
import { printShape } from "../../graph/dimensions.ts";
import type { Attention } from "../attention.ts";
import type { ReductionText } from "./language.ts";
import type { Reduction, Step } from "./reduction.ts";
import type { TokenState } from "./state.ts";
import { blocksOf, rateOf, type TokenModel } from "./system.ts";

/** Leaves `count` of the tokens behind the special ones, which are more than that; a system's options are in its text. */
export type Leave = (tokens: TokenState, attention: Attention, count: number, text: ReductionText) => TokenState;

/** The plan of such a system. Of n tokens, the share rounded up goes on; where that is all of them, nothing happens. */
export function leavingShare(leave: Leave): (text: ReductionText, model: TokenModel) => Reduction {
  return (text, model) => {
    const rate = rateOf(text);
    const step: Step = {
      inside(tokens, attention) {
        const patches = patchCount(tokens);
        const count = Math.ceil(rate * patches);
        return count >= patches ? tokens : leave(tokens, attention, count, text);
      },
    };
    return { steps: new Map(blocksOf(text, model).map((block) => [block, step])) };
  };
}

/** How many tokens there are behind the special ones, where that does not depend on the picture. */
export function patchCount({ x, special }: TokenState): number {
  const count = x.shape[1];
  if (typeof count !== "number")
    throw new ShapeError("tokens", "a share of tokens needs to know how many there are", [printShape(x.shape)], x.path);
  return count - special;
}
