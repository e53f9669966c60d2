// Mask2Former's transformer decoder (Cheng et al., CVPR 2022; facebookresearch/Mask2Former, mask2former/modeling/transformer_decoder/mask2former_transformer_decoder.py):
// queries read the cells that are inside of what they took for their mask so far, one map after another, and say again what they are and where.
import {
  add,
  cast,
  expand,
  greaterOrEqual,
  less,
  matMul,
  mul,
  reduceMax,
  relu,
  reshape,
  resize,
  slice,
  stopGradient,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { MapSize } from "../../nn/deform-attention.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { linear, torchLinear } from "../../nn/linear.ts";
import { type MultiheadAttentionOptions, multiheadAttentionOf } from "../../nn/multihead-attention.ts";
import { sinePositions } from "../../nn/sine-positions.ts";
import type { HeadConfig } from "./config.ts";
import { type DecoderInput, EPSILON, xavier } from "./pixel-decoder.ts";

/** What the queries say. */
export interface Prediction {
  /** (N, num_queries, num_classes + 1), the last one "nothing". */
  readonly classLogits: Tensor;
  /** (N, num_queries, h, w), at a fourth of the picture's size. */
  readonly maskLogits: Tensor;
}

const NORMAL: Initializer = { kind: "normal", std: 1 };
/** Scores of cells that are not to be seen: their share is zero, also in half precision. */
const UNSEEN = -1e4;

/** One prediction before the first layer, and one after each. */
export function decode(scope: Scope, input: DecoderInput, config: HeadConfig): Prediction[] {
  const { conv_dim: width, num_queries, decoder_layers } = config;
  const batch = input.maskFeatures.shape[0]!;
  return scope.run(() => {
    const table = (name: string, rows: number) => scope.at(name).parameter("weight", [rows, width], NORMAL);
    const levels = table("level_embed", input.levels.length);
    const memory = input.levels.map((tokens, i) => {
      const value = add(tokens, reshape(slice(levels, 0, i, i + 1), [1, 1, width])); // (N, cells, width)
      const [height, columns] = input.sizes[i]!;
      return { value, key: add(value, sinePositions(scope.graph, { height, width: columns }, width)) };
    });
    const places = reshape(table("query_embed", num_queries), [1, num_queries, width]);
    let queries = expand(reshape(table("query_feat", num_queries), [1, num_queries, width]), [
      batch,
      num_queries,
      width,
    ]);
    const predictions = [predict(scope, queries, input, config)];
    for (let i = 0; i < decoder_layers; i++) {
      const level = i % memory.length;
      const seen = attentionMask(predictions.at(-1)!.maskLogits, input.sizes[level]!);
      queries = decoderLayer(scope, i, queries, { places, seen, ...memory[level]! }, config);
      predictions.push(predict(scope, queries, input, config));
    }
    return predictions;
  });
}

interface LayerInput {
  /** Added to queries where they are compared, (1, num_queries, width). */
  readonly places: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  /** What is added to the scores, (N, 1, num_queries, cells). */
  readonly seen: Tensor;
}

/** Reading the map comes first, then the queries read each other. */
function decoderLayer(
  scope: Scope,
  index: number,
  queries: Tensor,
  { places, key, value, seen }: LayerInput,
  { nheads, conv_dim: width, decoder_ffn }: HeadConfig,
): Tensor {
  const blocks: readonly [number, number][] = [[width, 3 * width]];
  const init: MultiheadAttentionOptions = {
    inInit: { kind: "xavierUniformBlocks", blocks },
    outInit: xavier(width, width),
  };
  const added = (at: Scope, to: Tensor, update: Tensor) => layerNorm(at.at("norm"), add(to, update), EPSILON);
  const cross = scope.at("transformer_cross_attention_layers", index);
  const read = multiheadAttentionOf(cross.at("multihead_attn"), { query: add(queries, places), key, value }, nheads, {
    ...init,
    adjustScores: (scores) => add(scores, seen),
  });
  const afterReading = added(cross, queries, read);
  const self = scope.at("transformer_self_attention_layers", index);
  const placed = add(afterReading, places);
  const exchanged = multiheadAttentionOf(
    self.at("self_attn"),
    { query: placed, key: placed, value: afterReading },
    nheads,
    init,
  );
  const afterExchange = added(self, afterReading, exchanged);
  const ffn = scope.at("transformer_ffn_layers", index);
  const hidden = relu(
    linear(ffn.at("linear1"), afterExchange, decoder_ffn, { weightInit: xavier(width, decoder_ffn) }),
  );
  const update = linear(ffn.at("linear2"), hidden, width, { weightInit: xavier(decoder_ffn, width) });
  return added(ffn, afterExchange, update);
}

function predict(scope: Scope, queries: Tensor, { maskFeatures }: DecoderInput, config: HeadConfig): Prediction {
  const { num_classes, conv_dim: width, mask_dim } = config;
  const normal = layerNorm(scope.at("decoder_norm"), queries, EPSILON);
  const classLogits = torchLinear(scope.at("class_embed"), normal, num_classes + 1);
  const layer = (i: number, x: Tensor, features: number) =>
    torchLinear(scope.at("mask_embed", "layers", i), x, features);
  const embedding = layer(2, relu(layer(1, relu(layer(0, normal, width)), width)), mask_dim); // (N, num_queries, mask_dim)
  const [n, , h, w] = maskFeatures.shape as [Dim, Dim, number, number];
  const flat = matMul(embedding, reshape(maskFeatures, [n, mask_dim, h * w]));
  return { classLogits, maskLogits: reshape(flat, [n, queries.shape[1]!, h, w]) };
}

/**
 * What is added to a layer's scores: a query does not see the cells that its mask so far leaves out, unless that were all of them.
 *
 * @param masks (N, num_queries, h, w)
 * @returns (N, 1, num_queries, cells)
 */
function attentionMask(masks: Tensor, [height, width]: MapSize): Tensor {
  const [n, queries] = masks.shape as [Dim, Dim];
  const small = reshape(resize(stopGradient(masks), [height, width], "linear"), [n, 1, queries, height * width]);
  const isOut = cast(less(small, 0), "float32"); // a sigmoid below one half
  const hasAny = cast(greaterOrEqual(reduceMax(small, 3, { keepDims: true }), 0), "float32");
  return mul(mul(isOut, hasAny), UNSEEN);
}
