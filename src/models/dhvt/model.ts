// DHVT (Lu et al., "Bridging the Gap Between Vision Transformers and Convolutional Neural Networks on Small Datasets", NeurIPS 2022): a ViT that learns
// from few pictures, because patches come from convolutions that overlap, its perceptrons see neighbours, and every head of attention has a token of its own
// that the others read. Reproduces ArieSeirack/DHVT (Apache-2.0), vision_transformer.py, names and numbers. The official code takes squares only;
// here a grid keeps its own height and width.
import { add, concat, expand, gelu, mul, reduceMean, reshape, slice, softmax, transpose } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { selfAttention } from "../../nn/attention.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, linear, TRUNCATED_NORMAL_002, torchDefault } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { tokensOf } from "../../nn/patch-embed.ts";
import { risingRates } from "../../nn/transformer-block.ts";
import type { DhvtConfig } from "./config.ts";

/** Of the layer normalisations. */
const EPSILON = 1e-6;
/** Channels are squeezed to a quarter. */
const REDUCTION = 4;

/** image (N, 3, H, W) -> logits (N, num_classes) and features (N, embed_dim), the class token's. */
export function dhvt(
  scope: Scope,
  image: Tensor,
  config: DhvtConfig,
  mode: Mode,
): { readonly logits: Tensor; readonly features: Tensor } {
  const { embed_dim: width, depth, num_classes, drop_path_rate } = config;
  const n = image.shape[0]!;
  const map = embed(scope.at("patch_embed"), image, config, mode); // (N, width, h, w)
  const grid = map.shape.slice(2) as [Dim, Dim];
  const patches = tokensOf(map); // (N, h * w, width)
  scope.layer("patch_embed", patches);
  const cls = expand(scope.parameter("cls_token", [1, 1, width], TRUNCATED_NORMAL_002), [n, 1, width]);
  let x = concat([cls, patches], 1); // (N, 1 + h * w, width)
  risingRates(depth, drop_path_rate).forEach((dropPath, i) => {
    x = block(scope.at("blocks", i), x, grid, dropPath, config, mode);
    const tokens = x;
    scope.layer(`block.${i + 1}`, () => slice(tokens, 1, 1));
  });
  const features = layerNorm(scope.at("norm"), reshape(slice(x, 1, 0, 1), [n, width]), EPSILON); // (N, width)
  scope.layer("cls", features);
  scope.layer("tokens", () => layerNorm(scope.at("norm"), slice(x, 1, 1), EPSILON));
  return { logits: linear(scope.at("head"), features, num_classes), features };
}

/** Patches that overlap ("SOPE"): image (N, 3, H, W) -> (N, width, H / patch, W / patch), rounded up at every halving. */
function embed(scope: Scope, image: Tensor, { embed_dim, patch_size }: DhvtConfig, mode: Mode): Tensor {
  const halvings = Math.log2(patch_size);
  let x = rescale(scope.at("pre_affine"), image);
  for (let i = 0; i < halvings; i++) {
    const layer = scope.at("proj", 2 * i); // what is between them are activations
    const channels = embed_dim / 2 ** (halvings - 1 - i);
    const start = torchDefault(channelsOf(x) * 9);
    const halved = conv2d(layer.at(0), x, channels, 3, { stride: 2, padding: 1, weightInit: start });
    const normal = batchNorm(layer.at(1), halved, mode); // (N, channels, H / 2, W / 2)
    x = i < halvings - 1 || halvings === 1 ? gelu(normal) : normal;
  }
  return rescale(scope.at("post_affine"), x);
}

/** x (N, C, h, w) -> the same shape: each channel with a factor and an offset of its own. */
function rescale(scope: Scope, x: Tensor): Tensor {
  return scope.run(() => {
    const shape = [1, channelsOf(x), 1, 1];
    return add(
      mul(x, scope.parameter("alpha", shape, { kind: "ones" })),
      scope.parameter("beta", shape, { kind: "zeros" }),
    );
  });
}

