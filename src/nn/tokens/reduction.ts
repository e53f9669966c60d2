// Fewer tokens as a family sees them: what happens before a block, between its attention and its perceptron, or behind it.
import { add, log, mul, reshape, sub } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Attention, Weighing } from "../attention.ts";
import type { TokenGrid } from "../windows.ts";
import { patchOrigin, patchScore, type Rows, type TokenState } from "./state.ts";

/** What a system does at one block. `scope` is the whole model's, where systems that learn have their parameters. */
export interface Step {
  before?(tokens: TokenState, scope: Scope): TokenState;
  /** Between attention, whose update is in the tokens already, and the perceptron. */
  inside?(tokens: TokenState, attention: Attention, scope: Scope): TokenState;
  after?(tokens: TokenState, scope: Scope): TokenState;
}

/** What happens to every window of a map before a block, in a model whose attention works in windows. */
export interface WindowStep {
  /** Rows and columns of the windows from there on. */
  readonly to: TokenGrid;
  /**
   * x (windows, T, width), T cells of `from` row by row -> tokens (windows, M, width), M cells of `to`; and what the T have become by what becomes of the M later on.
   */
  shrink(x: Tensor, from: TokenGrid): { readonly tokens: Tensor; readonly restore: Rows };
}

/** What a model does with its tokens. */
export interface Reduction {
  /** By block, counted from 0. */
  readonly steps: ReadonlyMap<number, Step>;
  /** By block, of models whose attention works in windows (window-steps.ts). */
  readonly windows?: ReadonlyMap<number, WindowStep>;
  /** Whether attention counts a token as often as the tokens it stands for: the logarithm of their number is added to its scores. Default false. */
  readonly proportional?: boolean;
  /** How attention weighs tokens of which some take no part, in all blocks. Default: nobody sees those. */
  attend?(tokens: TokenState): Weighing;
}

/** All tokens. */
export const DENSE: Reduction = { steps: new Map() };

/** What a block takes from a reduction. */
export interface BlockHooks extends Weighing {
  /** Tokens (N, T, width) after attention -> those that go on (N, M, width). */
  readonly between?: (x: Tensor, attention: Attention) => Tensor;
}

/**
 * A block of a model, and what is done with the tokens there.
 *
 * @param scope the model's
 * @param block (N, T, width) -> (N, M, width), which passes the hooks on to `transformerBlock`
 */
export function throughBlock(
  { steps, proportional = false, attend }: Reduction,
  index: number,
  scope: Scope,
  tokens: TokenState,
  block: (x: Tensor, hooks: BlockHooks) => Tensor,
): TokenState {
  const step = steps.get(index);
  let now = step?.before?.(tokens, scope) ?? tokens;
  const inside = step?.inside?.bind(step);
  const between = (mixed: Tensor, attention: Attention) => {
    now = inside!({ ...now, x: mixed }, attention, scope);
    return now.x;
  };
  const weighing = attend?.(now) ?? usualWeighing(now, proportional);
  const x = block(now.x, inside === undefined ? weighing : { ...weighing, between });
  now = { ...now, x };
  now = step?.after?.(now, scope) ?? now;
  if (now.history.length > tokens.history.length) nameLayers(scope, index, now);
  return now;
}

/** Tokens that take no part are seen by nobody; the others by how many they stand for, if that is asked for. */
function usualWeighing({ mass, keep }: TokenState, proportional: boolean): Weighing {
  const biases = [
    ...(proportional && mass !== undefined ? [log(mass)] : []),
    ...(keep === undefined ? [] : [hiding(keep)]),
  ]; // (N, T) each
  if (biases.length === 0) return {};
  const bias = biases.reduce((a, b) => add(a, b));
  const [n, count] = bias.shape as [Dim, Dim];
  return { adjustScores: (scores) => add(scores, reshape(bias, [n, 1, 1, count])) };
}

/** What is added to scores so that nobody sees the tokens whose `keep` (N, T) is 0: so much that a softmax gives exactly 0, and finite, so that no NaN comes of it. */
export function hiding(keep: Tensor): Tensor {
  return mul(sub(keep, 1), 1e9);
}

/**
 * For pictures of what happened: `origin.BLOCK` (N, tokens, patches), what each token is made of, and where a system scores tokens `score.BLOCK` (N, patches).
 * Special tokens are left out.
 */
function nameLayers(scope: Scope, index: number, tokens: TokenState): void {
  scope.layer(`origin.${index}`, () => patchOrigin(tokens));
  if (tokens.history.at(-1)!.score !== undefined) scope.layer(`score.${index}`, () => patchScore(tokens)!);
}
