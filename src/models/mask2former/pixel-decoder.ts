// Mask2Former's pixel decoder (facebookresearch/Mask2Former, mask2former/modeling/pixel_decoder/msdeformattn.py): layers of deformable attention over the three
// coarser maps, and a finer one for the masks. And ECO's gate (Yao et al., "Efficient Transformer Encoders for Mask2Former-style models", 2024), which says
// by a look at the coarsest map how many of those layers a picture needs.
import {
  add,
  argMax,
  concat,
  equal,
  expand,
  reduceMean,
  relu,
  reshape,
  resize,
  slice,
  transpose,
  values,
  where,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { conv2d } from "../../nn/conv.ts";
import { deformableAttention, type MapSize } from "../../nn/deform-attention.ts";
import { groupNorm } from "../../nn/group-norm.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedDim, linear, torchLinear } from "../../nn/linear.ts";
import { tokensOf } from "../../nn/patch-embed.ts";
import { sinePositions } from "../../nn/sine-positions.ts";
import { FIRST_EXIT, GROUPS, type HeadConfig } from "./config.ts";

/** Of all layer normalisations. */
export const EPSILON = 1e-5;

export const xavier = (fanIn: number, fanOut: number): Initializer => ({
  kind: "xavierUniformBlocks",
  blocks: [[fanIn, fanOut]],
});

/** The coarser maps as the encoder reads them. */
export interface EncoderInput {
  /** (N, cells of all maps, conv_dim), the coarsest map first, row by row. */
  readonly tokens: Tensor;
  /** What is added to queries: the cells' positions and their map's embedding, (1, cells, conv_dim). */
  readonly positions: Tensor;
  /** Of the maps, the coarsest first. */
  readonly sizes: readonly MapSize[];
}

export const sizeOfMap = (map: Tensor): MapSize => [fixedDim(map, 2), fixedDim(map, 3)];

/** @param maps of the backbone, (N, channels, h, w), res5, res4, res3 */
export function projectMaps(scope: Scope, maps: readonly Tensor[], { conv_dim }: HeadConfig): Tensor {
  const projected = maps.map((map, i) => {
    const at = scope.at("input_proj", i);
    const weightInit = xavier(fixedDim(map, 1), conv_dim);
    return tokensOf(groupNorm(at.at(1), conv2d(at.at(0), map, conv_dim, 1, { bias: true, weightInit }), GROUPS));
  });
  return concat(projected, 1); // (N, cells, conv_dim)
}

/** (1, cells, conv_dim): what the encoder adds to its queries. */
export function encoderPositions(scope: Scope, sizes: readonly MapSize[], { conv_dim }: HeadConfig): Tensor {
  const table = scope.at("transformer").parameter("level_embed", [sizes.length, conv_dim], { kind: "normal", std: 1 });
  const levels = sizes.map(([height, width], i) => {
    const level = reshape(slice(table, 0, i, i + 1), [1, 1, conv_dim]);
    return add(sinePositions(scope.graph, { height, width }, conv_dim), level);
  });
  return concat(levels, 1);
}

/** Layer `index` of the encoder: tokens (N, cells, conv_dim) to the same shape. */
export function encoderLayer(
  scope: Scope,
  index: number,
  { tokens, positions, sizes }: EncoderInput,
  { nheads, points, encoder_ffn, conv_dim }: HeadConfig,
): Tensor {
  const at = scope.at("transformer", "encoder", "layers", index);
  return at.run(() => {
    const read = deformableAttention(at.at("self_attn"), add(tokens, positions), centres(tokens, sizes), tokens, {
      heads: nheads,
      points,
      sizes,
    });
    const mixed = layerNorm(at.at("norm1"), add(tokens, read), EPSILON);
    const hidden = relu(linear(at.at("linear1"), mixed, encoder_ffn, { weightInit: xavier(conv_dim, encoder_ffn) }));
    const update = linear(at.at("linear2"), hidden, conv_dim, { weightInit: xavier(encoder_ffn, conv_dim) });
    return layerNorm(at.at("norm2"), add(mixed, update), EPSILON);
  });
}

/** Where each cell is, the same for every map: (1, cells, maps, 2) as x, y in 0..1. */
function centres({ graph }: Tensor, sizes: readonly MapSize[]): Tensor {
  const cells = sizes.reduce((sum, [height, width]) => sum + height * width, 0);
  const places = new Float32Array(2 * cells);
  let at = 0;
  for (const [height, width] of sizes)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        places[at++] = (x + 0.5) / width;
        places[at++] = (y + 0.5) / height;
      }
  return expand(values(graph, [1, cells, 1, 2], places), [1, cells, sizes.length, 2]);
}

export interface Gate {
  /** One score an exit, (N, exits). */
  readonly logits: Tensor;
  /** How many encoder layers behind the first FIRST_EXIT each picture is to have, (N), int64. */
  readonly exit: Tensor;
}

/** ECO's gate. The released code takes one argmax over the whole batch, and so is right for one picture at a time only; here each picture has its own. */
export function gate(scope: Scope, tokens: Tensor, sizes: readonly MapSize[], { encoder_layers }: HeadConfig): Gate {
  const at = scope.at("transformer", "encoder", "gt");
  return at.run(() => {
    const [height, width] = sizes[0]!;
    const mean = reduceMean(slice(tokens, 1, 0, height * width), 1); // (N, conv_dim) of the coarsest map
    const logits = torchLinear(at.at("head"), mean, encoder_layers - FIRST_EXIT + 1);
    return { logits, exit: argMax(logits, 1) };
  });
}

/** The tokens of each picture's own exit: `after` holds those after FIRST_EXIT layers, after one more, and so on. */
export function tokensAtExit(after: readonly Tensor[], exit: Tensor): Tensor {
  const own = reshape(exit, [exit.shape[0]!, 1, 1]);
  return after.reduce((tokens, next, i) => where(equal(own, i), next, tokens));
}

/** What the decoder reads. */
export interface DecoderInput {
  /** The three maps as tokens (N, h * w, conv_dim), the coarsest first. */
  readonly levels: readonly Tensor[];
  readonly sizes: readonly MapSize[];
  /** (N, mask_dim, h, w), at a fourth of the picture's size. */
  readonly maskFeatures: Tensor;
}

/**
 * @param tokens (N, cells, conv_dim), as the encoder left them
 * @param finest the backbone's res2, (N, channels, h, w)
 */
export function finishPixels(
  scope: Scope,
  tokens: Tensor,
  finest: Tensor,
  sizes: readonly MapSize[],
  { conv_dim, mask_dim }: HeadConfig,
): DecoderInput {
  let first = 0;
  const levels = sizes.map(([height, width]) => {
    first += height * width;
    return slice(tokens, 1, first - height * width, first);
  });
  const normed = (name: string, map: Tensor, kernel: number) => {
    const at = scope.at(name);
    return at.run(() => groupNorm(at.at("norm"), conv2d(at, map, conv_dim, kernel), GROUPS));
  };
  const lateral = normed("adapter_1", finest, 1); // no activation
  const [height, width] = sizes.at(-1)!;
  const map = reshape(transpose(levels.at(-1)!, [0, 2, 1]), [tokens.shape[0] as Dim, conv_dim, height, width]);
  // Bilinear, although the official comment says nearest.
  const summed = add(lateral, resize(map, sizeOfMap(finest), "linear"));
  const fine = relu(normed("layer_1", summed, 3));
  return { levels, sizes, maskFeatures: conv2d(scope.at("mask_features"), fine, mask_dim, 1, { bias: true }) };
}
