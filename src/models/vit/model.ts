// ViT (Dosovitskiy et al., ICLR 2021) and DeiT (Touvron et al., ICML 2021): a picture as a row of patches, and attention from all to all.
// Reproduces huggingface/pytorch-image-models, timm/models/vision_transformer.py and deit.py.
import { add, concat, expand, mul, reshape, slice } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { linear, TRUNCATED_NORMAL_002 } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { patchEmbed, tokensOf } from "../../nn/patch-embed.ts";
import { DENSE, type Reduction, throughBlock } from "../../nn/tokens/reduction.ts";
import { recover, type TokenState, tokenState } from "../../nn/tokens/state.ts";
import { planReduction } from "../../nn/tokens/systems.ts";
import { risingRates, transformerBlock } from "../../nn/transformer-block.ts";
import { gridOf, requireImageSize } from "../image-size.ts";
import { prefixTokens, tokenModel, type VitConfig } from "./config.ts";

/** image (N, 3, H, W) -> logits (N, num_classes) and features (N, embed_dim). */
export function vit(
  scope: Scope,
  image: Tensor,
  config: VitConfig,
  mode: Mode,
): { readonly logits: Tensor; readonly features: Tensor } {
  return answer(scope, vitTokens(scope, image, config, mode), config, mode);
}

/**
 * image (N, 3, H, W) -> the tokens behind the last block, not normalised.
 *
 * @param reduction what is done with tokens on the way; default: what the configuration says
 */
export function vitTokens(
  scope: Scope,
  image: Tensor,
  config: VitConfig,
  mode: Mode,
  reduction: Reduction = reductionOf(config),
): TokenState {
  let tokens = tokenState(embed(scope, image, config), prefixTokens(config).length); // (N, prefix + patches, embed_dim)
  risingRates(config.depth, config.drop_path_rate).forEach((dropPath, i) => {
    tokens = throughBlock(reduction, i, scope, tokens, (x, hooks) =>
      transformerBlock(scope.at("blocks", i), x, {
        ...hooks,
        heads: config.num_heads,
        mlpRatio: config.mlp_ratio,
        qkvBias: config.qkv_bias,
        epsilon: config.norm_eps,
        dropPath,
        mode,
      }),
    );
    scope.layer(`block.${i + 1}`, patchesOf(tokens));
  });
  return tokens;
}

function reductionOf(config: VitConfig): Reduction {
  return config.tokens === undefined ? DENSE : planReduction(config.tokens, tokenModel(config));
}

/** What the special tokens say behind the last block. */
export function answer(
  scope: Scope,
  tokens: TokenState,
  config: VitConfig,
  mode: Mode,
): { readonly logits: Tensor; readonly features: Tensor } {
  // Normalisation is token by token: only those that are read need it.
  const token = (i: number) => {
    const row = reshape(slice(tokens.x, 1, i, i + 1), [tokens.x.shape[0]!, config.embed_dim]);
    return layerNorm(scope.at("norm"), row, config.norm_eps); // (N, embed_dim)
  };
  const head = (name: string, row: Tensor) =>
    linear(scope.at(name), mode.dropout(row, config.drop_rate), config.num_classes); // (N, num_classes)
  const mean = (a: Tensor, b: Tensor) => mul(add(a, b), 0.5);
  const features = token(0);
  scope.layer("cls", features);
  scope.layer("tokens", () => layerNorm(scope.at("norm"), patchesOf(tokens)(), config.norm_eps));
  if (!config.distilled || !config.distilled_head) return { logits: head("head", features), features };
  const taught = token(1);
  return { logits: mean(head("head", features), head("head_dist", taught)), features: mean(features, taught) };
}

/** How the patches' own tokens (N, patches, width) are found behind the others; those that went on together share what became of them. */
const patchesOf = (tokens: TokenState) => () => slice(recover(tokens), 1, tokens.special);

/** Patches as tokens, class tokens before them, positions added. */
function embed(scope: Scope, image: Tensor, config: VitConfig): Tensor {
  const { embed_dim: width, img_size, patch_size } = config;
  requireImageSize(image, img_size, "vit");
  const n = image.shape[0]!;
  const grid = gridOf(img_size, patch_size);
  const patches = tokensOf(patchEmbed(scope.at("patch_embed"), image, width, patch_size)); // (N, patches, width)
  const prefix = prefixTokens(config).map((name) => {
    const start = name === "cls_token" ? ({ kind: "normal", std: 1e-6 } as const) : TRUNCATED_NORMAL_002;
    return expand(scope.parameter(name, [1, 1, width], start), [n, 1, width]);
  });
  const count = prefix.length + grid.height * grid.width;
  const positions = scope.parameter("pos_embed", [1, count, width], TRUNCATED_NORMAL_002);
  return add(concat([...prefix, patches], 1), positions);
}
