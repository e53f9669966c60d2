// Swin (Liu et al., ICCV 2021): attention inside windows, moved by half a window in every second block. Reproduces huggingface/pytorch-image-models,
// timm/models/swin_transformer.py; the official code is microsoft/Swin-Transformer, models/swin_transformer.py.
import { reshape } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { selfAttention } from "../../nn/attention.ts";
import type { Mode } from "../../nn/mode.ts";
import { positionBias, withBiases } from "../../nn/shifted-windows.ts";
import { residualBlock } from "../../nn/transformer-block.ts";
import type { SwinConfig } from "./config.ts";
import { EPSILON, type Member, mergeNormalised, swinNetwork } from "./model.ts";
import { byWindows, rolled, type Stage } from "./stages.ts";

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
    const adjustScores = withBiases(positionBias(scope, window, heads, stage.learned), mask, tokens);
    const rows = reshape(tokens, [-1, area, width]); // (N * windows, area, width)
    const attended = selfAttention(scope, rows, heads, { qkvBias, adjustScores });
    return reshape(attended, tokens.shape);
  });
}
