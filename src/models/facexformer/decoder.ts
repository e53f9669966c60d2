// What the decoder's tokens and the picture's cells tell each other (Segment Anything's two-way transformer, Kirillov et al., ICCV 2023, with rectifiers). Reproduces
// Kartik-3004/facexformer, network/models/transformer.py.
import { add, concat, cos, matMul, mul, relu, sin, values } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { attend, byHead } from "../../nn/attention.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, torchLinear } from "../../nn/linear.ts";
import type { TokenGrid } from "../../nn/windows.ts";
import type { FacexformerConfig } from "./config.ts";

const EPSILON = 1e-5;

/** What attention between tokens and cells does its products with, of all channels. */
const NARROWED = 2;

export interface Told {
  /** (N, tokens, dim) */
  readonly tokens: Tensor;
  /** (N, cells, dim) */
  readonly cells: Tensor;
}

/**
 * @param asked what is asked, (N or 1, tokens, dim): it also says of every layer's tokens which they are
 * @param cells (N, cells, dim)
 * @param places where the cells are, (1, cells, dim)
 */
export function twoWay(scope: Scope, asked: Tensor, cells: Tensor, places: Tensor, config: FacexformerConfig): Told {
  const { decoder_depth: depth, decoder_heads: heads, mlp_dim } = config;
  const norm = (at: Scope, x: Tensor) => layerNorm(at, x, EPSILON);
  let tokens = asked;
  let keys = cells;
  for (let i = 0; i < depth; i++) {
    const layer = scope.at("layers", i);
    // The first layer's tokens are what is asked and nothing else.
    const named = i === 0 ? tokens : add(tokens, asked);
    const among = attention(layer.at("self_attn"), { query: named, key: named, value: tokens }, heads, 1);
    tokens = norm(layer.at("norm1"), i === 0 ? among : add(tokens, among));
    const query = add(tokens, asked);
    const key = add(keys, places);
    const read = attention(layer.at("cross_attn_token_to_image"), { query, key, value: keys }, heads, NARROWED);
    tokens = norm(layer.at("norm2"), add(tokens, read));
    const hidden = relu(torchLinear(layer.at("mlp", "lin1"), tokens, mlp_dim));
    tokens = norm(layer.at("norm3"), add(tokens, torchLinear(layer.at("mlp", "lin2"), hidden, fixedWidth(tokens))));
    const back = { query: key, key: add(tokens, asked), value: tokens };
    keys = norm(layer.at("norm4"), add(keys, attention(layer.at("cross_attn_image_to_token"), back, heads, NARROWED)));
  }
  const last = { query: add(tokens, asked), key: add(keys, places), value: keys };
  const read = attention(scope.at("final_attn_token_to_image"), last, heads, NARROWED);
  return { tokens: norm(scope.at("norm_final_attn"), add(tokens, read)), cells: keys };
}

interface Asking {
  /** (n, queries, dim) */
  readonly query: Tensor;
  /** (n, keys, dim) */
  readonly key: Tensor;
  readonly value: Tensor;
}

/** (n, queries, dim), by products of `dim / narrowed` channels. */
function attention(scope: Scope, { query, key, value }: Asking, heads: number, narrowed: number): Tensor {
  return scope.run(() => {
    const dim = fixedWidth(query);
    const inner = dim / narrowed;
    const part = (name: string, x: Tensor) => byHead(torchLinear(scope.at(name), x, inner), heads);
    const scaled = mul(part("q_proj", query), (inner / heads) ** -0.5);
    return torchLinear(scope.at("out_proj"), attend(scaled, part("k_proj", key), part("v_proj", value)), dim);
  });
}

/** Where the cells of a map are, row by row: (1, cells, dim), sines and cosines of random waves over the map, which are a part of the weights. */
export function randomWaves(scope: Scope, { height, width }: TokenGrid, dim: number): Tensor {
  return scope.run(() => {
    const waves = scope.buffer("positional_encoding_gaussian_matrix", [2, dim / 2], { kind: "normal", std: 1 });
    const middle = (place: number, size: number) => (2 * (place + 0.5)) / size - 1;
    const places = Array.from({ length: height * width }, (_, cell) => [
      middle(cell % width, width),
      middle(Math.floor(cell / width), height),
    ]);
    const angles = mul(matMul(values(scope.graph, [1, height * width, 2], places.flat()), waves), 2 * Math.PI);
    return concat([sin(angles), cos(angles)], 2);
  });
}
