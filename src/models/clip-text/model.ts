// CLIP's text tower (Radford et al., ICML 2021): a transformer in which tokens see those before them, read at the end of the text.
// Reproduces openai/CLIP, clip/model.py CLIP.encode_text.
import {
  add,
  argMax,
  cast,
  constant,
  exp,
  gather,
  gelu,
  iota,
  matMul,
  mul,
  quickGelu,
  reshape,
} from "../../graph/build.ts";
import { type Dim, multiplyDims } from "../../graph/dimensions.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { linear } from "../../nn/linear.ts";
import { multiheadAttention } from "../../nn/multihead-attention.ts";
import { tensor } from "../../tensor.ts";
import type { ClipTextConfig } from "./config.ts";

const EPSILON = 1e-5;

const normal = (std: number): Initializer => ({ kind: "normal", std });

export interface ClipTextOutputs {
  /** The embedding, to compare with pictures': (N, embed_dim). */
  readonly logits: Tensor;
  /** The end token before the projection: (N, transformer_width). */
  readonly features: Tensor;
  /** All tokens after the last normalisation: (N, context_length, transformer_width). */
  readonly token_embedding: Tensor;
  /** By what cosines are multiplied to be logits: (). */
  readonly scale: Tensor;
}

/** ids (N, context_length), int64. */
export function clipText(scope: Scope, ids: Tensor, config: ClipTextConfig): ClipTextOutputs {
  const { transformer_width: width, context_length: context, transformer_layers: layers } = config;
  const table = scope.at("token_embedding").parameter("weight", [config.vocab_size, width], normal(0.02));
  const positions = scope.parameter("positional_embedding", [context, width], normal(0.01));
  let x = add(gather(table, ids, 0), positions); // (N, context, width)
  const mask = causalMask(scope.graph, context);
  for (let i = 0; i < layers; i++) x = block(scope.at("transformer", "resblocks", i), x, mask, config);

  // Normalisation is token by token: only the one that is read needs it.
  const last = layerNorm(scope.at("ln_final"), tokenAt(x, endOf(ids)), EPSILON); // (N, width)
  const projection = scope.parameter("text_projection", [width, config.embed_dim], normal(width ** -0.5));
  const scale = scope.parameter("logit_scale", [], { kind: "constant", value: Math.log(1 / 0.07) });
  return {
    logits: matMul(last, projection),
    features: last,
    token_embedding: layerNorm(scope.at("ln_final"), x, EPSILON),
    scale: exp(scale),
  };
}

/** The first place of the largest number, which is the end token's: (N), int64. */
function endOf(ids: Tensor): Tensor {
  // Engines find the largest of floats everywhere; vocabularies are small enough for them to be exact.
  return argMax(cast(ids, "float32"), 1);
}

/** x (N, tokens, width), one place a row (N) -> (N, width). */
function tokenAt(x: Tensor, place: Tensor): Tensor {
  const [batch, tokens, width] = x.shape as [Dim, number, number];
  const first = mul(iota(x.graph, batch, "int64"), tokens);
  return gather(reshape(x, [multiplyDims(batch, tokens), width]), add(first, place), 0);
}

/** What is added to scores so that no token sees those after it: (tokens, tokens). */
function causalMask(graph: Graph, tokens: number): Tensor {
  const values = Float32Array.from({ length: tokens * tokens }, (_, i) =>
    i % tokens > Math.floor(i / tokens) ? UNSEEN : 0,
  );
  return constant(graph, tensor("float32", [tokens, tokens], values));
}

/** Far enough down for a softmax to give exactly 0, and finite, so that no arithmetic makes a NaN of it. */
const UNSEEN = -1e9;

/** x (N, tokens, width) -> the same shape. */
function block(scope: Scope, x: Tensor, mask: Tensor, config: ClipTextConfig): Tensor {
  const { transformer_width: width, transformer_layers: layers, transformer_heads: heads, activation } = config;
  const intoResidual = normal(width ** -0.5 * (2 * layers) ** -0.5);
  return scope.run(() => {
    const attended = multiheadAttention(scope.at("attn"), layerNorm(scope.at("ln_1"), x, EPSILON), heads, {
      adjustScores: (scores) => add(scores, mask),
      inInit: normal(width ** -0.5),
      outInit: intoResidual,
    });
    const mixed = add(x, attended);
    const mlp = scope.at("mlp");
    const inner = linear(mlp.at("c_fc"), layerNorm(scope.at("ln_2"), mixed, EPSILON), 4 * width, {
      weightInit: normal((2 * width) ** -0.5),
    });
    const active = activation === "gelu" ? gelu(inner) : quickGelu(inner);
    return add(mixed, linear(mlp.at("c_proj"), active, width, { weightInit: intoResidual }));
  });
}
