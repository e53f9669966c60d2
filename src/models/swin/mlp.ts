// Swin-MLP: the cells of a window are mixed by products over their places, which each head has of its own, instead of by attention; and maps are padded where Swin
// rolls them. Reproduces microsoft/Swin-Transformer, models/swin_mlp.py.
import { add, matMul, reshape, transpose } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { byHead } from "../../nn/attention.ts";
import { TRUNCATED_NORMAL_002 } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { residualBlock } from "../../nn/transformer-block.ts";
import type { SwinMlpConfig } from "./config.ts";
import { EPSILON, type Member, mergeNormalised, swinNetwork } from "./model.ts";
import { byWindows, padded, type Stage } from "./stages.ts";

/** image (N, 3, H, W) -> logits (N, num_classes) and features (N, last width). */
export function swinMlp(scope: Scope, image: Tensor, config: SwinMlpConfig, mode: Mode) {
  return swinNetwork(scope, image, config, mode, mixedPlaces(config, mode));
}

const mixedPlaces = ({ mlp_ratio }: SwinMlpConfig, mode: Mode): Member => ({
  moving: padded,
  merge: mergeNormalised,
  block(scope, state, place) {
    const { tokens, order, inWindows } = scope.run(() => byWindows(state, place));
    const block = { mlpRatio: mlp_ratio, epsilon: EPSILON, dropPath: place.dropPath, mode };
    const after = residualBlock(scope, tokens, block, (normal) =>
      inWindows(normal, (read) => mixPlaces(scope.at("spatial_mlp"), read, place.stage)),
    );
    return { tokens: after, order };
  },
});

/** tokens (N, windows * area, width) -> the same shape. The official layer is a convolution over one position, in groups: a product a head. */
function mixPlaces(scope: Scope, tokens: Tensor, { window, heads, width }: Stage): Tensor {
  const area = window.height * window.width;
  return scope.run(() => {
    const stored = scope.parameter("weight", [heads * area, area, 1], TRUNCATED_NORMAL_002);
    const weight = reshape(stored, [1, heads, area, area]);
    const bias = reshape(scope.parameter("bias", [heads * area], { kind: "zeros" }), [1, heads, area, 1]);
    const cells = byHead(reshape(tokens, [-1, area, width]), heads); // (N * windows, heads, area, width / heads)
    const mixed = transpose(add(matMul(weight, cells), bias), [0, 2, 1, 3]); // (N * windows, area, heads, width / heads)
    return reshape(mixed, tokens.shape);
  });
}
