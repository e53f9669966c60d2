// Swin (Liu et al., ICCV 2021): attention inside windows, moved by half a window in every second block, on maps that get smaller and wider.
// Reproduces huggingface/pytorch-image-models, timm/models/swin_transformer.py; the official code is microsoft/Swin-Transformer.
import { add, constant, gather, reduceMean, reshape, transpose } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { selfAttention } from "../../nn/attention.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, linear, TRUNCATED_NORMAL_002 } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { patchEmbed, tokensOf } from "../../nn/patch-embed.ts";
import { residualBlock, risingRates } from "../../nn/transformer-block.ts";
import { tensor } from "../../tensor.ts";
import type { Extent } from "../image-size.ts";
import { type StageGeometry, type SwinConfig, stageGeometry } from "./config.ts";
import {
  bySquare,
  byWindow,
  type OrderedTokens,
  Reordering,
  relativePositions,
  rowByRow,
  shiftMask,
} from "./windows.ts";

const EPSILON = 1e-5;
const STILL: Extent = { height: 0, width: 0 };

/** image (N, 3, H, W) -> logits (N, num_classes) and features (N, last width). */
export function swin(
  scope: Scope,
  image: Tensor,
  config: SwinConfig,
  mode: Mode,
): { readonly logits: Tensor; readonly features: Tensor } {
  const reordering = new Reordering(scope.graph);
  const geometry = stageGeometry(config);
  const stem = scope.at("patch_embed");
  const patches = tokensOf(patchEmbed(stem, image, config.embed_dim, config.patch_size)); // (N, h * w, embed_dim)
  let state: OrderedTokens = {
    tokens: layerNorm(stem.at("norm"), patches, EPSILON),
    order: rowByRow(geometry[0]!.map),
  };
  const rates = risingRates(
    config.depths.reduce((a, b) => a + b, 0),
    config.drop_path_rate,
  );
  let done = 0;
  config.depths.forEach((depth, i) => {
    const layer = scope.at("layers", i);
    const stage = geometry[i]!;
    if (i > 0) state = merge(layer.at("downsample"), state, geometry[i - 1]!.map, stage, reordering);
    for (let block = 0; block < depth; block++)
      state = swinBlock(layer.at("blocks", block), state, {
        stage,
        shift: block % 2 === 0 ? STILL : stage.shift,
        dropPath: rates[done++]!,
        config,
        mode,
        reordering,
      });
  });
  const features = reduceMean(layerNorm(scope.at("norm"), state.tokens, EPSILON), 1); // (N, last width)
  const dropped = mode.dropout(features, config.drop_rate);
  return { logits: linear(scope.at("head", "fc"), dropped, config.num_classes), features };
}

/** Four cells become one of twice the width: tokens (N, h * w, C) -> (N, h/2 * w/2, 2 C). */
function merge(
  scope: Scope,
  state: OrderedTokens,
  map: Extent,
  stage: StageGeometry,
  reordering: Reordering,
): OrderedTokens {
  const squares = reordering.to(bySquare(map), state); // (N, 4 * h/2 * w/2, C)
  const { height, width } = stage.map;
  const joined = reshape(squares, [squares.shape[0]!, height * width, 4 * fixedWidth(squares)]);
  const normal = layerNorm(scope.at("norm"), joined, EPSILON);
  return { tokens: linear(scope.at("reduction"), normal, stage.width, { bias: false }), order: rowByRow(stage.map) };
}

interface SwinBlockOptions {
  readonly stage: StageGeometry;
  readonly shift: Extent;
  readonly dropPath: number;
  readonly config: SwinConfig;
  readonly mode: Mode;
  readonly reordering: Reordering;
}

/** Windowed attention and then a perceptron are added. */
function swinBlock(scope: Scope, state: OrderedTokens, options: SwinBlockOptions): OrderedTokens {
  const { stage, shift, dropPath, config, mode, reordering } = options;
  const windows = byWindow(stage.map, stage.window, shift);
  // Padding must not be normalised with the rest, nor stay among the tokens: then only what attention reads is reordered.
  const order = windows.includes(-1) ? rowByRow(stage.map) : windows;
  const x = scope.run(() => reordering.to(order, state));
  const block = { mlpRatio: config.mlp_ratio, epsilon: EPSILON, dropPath, mode };
  const tokens = residualBlock(scope, x, block, (normal) => {
    const inWindows = reordering.to(windows, { tokens: normal, order });
    const attended = windowAttention(scope.at("attn"), inWindows, stage, shift, config);
    return reordering.to(order, { tokens: attended, order: windows });
  });
  return { tokens, order };
}

/** tokens (N, windows * area, width) -> the same shape. */
function windowAttention(
  scope: Scope,
  tokens: Tensor,
  stage: StageGeometry,
  shift: Extent,
  config: SwinConfig,
): Tensor {
  const { window, heads, width, map } = stage;
  const area = window.height * window.width;
  const [n, places] = tokens.shape as [Dim, number];
  const windows = places / area;
  const isShifted = shift.height > 0 || shift.width > 0;
  return scope.run(() => {
    const near = positionBias(scope, window, heads); // (heads, area, area)
    const bias = isShifted ? add(shiftMask(scope.graph, map, window, shift), near) : near; // ([windows,] heads, area, area)
    const rows = reshape(tokens, [-1, area, width]); // (N * windows, area, width)
    const attended = selfAttention(scope, rows, heads, {
      qkvBias: config.qkv_bias,
      adjustScores: (scores) =>
        isShifted
          ? reshape(add(reshape(scores, [n, windows, heads, area, area]), bias), scores.shape)
          : add(scores, bias),
    });
    return reshape(attended, [n, places, width]);
  });
}

/** (heads, area, area): a learned bias for each way in which two cells of a window can lie to each other. */
function positionBias(scope: Scope, window: Extent, heads: number): Tensor {
  const area = window.height * window.width;
  const distances = (2 * window.height - 1) * (2 * window.width - 1);
  const table = scope.parameter("relative_position_bias_table", [distances, heads], TRUNCATED_NORMAL_002);
  const index = tensor("int64", [area * area], BigInt64Array.from(relativePositions(window), BigInt));
  const pairs = gather(table, constant(scope.graph, index), 0); // (area * area, heads)
  return transpose(reshape(pairs, [area, area, heads]), [2, 0, 1]);
}
