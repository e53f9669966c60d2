// The tokens that still go on, and what is known at the places of the picture: of those that go on what they say now, of those that stopped what they
// said last. Tokens that stopped are out of the graph at inference (gathered); in training, whose graphs have one size, they stay and nobody sees them
// (masked). What the others compute is the same.
import {
  and,
  cast,
  expand,
  greater,
  mul,
  not,
  reduceSum,
  reshape,
  scalar,
  scatterAdd,
  where,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { compact } from "../../nn/tokens/compact.ts";
import { hiding } from "../../nn/tokens/reduction.ts";
import { takeRows } from "../../nn/tokens/rows.ts";

export type Form = "gathered" | "masked";

export interface Going {
  /** (N, tokens, width). */
  readonly tokens: Tensor;
  /** Where each is in the picture, (N, tokens), int64; undefined where each is at its own place. */
  readonly places?: Tensor | undefined;
  /** Which of them go on, (N, tokens), bool; undefined where all do. */
  readonly alive?: Tensor | undefined;
  /** At which places they stopped, (N, places), bool; undefined where none did. */
  readonly gone?: Tensor | undefined;
}

/** The tokens without those that stop: (N, tokens), bool, of tokens that go on. @param left a name for how many are left */
export function withoutStopped(going: Going, stops: Tensor, form: Form, left: string): Going {
  const { tokens, places, alive } = going;
  const keep = alive === undefined ? not(stops) : and(alive, not(stops)); // (N, tokens)
  if (form === "masked") return { tokens, alive: keep, gone: not(keep) };
  const compacted = compact(keep, left);
  const { order } = compacted; // (N, left)
  const taken = { tokens: takeRows(tokens, order), alive: compacted.alive };
  if (places === undefined) return { ...taken, places: order, gone: stops };
  const gone = greater(scatterAdd(cast(going.gone!, "float32"), places, cast(stops, "float32"), 1), 0.5);
  return { ...taken, places: takeRows(places, order), gone };
}

/** What tokens say now, (N, rows, tokens), at their places: (N, rows, places). Where they stopped it is what was there before. */
export function atPlaces({ places, alive, gone }: Going, now: Tensor, before: Tensor | 0): Tensor {
  if (gone === undefined) return now;
  const [n, rows, tokens] = now.shape as [Dim, Dim, Dim];
  const row = (x: Tensor) => reshape(x, [n, 1, x.shape[1]!]);
  if (places === undefined) return where(row(alive!), now, before);
  const said = alive === undefined ? now : where(row(alive), now, 0);
  const stopped = before === 0 ? expand(scalar(now.graph, 0), [n, rows, gone.shape[1]!]) : where(row(gone), before, 0);
  // A place has one token at most, so adding is writing.
  return scatterAdd(stopped, expand(row(places), [n, rows, tokens]), said, 2);
}

/** The sum of the tokens of which `which` (N, tokens) is true, of all where it is undefined: (N, width). */
export function sumOf(tokens: Tensor, which: Tensor | undefined): Tensor {
  const [n, count] = tokens.shape as [Dim, Dim];
  return reduceSum(which === undefined ? tokens : mul(tokens, reshape(cast(which, "float32"), [n, count, 1])), 1);
}

/** What is added to scores of attention so that tokens that stopped, or fill a row up, are not seen: (N, 1, 1, tokens). */
export function unseen({ alive }: Going): Tensor | undefined {
  if (alive === undefined) return undefined;
  const [n, tokens] = alive.shape as [Dim, Dim];
  return reshape(hiding(cast(alive, "float32")), [n, 1, 1, tokens]);
}
