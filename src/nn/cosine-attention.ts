// Attention inside windows by the cosine of queries and keys, with position biases that a small network makes of distances (Liu et al., "Swin Transformer V2", CVPR 2022).
// Reproduces microsoft/Swin-Transformer, models/swin_transformer_v2.py WindowAttention; names as there.
import {
  add,
  div,
  exp,
  maximum,
  minimum,
  mul,
  reduceSum,
  relu,
  reshape,
  sigmoid,
  slice,
  sqrt,
  values,
} from "../graph/build.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { attend, byHead } from "./attention.ts";
import { affine, fixedWidth, linear, TRUNCATED_NORMAL_002 } from "./linear.ts";
import { byPair, withBiases } from "./shifted-windows.ts";
import type { TokenGrid } from "./windows.ts";

/** Scores are at most a hundred times the cosine. */
const MOST_SCALE = Math.log(100);
/** Below this length a vector has no direction, as in PyTorch's normalize(). */
const SHORTEST = 1e-12;
/** Neurons of the network that makes position biases. */
const BIAS_NEURONS = 512;

export interface CosineAttentionOptions {
  /** In cells. */
  readonly window: TokenGrid;
  /** The window that biases are for, where this one is smaller on the way. Default: the window. */
  readonly learned?: TokenGrid;
  /** Side of the windows that biases were learnt in; 0 for `learned`'s own. Default 0. */
  readonly pretrained?: number;
  readonly heads: number;
  /** (windows, 1, area, area), added to the scores. */
  readonly mask?: Tensor;
  /** Default true. */
  readonly qkvBias?: boolean;
  /** Added to lengths that are divided by, in place of a shortest one. */
  readonly lengthMargin?: number;
}

/** tokens (N, windows * area, width), window by window -> the same shape. */
export function cosineAttention(scope: Scope, tokens: Tensor, options: CosineAttentionOptions): Tensor {
  const { window, learned = window, pretrained = 0, heads, mask, qkvBias = true, lengthMargin } = options;
  const width = fixedWidth(tokens);
  const area = window.height * window.width;
  return scope.run(() => {
    const scale = scope.parameter("logit_scale", [heads, 1, 1], { kind: "constant", value: Math.log(10) });
    // Keys have no bias: it would be the same for all cells before their lengths are taken.
    const [queryBias, valueBias] = ["q_bias", "v_bias"].map((name) =>
      qkvBias ? scope.parameter(name, [width], { kind: "zeros" }) : undefined,
    );
    const near = mul(sigmoid(byPair(biasTable(scope, { window, learned }, pretrained, heads), window)), 16); // (heads, area, area)
    const weight = scope.at("qkv").parameter("weight", [3 * width, width], TRUNCATED_NORMAL_002);
    const rows = reshape(tokens, [-1, area, width]); // (N * windows, area, width)
    const part = (i: number, bias?: Tensor) =>
      byHead(affine(rows, slice(weight, 0, i * width, (i + 1) * width), bias), heads);
    const query = part(0, queryBias); // (N * windows, heads, area, width / heads)
    const key = part(1);
    const factor = div(exp(minimum(scale, MOST_SCALE)), lengthOf(query, lengthMargin)); // (N * windows, heads, area, 1)
    const adjustScores = withBiases(near, mask, tokens);
    const read = attend(mul(query, factor), div(key, lengthOf(key, lengthMargin)), part(2, valueBias), adjustScores);
    return reshape(linear(scope.at("proj"), read, width), tokens.shape);
  });
}

/** x (…, w) -> (…, 1). Never zero: windows that stick out of the map hold zeros, which are to stay zeros. */
function lengthOf(x: Tensor, margin: number | undefined): Tensor {
  const length = sqrt(maximum(reduceSum(mul(x, x), -1, { keepDims: true }), SHORTEST ** 2));
  return margin === undefined ? length : add(length, margin);
}

interface Sides {
  readonly window: TokenGrid;
  readonly learned: TokenGrid;
}

/** (distances, heads): what the network makes of each distance in the window. */
function biasTable(scope: Scope, sides: Sides, pretrained: number, heads: number): Tensor {
  const distances = distancesOf(sides, pretrained);
  const points = values(scope.graph, [distances.length / 2, 2], distances);
  const network = scope.at("cpb_mlp");
  const hidden = relu(linear(network.at(0), points, BIAS_NEURONS)); // (distances, 512)
  return linear(network.at(2), hidden, heads, { bias: false });
}

/**
 * Rows of (down, across): distances as logarithms, 1 where a window would end that is eight times as large as the one that biases were learnt in. Windows that
 * became smaller on the way see their cells as far apart as in the larger one, where v1 reads between the rows of its table (shifted-windows.ts biasTableFor).
 */
export function distancesOf({ window, learned }: Sides, pretrained: number): readonly number[] {
  const key = JSON.stringify([window.height, window.width, learned.height, learned.width, pretrained]);
  const known = knownDistances.get(key);
  if (known !== undefined) return known;
  const along = (side: number, old: number) => {
    const step = (2 * old - 1) / (2 * side - 1);
    const reach = Math.max((pretrained > 0 ? pretrained : old) - 1, 1);
    return Array.from({ length: 2 * side - 1 }, (_, i) => {
      const distance = (8 * (i - (side - 1)) * step) / reach;
      return (Math.sign(distance) * Math.log2(Math.abs(distance) + 1)) / Math.log2(8);
    });
  };
  const across = along(window.width, learned.width);
  const distances = along(window.height, learned.height).flatMap((y) => across.flatMap((x) => [y, x]));
  knownDistances.set(key, distances);
  return distances;
}

/** By windows: every block of a stage asks for them. */
const knownDistances = new Map<string, readonly number[]>();
