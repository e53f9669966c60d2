// The pre-norm transformer block, timm's names (timm/models/vision_transformer.py Block): `norm1`, `attn`, `norm2`, `mlp`.
import { add, reshape } from "../graph/build.ts";
import { sizeOf } from "../graph/dimensions.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { selfAttention } from "./attention.ts";
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
}

/** x (N, tokens, width) -> the same shape: attention and then a perceptron are added to it. */
export function transformerBlock(scope: Scope, x: Tensor, options: TransformerBlockOptions): Tensor {
  const { heads, qkvBias } = options;
  return residualBlock(scope, x, options, (normal) =>
    selfAttention(scope.at("attn"), normal, heads, qkvBias === undefined ? {} : { qkvBias }),
  );
}

/** The block around any attention: `attend` maps (N, tokens, width) to the same shape. */
export function residualBlock(
  scope: Scope,
  x: Tensor,
  { mlpRatio, epsilon, dropPath, mode }: Omit<TransformerBlockOptions, "heads" | "qkvBias">,
  attend: (normal: Tensor) => Tensor,
): Tensor {
  // Everything but attention works on tokens one by one: as rows of a matrix they need no reshaping in between.
  const matrix = [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1)!];
  const rowsOf = (update: Tensor) => reshape(mode.dropPath(update.graph, update, dropPath, x.shape[0]!), matrix);
  const tokensOf = (rows: Tensor) => reshape(rows, x.shape);
  return scope.run(() => {
    const rows = reshape(x, matrix); // (N * tokens, width)
    const attended = attend(tokensOf(layerNorm(scope.at("norm1"), rows, epsilon)));
    const mixed = add(rows, rowsOf(attended));
    const inner = mlp(scope.at("mlp"), tokensOf(layerNorm(scope.at("norm2"), mixed, epsilon)), { ratio: mlpRatio });
    return tokensOf(add(mixed, rowsOf(inner)));
  });
}

/** Drop-path rates of so many blocks: from zero at the first, in equal steps, to `last`. */
export function risingRates(blocks: number, last: number): number[] {
  return Array.from({ length: blocks }, (_, i) => (blocks === 1 ? 0 : (last * i) / (blocks - 1)));
}
