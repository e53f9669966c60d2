// Tokens on their way through a transformer, and what fewer of them are: x' = W x. A system finds W (N, M, T) from the picture and gives it as what it
// does to rows, because most of W is zeros; W itself is what it makes of the identity.
import {
  cast,
  div,
  equal,
  expand,
  greater,
  iota,
  matMul,
  mul,
  reduceSum,
  reshape,
  scalar,
  slice,
  where,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";

/** W as a linear function of values (N, T, channels): -> (N, M, channels), whatever the channels are. */
export type Rows = (values: Tensor) => Tensor;

/** A reduction that has happened. */
interface Change {
  /** The tokens before it, (N, T, width). */
  readonly before: Tensor;
  readonly rows: Rows;
  /** (N, T - special): how much each token mattered, where a system says so. */
  readonly score?: Tensor;
  /** Values of the new tokens -> those of the old ones, where a system says how. */
  readonly back?: Rows;
}

export interface TokenState {
  /** (N, T, width) */
  readonly x: Tensor;
  /** How many tokens at the front are of no place in the picture (class, distillation). No reduction touches them. */
  readonly special: number;
  /** (N, T): how many of the first tokens each stands for. Absent while each stands for itself, and where a system does not count. */
  readonly mass?: Tensor;
  /** (N, T): 1 for tokens that take part, 0 for those that nobody sees any more. Absent: all take part. */
  readonly keep?: Tensor;
  readonly history: readonly Change[];
  /** Whether W is made and multiplied, instead of rows gathered: the same numbers, slower. */
  readonly explicit: boolean;
}

/** Tokens as a model begins with them. */
export function tokenState(x: Tensor, special: number, { explicit = false } = {}): TokenState {
  return { x, special, history: [], explicit };
}

/** What is known of new tokens besides their values, and of the old ones. */
export interface Known extends Pick<Change, "score" | "back"> {
  readonly mass?: Tensor;
  readonly keep?: Tensor;
}

/** The tokens W x. What is not stated in `known` is not known of the new ones. */
export function transform(tokens: TokenState, rows: Rows, { mass, keep, ...more }: Known = {}): TokenState {
  const { x, special, history, explicit } = tokens;
  const change: Change = { before: x, rows, ...more };
  return {
    x: explicit ? matMul(matrixOf(change), x) : rows(x),
    special,
    ...(mass === undefined ? {} : { mass }),
    ...(keep === undefined ? {} : { keep }),
    history: [...history, change],
    explicit,
  };
}

/** W (N, M, T) of a reduction. */
function matrixOf({ before, rows }: Change): Tensor {
  const [n, count] = before.shape as [Dim, Dim];
  return rows(identity(before.graph, n, count));
}

/** What each token is made of, (N, T, first tokens): the product of all reductions so far. */
export function originOf({ x, history }: Pick<TokenState, "x" | "history">): Tensor {
  const [n, count] = (history[0]?.before ?? x).shape as [Dim, Dim];
  return history.reduce((origin, { rows }) => rows(origin), identity(x.graph, n, count));
}

/**
 * Values of tokens, brought back to where tokens were before all reductions: (N, first tokens, width). What a token became part of gives it its value, in
 * proportion, unless the system says how values come back; what was dropped has the value it had then.
 */
export function recover({ x, history }: TokenState): Tensor {
  return history.reduceRight((values, change) => {
    if (change.back !== undefined) return change.back(values);
    const matrix = matrixOf(change); // (N, M, T)
    const [n, , count] = matrix.shape as [Dim, Dim, Dim];
    const share = reshape(reduceSum(matrix, 1), [n, count, 1]); // (N, T, 1): what the new tokens have of each
    const spread = matMul(matrix, values, { transposeA: true }); // (N, T, width)
    const goesOn = greater(share, 0);
    return where(goesOn, div(spread, where(goesOn, share, 1)), change.before);
  }, x);
}

/** What each token is made of, without the special ones: (N, T - special, first patches). */
export function patchOrigin(tokens: Pick<TokenState, "x" | "history" | "special">): Tensor {
  const { special } = tokens;
  return slice(slice(originOf(tokens), 1, special), 2, special);
}

/**
 * How much each of the first patches mattered in the last reduction, (N, first patches): 0 for what was gone before. What a token of several patches has is
 * divided among them by their shares of it, or the rest, fused, would look as if each of its patches mattered as much as all of them do. Undefined where the
 * system does not say.
 */
export function patchScore({ history, special }: TokenState): Tensor | undefined {
  const last = history.at(-1);
  if (last?.score === undefined) return undefined;
  const origin = patchOrigin({ x: last.before, history: history.slice(0, -1), special }); // (N, T - special, first)
  const whole = reduceSum(origin, 2); // (N, T - special), 0 for rows that only fill up
  const isThere = greater(whole, 0);
  const ofEach = where(isThere, div(last.score, where(isThere, whole, 1)), 0);
  return reduceSum(mul(origin, reshape(ofEach, [...last.score.shape, 1])), 1); // (N, first patches)
}

/** (n, count, count) */
function identity(graph: Graph, n: Dim, count: Dim): Tensor {
  return expand(oneHot(iota(graph, count, "int64"), count), [n, count, count]);
}

/** Places (…, M), int64 -> (…, M, count): 1 at each place, else 0. */
export function oneHot(places: Tensor, count: Dim): Tensor {
  const along = iota(places.graph, count, "int64");
  return cast(equal(reshape(places, [...places.shape, 1]), along), "float32");
}

/** What each token weighs where weights were not counted yet: (N, T) ones. */
export function massOf({ x, mass }: TokenState): Tensor {
  const [n, count] = x.shape as [Dim, Dim];
  return mass ?? expand(scalar(x.graph, 1), [n, count]);
}
