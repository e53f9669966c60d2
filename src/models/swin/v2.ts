// Swin v2 (Liu et al., CVPR 2022): cosine attention, position biases that a small network makes of distances, and normalisation behind each half of a block.
// Reproduces microsoft/Swin-Transformer, models/swin_transformer_v2.py; names as in timm/models/swin_transformer_v2.py.
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
} from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { attend, byHead } from "../../nn/attention.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { affine, linear, TRUNCATED_NORMAL_002 } from "../../nn/linear.ts";
import { mlp } from "../../nn/mlp.ts";
import type { Mode } from "../../nn/mode.ts";
import { byPair, withBiases } from "../../nn/shifted-windows.ts";
import type { Swinv2Config } from "./config.ts";
import { EPSILON, type Member, swinNetwork } from "./model.ts";
import { byWindows, rolled, type Stage, type Windows } from "./stages.ts";

/** Scores are at most a hundred times the cosine. */
const MOST_SCALE = Math.log(100);
/** Below this length a vector has no direction, as in PyTorch's normalize(). */
const SHORTEST = 1e-12;
/** Neurons of the network that makes position biases. */
const BIAS_NEURONS = 512;
/** A normalised half of a block begins as nothing. */
const ZEROS = { kind: "zeros" } as const;

/** image (N, 3, H, W) -> logits (N, num_classes) and features (N, last width). */
export function swinv2(scope: Scope, image: Tensor, config: Swinv2Config, mode: Mode) {
  return swinNetwork(scope, image, config, mode, cosineWindows(config, mode));
}

const cosineWindows = (config: Swinv2Config, mode: Mode): Member => ({
  moving: rolled,
  merge(scope, squares, width) {
    return layerNorm(scope.at("norm"), linear(scope.at("reduction"), squares, width, { bias: false }), EPSILON);
  },
  block(scope, state, place) {
    const { stage, windows, index, dropPath } = place;
    return scope.run(() => {
      const { tokens, order, inWindows } = byWindows(state, place);
      const added = (x: Tensor, norm: "norm1" | "norm2", update: Tensor) => {
        const normal = layerNorm(scope.at(norm), update, EPSILON, ZEROS);
        return add(x, mode.dropPath(x.graph, normal, dropPath, x.shape[0]!));
      };
      const pretrained = config.pretrained_window_sizes?.[index] ?? 0;
      const attended = inWindows(tokens, (read) =>
        cosineAttention(scope.at("attn"), read, { stage, windows, pretrained, qkvBias: config.qkv_bias }),
      );
      const mixed = added(tokens, "norm1", attended);
      const after = added(mixed, "norm2", mlp(scope.at("mlp"), mixed, { ratio: config.mlp_ratio }));
      return { tokens: after, order };
    });
  },
});

interface CosineAttention {
  readonly stage: Stage;
  readonly windows: Windows;
  /** Side of the windows that biases were learnt in; 0 for the stage's own. */
  readonly pretrained: number;
  readonly qkvBias: boolean;
}

/** tokens (N, windows * area, width) -> the same shape. */
function cosineAttention(scope: Scope, tokens: Tensor, { stage, windows, pretrained, qkvBias }: CosineAttention) {
  const { window, heads, width } = stage;
  const area = window.height * window.width;
  return scope.run(() => {
    const scale = scope.parameter("logit_scale", [heads, 1, 1], { kind: "constant", value: Math.log(10) });
    // Keys have no bias: it would be the same for all cells before their lengths are taken.
    const [queryBias, valueBias] = ["q_bias", "v_bias"].map((name) =>
      qkvBias ? scope.parameter(name, [width], ZEROS) : undefined,
    );
    const near = mul(sigmoid(byPair(biasTable(scope, stage, pretrained), window)), 16); // (heads, area, area)
    const weight = scope.at("qkv").parameter("weight", [3 * width, width], TRUNCATED_NORMAL_002);
    const rows = reshape(tokens, [-1, area, width]); // (N * windows, area, width)
    const part = (i: number, bias?: Tensor) =>
      byHead(affine(rows, slice(weight, 0, i * width, (i + 1) * width), bias), heads);
    const query = part(0, queryBias); // (N * windows, heads, area, width / heads)
    const key = part(1);
    const factor = div(exp(minimum(scale, MOST_SCALE)), lengthOf(query)); // (N * windows, heads, area, 1)
    const adjustScores = withBiases(near, windows.mask, tokens);
    const read = attend(mul(query, factor), div(key, lengthOf(key)), part(2, valueBias), adjustScores);
    return reshape(linear(scope.at("proj"), read, width), tokens.shape);
  });
}

/** x (…, w) -> (…, 1). Never zero: windows that stick out of the map hold zeros, which are to stay zeros. */
function lengthOf(x: Tensor): Tensor {
  return sqrt(maximum(reduceSum(mul(x, x), -1, { keepDims: true }), SHORTEST ** 2));
}

/** (distances, heads): what the network makes of each distance in the window. */
function biasTable(scope: Scope, stage: Stage, pretrained: number): Tensor {
  const distances = distancesOf(stage, pretrained);
  const points = values(scope.graph, [distances.length / 2, 2], distances);
  const network = scope.at("cpb_mlp");
  const hidden = relu(linear(network.at(0), points, BIAS_NEURONS)); // (distances, 512)
  return linear(network.at(2), hidden, stage.heads, { bias: false });
}

/**
 * Rows of (down, across): distances as logarithms, 1 where a window would end that is eight times as large as the one that biases were learnt in. Windows that
 * became smaller on the way see their cells as far apart as in the larger one, where v1 reads between the rows of its table (windows.ts biasTableFor).
 */
export function distancesOf({ window, learned }: Pick<Stage, "window" | "learned">, pretrained: number): number[] {
  const along = (side: number, old: number) => {
    const step = (2 * old - 1) / (2 * side - 1);
    const reach = Math.max((pretrained > 0 ? pretrained : old) - 1, 1);
    return Array.from({ length: 2 * side - 1 }, (_, i) => {
      const distance = (8 * (i - (side - 1)) * step) / reach;
      return (Math.sign(distance) * Math.log2(Math.abs(distance) + 1)) / Math.log2(8);
    });
  };
  const across = along(window.width, learned.width);
  return along(window.height, learned.height).flatMap((y) => across.flatMap((x) => [y, x]));
}
