// The vision transformer of GLSim: query, key and value have weights of their own, and the projection behind them is the block's. Reproduces arkel23/GLSim,
// glsim/model_utils/transformer.py.
import { add, concat, expand, gelu, mul, slice } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { attend, byHead } from "../../nn/attention.ts";
import { conv2d } from "../../nn/conv.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, linear, TRUNCATED_NORMAL_002 } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { tokensOf } from "../../nn/patch-embed.ts";
import type { GlsimConfig } from "./config.ts";

/** image (N, 3, H, W) -> (N, 1 + patches, hidden_size), normalised; the class token is the first. */
export function encode(scope: Scope, image: Tensor, config: GlsimConfig, mode: Mode): Tensor {
  const { hidden_size: width, patch_size, image_size, layer_norm_eps } = config;
  const patches = tokensOf(
    conv2d(scope.at("patch_embedding"), image, width, patch_size, {
      stride: patch_size,
      padding: 0,
      bias: true,
      weightInit: TRUNCATED_NORMAL_002,
    }),
  ); // (N, patches, width)
  const token = scope.parameter("class_token", [1, 1, width], { kind: "zeros" });
  const count = 1 + (image_size / patch_size) ** 2;
  const positions = scope
    .at("positional_embedding")
    .parameter("pos_embedding", [1, count, width], TRUNCATED_NORMAL_002);
  const tokens = add(concat([expand(token, [image.shape[0]!, 1, width]), patches], 1), positions);
  const encoded = transformer(scope.at("encoder"), tokens, {
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    inner: config.intermediate_size,
    config,
    mode,
    // Of two looks the first counts.
    named: (i, behind) => scope.layer(`block.${i + 1}`, () => slice(behind, 1, 1)),
  });
  return layerNorm(scope.at("encoder_norm"), encoded, layer_norm_eps);
}

/** Width of a head of the aggregator. */
const HEAD = 64;

/** What two looks say together: class tokens (N, 2, hidden_size) -> the same shape, normalised. */
export function aggregate(scope: Scope, tokens: Tensor, config: GlsimConfig, mode: Mode): Tensor {
  const width = config.hidden_size;
  const mixed = transformer(scope.at("aggregator"), tokens, {
    layers: config.aggregator_num_hidden_layers,
    heads: Math.max(1, Math.floor(width / HEAD)),
    inner: 4 * width,
    config,
    mode,
  });
  return layerNorm(scope.at("aggregator_norm"), mixed, config.layer_norm_eps);
}

interface TransformerOptions {
  readonly layers: number;
  readonly heads: number;
  /** Width inside the perceptrons. */
  readonly inner: number;
  readonly config: GlsimConfig;
  readonly mode: Mode;
  /** Hears what is behind block i, (N, tokens, width). */
  readonly named?: (i: number, tokens: Tensor) => void;
}

/** x (N, tokens, width) -> the same shape, not normalised. */
function transformer(scope: Scope, x: Tensor, options: TransformerOptions): Tensor {
  let tokens = x;
  for (let i = 0; i < options.layers; i++) {
    tokens = block(scope.at("blocks", i), tokens, options);
    options.named?.(i, tokens);
  }
  return tokens;
}

function block(scope: Scope, x: Tensor, { heads, inner, config, mode }: TransformerOptions): Tensor {
  const { layer_norm_eps: epsilon, hidden_dropout_prob, sd } = config;
  const width = fixedWidth(x);
  const kept = (update: Tensor) => mode.dropPath(x.graph, mode.dropout(update, hidden_dropout_prob), sd, x.shape[0]!);
  return scope.run(() => {
    const normal = layerNorm(scope.at("norm1"), x, epsilon);
    const part = (name: string) => byHead(linear(scope.at("attn", name), normal, width), heads); // (N, heads, tokens, w)
    const query = mul(part("proj_q"), (width / heads) ** -0.5);
    const attended = attend(query, part("proj_k"), part("proj_v")); // (N, tokens, width)
    const mixed = add(x, kept(linear(scope.at("proj"), attended, width)));
    const hidden = gelu(linear(scope.at("pwff", "fc1"), layerNorm(scope.at("norm2"), mixed, epsilon), inner));
    return add(mixed, kept(linear(scope.at("pwff", "fc2"), hidden, width)));
  });
}
