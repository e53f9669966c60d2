// ToMe (Bolya et al., ICLR 2023, arXiv 2210.09461): in every block, between attention and perceptron, the r pairs of tokens whose keys are most alike become
// one token each, the mean of all that it stands for. Tokens are told apart by their place: each at an even place looks for its partner among the odd ones.
// Attention then counts a token as often as the tokens it stands for, unless that is turned off (noprop).
// Reproduces facebookresearch/ToMe: tome/merge.py bipartite_soft_matching, tome/patch/timm.py, tome/utils.py parse_r; unmerged tokens keep their order.
import {
  add,
  argMax,
  concat,
  div,
  gatherElements,
  matMul,
  mul,
  neg,
  reduceMax,
  reshape,
  slice,
  topK,
} from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Attention } from "../attention.ts";
import type { ReductionText } from "./language.ts";
import type { Step } from "./reduction.ts";
import { takeRows, unitKeys } from "./rows.ts";
import { patchCount } from "./share.ts";
import { massOf, oneHot, type TokenState, transform } from "./state.ts";
import { blocksOf, flagOption, refuse, type TokenSystem } from "./system.ts";

export const tome: TokenSystem = {
  verb: "merge",
  example: "merge=13:tome",
  layouts: ["sequence"],
  options: ["noprop"],
  plan(text, model) {
    const all = Array.from({ length: model.blocks }, (_, block) => block);
    const blocks = blocksOf(text, model, all);
    const pairs = schedule(text, blocks.length);
    const steps = blocks.map((block, i): [number, Step] => [
      block,
      { inside: (tokens, attention) => merge(tokens, attention, pairs[i]!) },
    ]);
    return { steps: new Map(steps), proportional: !flagOption(text, "noprop") };
  },
};

/** How many pairs are merged at each of so many blocks: the same, or from the first number to the last in equal steps. */
function schedule(text: ReductionText, blocks: number): number[] {
  const { amount } = text;
  const [first, last] =
    amount?.kind === "number" ? [amount.value, amount.value] : amount?.kind === "range" ? [amount.from, amount.to] : [];
  if (first === undefined || last === undefined || !Number.isInteger(first) || !Number.isInteger(last))
    return refuse(
      text,
      "it needs the number of pairs to merge",
      "such as merge=13, or merge=13..0 for fewer from block to block",
    );
  if (first === 0 && last === 0) return refuse(text, "no pairs to merge", "leave tokens as they are without it");
  const step = blocks === 1 ? 0 : (last - first) / (blocks - 1);
  return Array.from({ length: blocks }, (_, i) => Math.trunc(first + step * i));
}

/** The `pairs` most alike become one each; at most half of the tokens can. */
function merge(tokens: TokenState, attention: Attention, pairs: number): TokenState {
  const { special } = tokens;
  const r = Math.min(pairs, Math.floor(patchCount(tokens) / 2));
  if (r <= 0) return tokens;
  const count = special + patchCount(tokens);
  // Special tokens come first: so many places of each kind are theirs.
  const [specialEven, specialOdd] = [Math.ceil(special / 2), Math.floor(special / 2)];
  const even = (values: Tensor) => slice(values, 1, 2 * specialEven, Number.POSITIVE_INFINITY, 2);
  const odd = (values: Tensor) => slice(values, 1, 2 * specialOdd + 1, Number.POSITIVE_INFINITY, 2);

  const metric = unitKeys(attention); // (N, T, w): what is compared
  const likeness = matMul(even(metric), odd(metric), { transposeB: true }); // (N, even, odd)
  const evens = likeness.shape[1]!;
  const order = topK(reduceMax(likeness, 2), evens); // (N, even): who has found the best partner first
  const merged = slice(order, 1, 0, r); // (N, r)
  const partners = gatherElements(argMax(likeness, 2), merged, 1); // (N, r) among the odd ones
  const into = oneHot(partners, likeness.shape[2]!); // (N, r, odd)

  const sources = tokenPlace(merged, specialEven); // (N, r)
  const stay = tokenPlace(ascending(slice(order, 1, r)), specialEven); // (N, even - r)
  const mass = massOf(tokens); // (N, T)
  const collect = (values: Tensor) => add(odd(values), matMul(into, takeRows(values, sources), { transposeA: true })); // (N, odd, …)
  const collected = collect(column(mass)); // (N, odd, 1)
  const weighted = (values: Tensor) => (tokens.mass === undefined ? values : mul(values, column(mass)));
  const front = (values: Tensor) => slice(values, 1, 0, special);
  const rows = (values: Tensor) =>
    concat([front(values), takeRows(values, stay), div(collect(weighted(values)), collected)], 1);
  const newMass = concat([front(column(mass)), takeRows(column(mass), stay), collected], 1);
  return transform(tokens, rows, { mass: reshape(newMass, [mass.shape[0]!, count - r]) });
}

/** Where the i-th even token that is not special stands among all. */
const tokenPlace = (i: Tensor, specialEven: number) => mul(add(i, specialEven), 2);

/** Places (N, M), each a different one, from the first to the last. */
function ascending(places: Tensor): Tensor {
  return places.shape[1] === 0 ? places : gatherElements(places, topK(neg(places), places.shape[1]!), 1);
}

/** (N, T) -> (N, T, 1) */
const column = (values: Tensor) => reshape(values, [...values.shape, 1]);
