// The pre-norm transformer block, timm's names (timm/models/vision_transformer.py Block): `norm1`, `attn`, `norm2`, `mlp`.
import { add, reshape } from "../graph/build.ts";
import { sizeOf } from "../graph/dimensions.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { type Attention, selfAttention, type Weighing } from "./attention.ts";
import { layerNorm } from "./layer-norm.ts";
import { mlp } from "./mlp.ts";
import type { Mode } from "./mode.ts";

export interface TransformerBlockOptions {
  readonly heads: number;
  /** Inner width of the perceptron over its outer width. */
  readonly mlpRatio: number;
  /** Default true. */
  readonly qkvBias?: boolean;
  /** Of the layer normalisations. */
  readonly epsilon: number;
  /** Share of the batch for which each half of the block is left out in training. */
  readonly dropPath: number;
  readonly mode: Mode;
  /** Between attention and perceptron: tokens (N, tokens, width) -> those that go on, of any number. Default: all. */
  readonly between?: (x: Tensor, attention: Attention) => Tensor;
}

/** x (N, tokens, width) -> the same shape, if no tokens were left out: attention and then a perceptron are added to it. */
export function transformerBlock(scope: Scope, x: Tensor, options: TransformerBlockOptions & Weighing): Tensor {
  const { heads, between, ...rest } = options;
  let seen: Attention | undefined;
  const observe = (attention: Attention) => {
    seen = attention;
  };
  return residualBlock(
    scope,
    x,
    rest,
    (normal) => selfAttention(scope.at("attn"), normal, heads, between === undefined ? rest : { ...rest, observe }),
    between && ((mixed) => between(mixed, seen!)),
  );
}

/** The block around any attention: `attend` maps (N, tokens, width) to the same shape; `between` may leave fewer tokens to the perceptron. */
export function residualBlock(
  scope: Scope,
  x: Tensor,
  { mlpRatio, epsilon, dropPath, mode }: Pick<TransformerBlockOptions, "mlpRatio" | "epsilon" | "dropPath" | "mode">,
  attend: (normal: Tensor) => Tensor,
  between: (mixed: Tensor) => Tensor = (mixed) => mixed,
): Tensor {
  // Everything but attention works on tokens one by one: as rows of a matrix they need no reshaping in between.
  const rowsOf = (tokens: Tensor) => reshape(tokens, [sizeOf(tokens.shape.slice(0, -1)), tokens.shape.at(-1)!]);
  const updateOf = (update: Tensor) => rowsOf(mode.dropPath(update.graph, update, dropPath, x.shape[0]!));
  return scope.run(() => {
    const rows = rowsOf(x); // (N * tokens, width)
    const attended = attend(reshape(layerNorm(scope.at("norm1"), rows, epsilon), x.shape));
    const mixed = between(reshape(add(rows, updateOf(attended)), x.shape)); // (N, tokens that go on, width)
    const kept = rowsOf(mixed);
    const normal = reshape(layerNorm(scope.at("norm2"), kept, epsilon), mixed.shape);
    return reshape(add(kept, updateOf(mlp(scope.at("mlp"), normal, { ratio: mlpRatio }))), mixed.shape);
  });
}

/** Drop-path rates of so many blocks: from zero at the first, in equal steps, to `last`. */
export function risingRates(blocks: number, last: number): number[] {
  return Array.from({ length: blocks }, (_, i) => (blocks === 1 ? 0 : (last * i) / (blocks - 1)));
}
