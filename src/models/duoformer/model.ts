// DuoFormer (Tang et al., "DuoFormer: Leveraging Hierarchical Representations by Local and Global Attention", MIDL 2025): the maps of a ResNet's stages meet in a transformer over
// scales, which sees one region of the picture at all of them; what speaks for the regions then meets in a transformer over the picture. Written after the paper and
// after what the code of xiaoyatang/duoformer_TCGA computes once its three faults are repaired; that repository states no licence. Names are the official ones.
import { add, concat, expand, reshape, slice } from "../../graph/build.ts";
import { multiplyDims } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { selfAttention } from "../../nn/attention.ts";
import { fixedDim, linear, TRUNCATED_NORMAL_002 } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { risingRates, transformerBlock } from "../../nn/transformer-block.ts";
import { backboneOf, type DuoformerConfig } from "./config.ts";
import { regionTokens } from "./regions.ts";

/** Of the layer normalisations. */
const EPSILON = 1e-6;

/** image (N, 3, H, W) -> logits (N, num_classes) and features (N, embed_dim), the class token's. */
export function duoformer(
  scope: Scope,
  image: Tensor,
  config: DuoformerConfig,
  mode: Mode,
): { readonly logits: Tensor; readonly features: Tensor } {
  const maps = backboneOf(config).stageMaps(scope.at("resnet_projector"), image, mode);
  const tokens = regionTokens(scope, maps, config, mode); // (N, regions, 1 + cells, width)
  scope.layer("regions", () => flat(tokens));
  const transformer = scope.at("vision_transformer");
  const seen = amongScales(transformer, tokens, config, mode); // (N, regions, 1 + cells, width)
  scope.layer("scales", () => flat(seen));
  const speakers = reshape(slice(seen, 2, 0, 1), [seen.shape[0]!, seen.shape[1]!, config.embed_dim]);
  const features = amongRegions(scope, transformer, speakers, config);
  return { logits: linear(transformer.at("head"), features, config.num_classes), features };
}

/** (N, regions, tokens of a region, width) -> (N, all tokens, width), region by region. */
function flat(tokens: Tensor): Tensor {
  const [n, regions, cells, width] = tokens.shape;
  return reshape(tokens, [n!, multiplyDims(regions!, cells!), width!]);
}

/** Each region by itself: (N, regions, 1 + cells, width) -> the same shape. */
function amongScales(scope: Scope, tokens: Tensor, config: DuoformerConfig, mode: Mode): Tensor {
  const { depth, num_heads: heads, mlp_ratio: mlpRatio, drop_path_rate, embed_dim: width } = config;
  const [n, regions] = tokens.shape;
  const count = fixedDim(tokens, 2);
  const positions = scope.parameter("pos_embed_for_scale", [1, 1, count, width], TRUNCATED_NORMAL_002);
  let x = reshape(add(tokens, positions), [multiplyDims(n!, regions!), count, width]);
  risingRates(depth, drop_path_rate).forEach((dropPath, i) => {
    x = transformerBlock(scope.at("scaleBlocks", i), x, { heads, mlpRatio, epsilon: EPSILON, dropPath, mode });
  });
  return reshape(x, tokens.shape);
}

/** speakers (N, regions, width) -> (N, width): what a class token has read in them. Its layers are attention and nothing else: no residual, no normalisation. */
function amongRegions(
  top: Scope,
  scope: Scope,
  speakers: Tensor,
  { depth, num_heads, embed_dim: width }: DuoformerConfig,
): Tensor {
  const n = speakers.shape[0]!;
  const cls = expand(scope.parameter("cls_token", [1, 1, width], TRUNCATED_NORMAL_002), [n, 1, width]);
  const positions = scope.parameter("pos_embed", [1, 1 + fixedDim(speakers, 1), width], TRUNCATED_NORMAL_002);
  let x = add(concat([cls, speakers], 1), positions); // (N, 1 + regions, width)
  for (let i = 0; i < depth; i++) {
    const tokens = selfAttention(scope.at("blocks", i, "attn"), x, num_heads);
    top.layer(`block.${i + 1}`, () => slice(tokens, 1, 1));
    x = tokens;
  }
  const last = x;
  const features = reshape(slice(x, 1, 0, 1), [n, width]);
  top.layer("cls", features);
  top.layer("tokens", () => slice(last, 1, 1));
  return features;
}