/** x (N, 1 + h * w, width) -> the same shape. */
function block(
  scope: Scope,
  x: Tensor,
  grid: readonly [Dim, Dim],
  dropPath: number,
  config: DhvtConfig,
  mode: Mode,
): Tensor {
  const plus = (tokens: Tensor, update: Tensor) =>
    add(tokens, mode.dropPath(tokens.graph, update, dropPath, tokens.shape[0]!));
  return scope.run(() => {
    const normal = layerNorm(scope.at("norm1"), x, EPSILON);
    const mixed = plus(x, attention(scope.at("attn"), normal, config, mode));
    const update = layerNorm(scope.at("norm2"), mixed, EPSILON);
    return plus(mixed, feedForward(scope.at("mlp"), update, grid, config.mlp_ratio, mode));
  });
}

/** Attention in which every head speaks up by a token ("HI-MHSA"): x (N, tokens, width), the class token first, -> the same shape. */
function attention(scope: Scope, x: Tensor, config: DhvtConfig, mode: Mode): Tensor {
  const { num_heads: heads, qkv_bias: qkvBias, attn_drop_rate } = config;
  const weigh = (scores: Tensor) => mode.dropout(softmax(scores), attn_drop_rate);
  const attend = (tokens: Tensor) => selfAttention(scope, tokens, heads, { qkvBias, weigh });
  const mixed = config.head_tokens ? amongHeads(scope, x, heads, attend) : attend(x);
  return mode.dropout(mixed, config.drop_rate);
}

/** The tokens of the heads are read with the others, and what becomes of them is added to the class token, on the average. */
function amongHeads(scope: Scope, x: Tensor, heads: number, attend: (tokens: Tensor) => Tensor): Tensor {
  const mixed = attend(concat([x, headTokens(scope, x, heads)], 1)); // (N, tokens + heads, width)
  const said = reduceMean(slice(mixed, 1, -heads), 1, { keepDims: true }); // (N, 1, width)
  return concat([add(slice(mixed, 1, 0, 1), said), slice(mixed, 1, 1, -heads)], 1);
}

/** x (N, tokens, width) -> (N, heads, width): of each head what its channels are over all tokens, the class token among them. */
function headTokens(scope: Scope, x: Tensor, heads: number): Tensor {
  return scope.run(() => {
    const n = x.shape[0]!;
    const width = fixedWidth(x);
    const means = reshape(reduceMean(x, 1), [n, heads, width / heads]);
    const wide = linear(scope.at("ht_proj"), means, width); // (N, heads, width)
    const apart = reshape(wide, [n, heads, heads, width / heads]);
    const active = gelu(layerNorm(scope.at("ht_norm"), apart, EPSILON_OF_HEADS));
    const places = scope.parameter("pos_embed", [1, heads, width], TRUNCATED_NORMAL_002);
    return add(reshape(active, [n, heads, width]), places);
  });
}

/** The official code makes this one normalisation without saying its epsilon: PyTorch's. */
const EPSILON_OF_HEADS = 1e-5;

/**
 * A perceptron that sees neighbours ("DAFF"): x (N, 1 + h * w, width) -> the same shape. Patches go through it as a map; the class token is multiplied by
 * what the map is on the average, squeezed and excited, with no gate.
 */
function feedForward(scope: Scope, x: Tensor, [height, wide]: readonly [Dim, Dim], ratio: number, mode: Mode): Tensor {
  return scope.run(() => {
    const n = x.shape[0]!;
    const width = fixedWidth(x);
    const hidden = Math.trunc(width * ratio);
    const patches = reshape(transpose(slice(x, 1, 1), [0, 2, 1]), [n, width, height, wide]);
    const layer = (number: number, map: Tensor, channels: number, kernel: number, groups = 1) => {
      const start = torchDefault((channelsOf(map) / groups) * kernel ** 2);
      const options = { bias: true, groups, weightInit: start, biasInit: start };
      return batchNorm(
        scope.at(`bn${number}`),
        conv2d(scope.at(`conv${number}`), map, channels, kernel, options),
        mode,
      );
    };
    const inner = gelu(layer(1, patches, hidden, 1)); // (N, hidden, h, w)
    const seen = add(inner, gelu(layer(2, inner, hidden, 3, hidden)));
    const map = layer(3, seen, width, 1); // (N, width, h, w)
    const squeezed = gelu(linear(scope.at("compress"), reduceMean(map, [2, 3]), Math.trunc(width / REDUCTION)));
    const factors = reshape(linear(scope.at("excitation"), squeezed, width), [n, 1, width]);
    return concat([mul(slice(x, 1, 0, 1), factors), tokensOf(map)], 1);
  });
}
