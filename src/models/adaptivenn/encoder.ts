// The two vision transformers of AdaptiveNN, glance and focus: DeiT without a class token (the official code's own timm VisionTransformer).
import { UsageError } from "../../errors.ts";
import { add, reduceMean, reshape, resize, transpose } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { conv2d } from "../../nn/conv.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedDim, linear, TRUNCATED_NORMAL_002, torchDefault } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { patchEmbed, tokensOf } from "../../nn/patch-embed.ts";
import { risingRates, transformerBlock } from "../../nn/transformer-block.ts";
import { backboneNamed } from "../backbones.ts";
import { type AdaptivennConfig, gridSides } from "./config.ts";

/** Of all layer normalisations. */
export const EPSILON = 1e-6;

export type Net = "glance" | "focus";

/** Of a checkpoint. */
export const NET_SCOPES: Readonly<Record<Net, string>> = { glance: "glance_net", focus: "focus_net" };

/** pixels (batch, 3, side, side) -> (batch, tokens, embed_dim), positions added. `scope` is the net's. */
export function embed(scope: Scope, net: Net, pixels: Tensor, config: AdaptivennConfig, mode: Mode): Tensor {
  const own = gridSides(config)[net === "glance" ? "state" : "focus"];
  const width = config.embed_dim;
  const map = patchMap(scope.at("patch_embed"), pixels, config, mode); // (batch, embed_dim, h, w)
  const [h, w] = [fixedDim(map, 2), fixedDim(map, 3)];
  const positions = scope.parameter("pos_embed", [1, own * own, width], TRUNCATED_NORMAL_002);
  return add(tokensOf(map), h === own && w === own ? positions : resizedPositions(positions, own, h, w));
}

/** One linear map of each patch, or one of each cell of a backbone's map (timm's HybridEmbed). */
function patchMap(scope: Scope, pixels: Tensor, config: AdaptivennConfig, mode: Mode): Tensor {
  const { arch, embed_dim, patch_size } = config;
  if (arch === undefined) return patchEmbed(scope, pixels, embed_dim, patch_size);
  const cells = backboneNamed(arch, config.backbone).featureMap(scope.at("backbone"), pixels, mode);
  const [side, wanted] = [fixedDim(cells, 2), fixedDim(pixels, 2) / patch_size];
  if (side !== wanted)
    throw new UsageError(
      `${arch} as configured makes a map of ${side} x ${side} from ${fixedDim(pixels, 2)} pixels, not ${wanted} x ${wanted}`,
      "patch_size must be its stride",
    );
  const start = torchDefault(fixedDim(cells, 1));
  return conv2d(scope.at("proj"), cells, embed_dim, 1, { bias: true, weightInit: start, biasInit: start });
}

/** Bilinear, as the official code has it for the focus net alone. */
function resizedPositions(positions: Tensor, own: number, h: number, w: number): Tensor {
  const width = fixedDim(positions, 2);
  const map = transpose(reshape(positions, [1, own, own, width]), [0, 3, 1, 2]);
  return tokensOf(resize(map, [h, w], "linear"));
}

/** Blocks `from` up to `to` of a net. x (batch, tokens, embed_dim) -> the same shape. */
export function blocks(
  scope: Scope,
  net: Net,
  x: Tensor,
  [from, to]: readonly [number, number],
  config: AdaptivennConfig,
  mode: Mode,
): Tensor {
  const rates = risingRates(config[`${net}_net_depth`], config[`${net}_net_drop_path`]);
  return rates.slice(from, to).reduce(
    (tokens, dropPath, i) =>
      transformerBlock(scope.at("blocks", from + i), tokens, {
        heads: config.num_heads,
        mlpRatio: config[`${net}_net_mlp_ratio`],
        epsilon: EPSILON,
        dropPath,
        mode,
      }),
    x,
  );
}

/** tokens (batch, tokens, width) -> (batch, width): normalised, and their mean. */
export function pooled(norm: Scope, tokens: Tensor): Tensor {
  return reduceMean(layerNorm(norm, tokens, EPSILON), 1);
}

/** (batch, tokens, width) of a square grid -> (batch, width, side, side). */
export function mapOf(tokens: Tensor): Tensor {
  const [batch, count, width] = tokens.shape as [Dim, number, number];
  const side = Math.round(Math.sqrt(count));
  return reshape(transpose(tokens, [0, 2, 1]), [batch, width, side, side]);
}

/** What a whole DeiT answers: pixels (batch, 3, side, side) of any side that patches divide -> (batch, num_classes). Only the focus net is asked. */
export function answerAlone(scope: Scope, net: Net, pixels: Tensor, config: AdaptivennConfig, mode: Mode): Tensor {
  const tokens = embed(scope, net, pixels, config, mode);
  const last = blocks(scope, net, tokens, [0, config[`${net}_net_depth`]], config, mode);
  return linear(scope.at("head"), pooled(scope.at("norm"), last), config.num_classes);
}

/** Declares the norm and head that both nets have in official files, also where nothing reads them. */
export function declareAnswer(scope: Scope, { embed_dim: width, num_classes }: AdaptivennConfig): void {
  scope.at("norm").parameter("weight", [width], { kind: "ones" });
  scope.at("norm").parameter("bias", [width], { kind: "zeros" });
  scope.at("head").parameter("weight", [num_classes, width], TRUNCATED_NORMAL_002);
  scope.at("head").parameter("bias", [num_classes], { kind: "zeros" });
}
