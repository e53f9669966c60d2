// What a model says of the tokens that it went on with: layers beside those whose values are features.
import type { Graph } from "../graph/tensor.ts";

/** The layers of one reduction, which are computed only when somebody asks. */
export interface TokenLayers {
  /** The block that it belongs to, from 0. */
  readonly block: number;
  /** (N, tokens, patches): what share of each patch of the picture each token is made of that is left. Rows of zeros are no tokens. */
  readonly origin: string;
  /** (N, patches): how much each patch counted, 0 to 1, where the reduction has a number for that. */
  readonly scores: string | undefined;
}

/** Whether a layer tells of tokens: what it gives are no features. */
export const isTokenLayer = (name: string): boolean => /^(?:origin|score)\.\d+$/.test(name);

/** The reductions of a traced model, in the order in which they happen. */
export function tokenLayers({ layers }: Graph): TokenLayers[] {
  return [...layers.keys()].flatMap((origin) => {
    const block = /^origin\.(\d+)$/.exec(origin)?.[1];
    if (block === undefined) return [];
    const scores = layers.has(`score.${block}`) ? `score.${block}` : undefined;
    return [{ block: Number(block), origin, scores }];
  });
}
