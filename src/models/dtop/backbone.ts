// The plain ViT of mmsegmentation (mmseg/models/backbones/vit.py), without its class token: what becomes tokens, and a layer of them.
import { add, gelu, slice } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { conv2d } from "../../nn/conv.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { linear, TRUNCATED_NORMAL_002 } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { multiheadAttention } from "../../nn/multihead-attention.ts";
import { tokensOf } from "../../nn/patch-embed.ts";
import { gridOf } from "../image-size.ts";
import type { DtopConfig } from "./config.ts";

/** image (N, 3, H, W) -> (N, patches, embed_dims): patches and their positions. */
export function embedPatches(scope: Scope, image: Tensor, { img_size, backbone }: DtopConfig): Tensor {
  const { embed_dims: width, patch_size: patch } = backbone;
  const { height, width: columns } = gridOf(img_size, patch);
  const projected = conv2d(scope.at("patch_embed", "projection"), image, width, patch, {
    stride: patch,
    padding: 0,
    bias: true,
    weightInit: { kind: "normal", std: Math.sqrt(2 / (3 * patch * patch)) },
  });
  // The official code puts a class token in front, adds its position and takes it away again: a weight that is there and does nothing.
  scope.buffer("cls_token", [1, 1, width], TRUNCATED_NORMAL_002);
  const positions = scope.parameter("pos_embed", [1, 1 + height * columns, width], TRUNCATED_NORMAL_002);
  return add(tokensOf(projected), slice(positions, 1, 1));
}

export interface LayerOptions {
  readonly dropPath: number;
  readonly mode: Mode;
  /** What is added to scores of attention, (N, 1, 1, tokens): where tokens are not to be seen. */
  readonly unseen: Tensor | undefined;
}

/** x (N, tokens, embed_dims) -> the same shape: attention and then a perceptron are added to it. */
export function layer(scope: Scope, x: Tensor, { backbone }: DtopConfig, options: LayerOptions): Tensor {
  const { num_heads: heads, mlp_ratio: ratio, norm_eps: epsilon, embed_dims: width } = backbone;
  const { dropPath, mode, unseen } = options;
  const dropped = (update: Tensor) => mode.dropPath(update.graph, update, dropPath, x.shape[0]!);
  return scope.run(() => {
    const hide = unseen === undefined ? {} : { adjustScores: (scores: Tensor) => add(scores, unseen) };
    const attended = multiheadAttention(scope.at("attn", "attn"), layerNorm(scope.at("ln1"), x, epsilon), heads, hide);
    const mixed = add(x, dropped(attended));
    const inner = scope.at("ffn", "layers");
    const hidden = gelu(linear(inner.at(0, 0), layerNorm(scope.at("ln2"), mixed, epsilon), Math.trunc(ratio * width)));
    return add(mixed, dropped(linear(inner.at(1), hidden, width)));
  });
}
