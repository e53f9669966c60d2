// The head that answers after a layer (mmseg_custom/decode_heads/prune_head.py): one query a class reads the tokens, and how much it attends to a token
// is the token's mask of that class (SegViT, Zhang et al., NeurIPS 2022: attention to mask).
import { add, expand, matMul, mul, reduceMean, relu, reshape, softmax, transpose } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { byHead } from "../../nn/attention.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { linear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { multiheadAttention } from "../../nn/multihead-attention.ts";
import type { DtopConfig } from "./config.ts";

/** Of the layer normalisations: PyTorch's. */
const EPSILON = 1e-5;

export interface HeadAnswer {
  /** How much each class attends to each token, before any softmax: (N, num_classes, tokens). */
  readonly masks: Tensor;
  /** Whether the class is there, and whether it is not: (N, num_classes, 2). */
  readonly classes: Tensor;
}

/**
 * x (N, tokens, embed_dims).
 *
 * @param unseen what is added to scores of attention, (N, 1, 1, tokens), where tokens are not to be seen
 */
export function head(
  scope: Scope,
  x: Tensor,
  unseen: Tensor | undefined,
  { num_classes, head: config }: DtopConfig,
  mode: Mode,
): HeadAnswer {
  const { channels: width, num_heads: heads, layers_per_decoder: layers, dropout } = config;
  const n = x.shape[0]!;
  return scope.run(() => {
    const read = layerNorm(scope.at("proj_norm"), linear(scope.at("input_proj"), x, width), EPSILON); // (N, tokens, channels)
    // Until they have read tokens, queries are the same for all pictures: engines compute that once, when they load the model.
    const table = scope.at("q").parameter("weight", [num_classes, width], { kind: "normal", std: 1 });
    let queries = reshape(table, [1, num_classes, width]);
    if (mode.training) queries = expand(queries, [n, num_classes, width]);
    let masks: Tensor | undefined;
    const drop = (update: Tensor) => mode.dropout(update, dropout);
    for (let i = 0; i < layers; i++) {
      const at = scope.at("decoder", "layers", i);
      const added = (name: string, update: Tensor) => layerNorm(at.at(name), add(queries, drop(update)), EPSILON);
      queries = added("norm1", multiheadAttention(at.at("self_attn"), queries, heads));
      const attended = attendTokens(at.at("multihead_attn"), queries, read, { heads, unseen, drop });
      masks = attended.masks;
      queries = added("norm2", attended.read);
      const hidden = drop(relu(linear(at.at("linear1"), queries, 4 * width)));
      queries = added("norm3", linear(at.at("linear2"), hidden, width));
    }
    return { masks: masks!, classes: linear(scope.at("class_embed"), queries, 2) };
  });
}

interface TokenReading {
  readonly heads: number;
  readonly unseen: Tensor | undefined;
  /** What training does to weights of attention. */
  readonly drop: (weights: Tensor) => Tensor;
}

/** queries (N or 1, classes, width) read x (N, tokens, width): what they read, (N, classes, width), and how much of which token. */
function attendTokens(
  scope: Scope,
  queries: Tensor,
  x: Tensor,
  { heads, unseen, drop }: TokenReading,
): { readonly read: Tensor; readonly masks: Tensor } {
  return scope.run(() => {
    const [n, , width] = x.shape as [Dim, Dim, number];
    const classes = queries.shape[1]!;
    const part = (name: string, of: Tensor) => byHead(linear(scope.at(name), of, width), heads);
    const query = mul(part("q", queries), (width / heads) ** -0.5); // (N or 1, heads, classes, width / heads)
    const scores = matMul(query, part("k", x), { transposeB: true }); // (N, heads, classes, tokens)
    const weights = drop(softmax(unseen === undefined ? scores : add(scores, unseen)));
    const mixed = transpose(matMul(weights, part("v", x)), [0, 2, 1, 3]); // (N, classes, heads, width / heads)
    return { read: linear(scope.at("proj"), reshape(mixed, [n, classes, width]), width), masks: reduceMean(scores, 1) };
  });
}
