// Swin v2 (Liu et al., CVPR 2022): cosine attention, position biases that a small network makes of distances, and normalisation behind each half of a block.
// Reproduces microsoft/Swin-Transformer, models/swin_transformer_v2.py; names as in timm/models/swin_transformer_v2.py.
import { add } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { cosineAttention } from "../../nn/cosine-attention.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { linear } from "../../nn/linear.ts";
import { mlp } from "../../nn/mlp.ts";
import type { Mode } from "../../nn/mode.ts";
import type { Swinv2Config } from "./config.ts";
import { EPSILON, type Member, swinNetwork } from "./model.ts";
import { byWindows, rolled } from "./stages.ts";

/** A normalised half of a block begins as nothing. */
const ZEROS = { kind: "zeros" } as const;

/** image (N, 3, H, W) -> logits (N, num_classes) and features (N, last width). */
export function swinv2(scope: Scope, image: Tensor, config: Swinv2Config, mode: Mode) {
  return swinNetwork(scope, image, config, mode, cosineWindows(config, mode));
}

const cosineWindows = (config: Swinv2Config, mode: Mode): Member => ({
  moving: rolled,
  merge(scope, squares, width) {
    return layerNorm(scope.at("norm"), linear(scope.at("reduction"), squares, width, { bias: false }), EPSILON);
  },
  block(scope, state, place) {
    const { stage, windows, index, dropPath } = place;
    return scope.run(() => {
      const { tokens, order, inWindows } = byWindows(state, place);
      const added = (x: Tensor, norm: "norm1" | "norm2", update: Tensor) => {
        const normal = layerNorm(scope.at(norm), update, EPSILON, ZEROS);
        return add(x, mode.dropPath(x.graph, normal, dropPath, x.shape[0]!));
      };
      const pretrained = config.pretrained_window_sizes?.[index] ?? 0;
      const attended = inWindows(tokens, (read) =>
        cosineAttention(scope.at("attn"), read, {
          ...{ window: stage.window, learned: stage.learned, heads: stage.heads, pretrained },
          ...(windows.mask === undefined ? {} : { mask: windows.mask }),
          qkvBias: config.qkv_bias,
        }),
      );
      const mixed = added(tokens, "norm1", attended);
      const after = added(mixed, "norm2", mlp(scope.at("mlp"), mixed, { ratio: config.mlp_ratio }));
      return { tokens: after, order };
    });
  },
});
