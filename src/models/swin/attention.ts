// Swin (Liu et al., ICCV 2021): attention inside windows, moved by half a window in every second block. Reproduces huggingface/pytorch-image-models,
// timm/models/swin_transformer.py; the official code is microsoft/Swin-Transformer, models/swin_transformer.py.
import { add, constant, gather, reshape, transpose } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { selfAttention } from "../../nn/attention.ts";
import { TRUNCATED_NORMAL_002 } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { residualBlock } from "../../nn/transformer-block.ts";
import type { SwinConfig } from "./config.ts";
import { EPSILON, type Member, mergeNormalised, swinNetwork } from "./model.ts";
import { byWindows, rolled, type Stage } from "./stages.ts";
import { biasTableFor, relativePositions } from "./windows.ts";

/** image (N, 3, H, W) -> logits (N, num_classes) and features (N, last width). */
export function swin(scope: Scope, image: Tensor, config: SwinConfig, mode: Mode) {
  return swinNetwork(scope, image, config, mode, windowedAttention(config, mode));
}

/** Windowed attention and then a perceptron are added. */
const windowedAttention = ({ mlp_ratio, qkv_bias }: SwinConfig, mode: Mode): Member => ({
  moving: rolled,
  merge: mergeNormalised,
  block(scope, state, place) {
    const { stage, windows, dropPath } = place;
    const { tokens, order, inWindows } = scope.run(() => byWindows(state, place));
    const block = { mlpRatio: mlp_ratio, epsilon: EPSILON, dropPath, mode };
    const after = residualBlock(scope, tokens, block, (normal) =>
      inWindows(normal, (read) => attend(scope.at("attn"), read, stage, windows.mask, qkv_bias)),
    );
    return { tokens: after, order };
  },
});

/** tokens (N, windows * area, width) -> the same shape. */
function attend(scope: Scope, tokens: Tensor, stage: Stage, mask: Tensor | undefined, qkvBias: boolean): Tensor {
  const { window, heads, width } = stage;
  const area = window.height * window.width;
  return scope.run(() => {
    const adjustScores = withBiases(positionBias(scope, stage), mask, tokens);
    const rows = reshape(tokens, [-1, area, width]); // (N * windows, area, width)
    const attended = selfAttention(scope, rows, heads, { qkvBias, adjustScores });
    return reshape(attended, tokens.shape);
  });
}

/** Adds to scores (N * windows, heads, area, area) of tokens (N, windows * area, width): `near` (heads, area, area), the mask (windows, 1, area, area). */
export function withBiases(near: Tensor, mask: Tensor | undefined, tokens: Tensor): (scores: Tensor) => Tensor {
  return (scores) => {
    if (mask === undefined) return add(scores, near);
    const [n, places] = tokens.shape as [Dim, number];
    const [heads, area] = near.shape as [number, number];
    const byPicture = reshape(scores, [n, places / area, heads, area, area]);
    return reshape(add(byPicture, add(mask, near)), scores.shape);
  };
}

/** (heads, area, area): a learned bias for each way in which two cells of a window can lie to each other. */
function positionBias(scope: Scope, { window, learned, heads }: Stage): Tensor {
  const distances = (2 * learned.height - 1) * (2 * learned.width - 1);
  const table = scope.parameter("relative_position_bias_table", [distances, heads], TRUNCATED_NORMAL_002);
  return byPair(biasTableFor(table, learned, window), window);
}

/** A table of distances, (distances, heads) -> each pair of cells of the window, (heads, area, area). */
export function byPair(table: Tensor, window: Stage["window"]): Tensor {
  const area = window.height * window.width;
  const pairs = gather(table, constant(table.graph, relativePositions(window)), 0); // (area * area, heads)
  return transpose(reshape(pairs, [area, area, table.shape[1]!]), [2, 0, 1]);
}
