// Swin (Liu et al., ICCV 2021): attention inside windows, moved by half a window in every second block, on maps that get smaller and wider.
// Reproduces huggingface/pytorch-image-models, timm/models/swin_transformer.py; the official code is microsoft/Swin-Transformer.
import { add, gather, reduceMean, reshape, transpose, wholes } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import { selfAttention } from "../../nn/attention.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, linear, TRUNCATED_NORMAL_002 } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { patchEmbed, tokensOf } from "../../nn/patch-embed.ts";
import { DENSE } from "../../nn/tokens/reduction.ts";
import { planReduction } from "../../nn/tokens/systems.ts";
import { type SmallerMap, shrinkWindows } from "../../nn/tokens/window-steps.ts";
import { residualBlock, risingRates } from "../../nn/transformer-block.ts";
import { byWindow, type Order, type OrderedTokens, Reordering, rowByRow } from "../../nn/windows.ts";
import type { Extent } from "../image-size.ts";
import { type StageGeometry, type SwinConfig, stageGeometry, tokenModel } from "./config.ts";
import { biasTableFor, bySquare, relativePositions, shiftMask } from "./windows.ts";

const EPSILON = 1e-5;
const STILL: Extent = { height: 0, width: 0 };

/** image (N, 3, H, W) -> logits (N, num_classes) and features (N, last width). */
export function swin(
  scope: Scope,
  image: Tensor,
  config: SwinConfig,
  mode: Mode,
): { readonly logits: Tensor; readonly features: Tensor } {
  const { windows: smallerAt } = config.tokens === undefined ? DENSE : planReduction(config.tokens, tokenModel(config));
  const reordering = new Reordering(scope.graph);
  const stages = stageGeometry(config).map((geometry) => layOut(scope.graph, geometry));
  const stem = scope.at("patch_embed");
  const patches = tokensOf(patchEmbed(stem, image, config.embed_dim, config.patch_size)); // (N, h * w, embed_dim)
  let state: OrderedTokens = { tokens: layerNorm(stem.at("norm"), patches, EPSILON), order: stages[0]!.rows };
  const rates = risingRates(
    config.depths.reduce((a, b) => a + b, 0),
    config.drop_path_rate,
  );
  let done = 0;
  config.depths.forEach((depth, i) => {
    const layer = scope.at("layers", i);
    let stage = stages[i]!;
    const { rows } = stage;
    let smaller: SmallerMap | undefined;
    if (i > 0) state = merge(layer.at("downsample"), state, stages[i - 1]!, stage, reordering);
    for (let block = 0; block < depth; block++) {
      const step = smallerAt?.get(done);
      if (step !== undefined) {
        smaller = shrinkWindows(step, state, stage.map, stage.window, reordering);
        state = smaller.state;
        stage = layOut(scope.graph, smallerWindows(stage, smaller.map, step.to), stage.window);
      }
      state = swinBlock(layer.at("blocks", block), state, {
        stage,
        windows: block % 2 === 0 ? stage.still : stage.shifted,
        dropPath: rates[done++]!,
        config,
        mode,
        reordering,
      });
    }
    if (smaller !== undefined) state = smaller.restore(state);
    const after = state;
    scope.layer(`stage.${i + 1}`, () => reordering.to(rows, after)); // (N, h * w, width)
  });
  const normal = layerNorm(scope.at("norm"), state.tokens, EPSILON); // (N, tokens, last width)
  scope.layer("tokens", normal);
  const features = reduceMean(normal, 1); // (N, last width)
  const dropped = mode.dropout(features, config.drop_rate);
  return { logits: linear(scope.at("head", "fc"), dropped, config.num_classes), features };
}

/** A way to cut a stage's map into windows. */
interface Windows {
  readonly order: Order;
  /** (windows, 1, area, area): keeps apart what the shift brought together; absent where nothing is shifted. */
  readonly mask?: Tensor;
}

/** What all blocks of a stage share. */
interface Stage extends StageGeometry {
  readonly rows: Order;
  readonly still: Windows;
  readonly shifted: Windows;
  /** The window that bias tables are for. */
  readonly learned: Extent;
  /** (area * area): row of the bias table for each pair of cells. */
  readonly pairs: Tensor;
}

/** A stage whose windows have become smaller ones, moved by half of their own size where the larger ones were moved. */
function smallerWindows(stage: StageGeometry, map: Extent, window: Extent): StageGeometry {
  const shift = {
    height: stage.shift.height === 0 ? 0 : Math.floor(window.height / 2),
    width: stage.shift.width === 0 ? 0 : Math.floor(window.width / 2),
  };
  return { ...stage, map, window, shift };
}

function layOut(graph: Graph, geometry: StageGeometry, learned = geometry.window): Stage {
  const { map, window, shift } = geometry;
  const still: Windows = { order: byWindow(map, window, STILL) };
  const isShifted = shift.height > 0 || shift.width > 0;
  const pairs = relativePositions(window);
  return {
    ...geometry,
    learned,
    rows: rowByRow(map),
    still,
    shifted: isShifted ? { order: byWindow(map, window, shift), mask: shiftMask(graph, map, window, shift) } : still,
    pairs: wholes(graph, pairs),
  };
}

/** Four cells become one of twice the width: tokens (N, h * w, C) -> (N, h/2 * w/2, 2 C). */
function merge(scope: Scope, state: OrderedTokens, from: Stage, to: Stage, reordering: Reordering): OrderedTokens {
  const squares = reordering.to(bySquare(from.map), state); // (N, 4 * h/2 * w/2, C)
  const { height, width } = to.map;
  const joined = reshape(squares, [squares.shape[0]!, height * width, 4 * fixedWidth(squares)]);
  const normal = layerNorm(scope.at("norm"), joined, EPSILON);
  return { tokens: linear(scope.at("reduction"), normal, to.width, { bias: false }), order: to.rows };
}

interface SwinBlockOptions {
  readonly stage: Stage;
  readonly windows: Windows;
  readonly dropPath: number;
  readonly config: SwinConfig;
  readonly mode: Mode;
  readonly reordering: Reordering;
}

/** Windowed attention and then a perceptron are added. */
function swinBlock(scope: Scope, state: OrderedTokens, options: SwinBlockOptions): OrderedTokens {
  const { stage, windows, dropPath, config, mode, reordering } = options;
  // Padding must not be normalised with the rest, nor stay among the tokens: then only what attention reads is reordered.
  const order = windows.order.includes(-1) ? stage.rows : windows.order;
  const x = scope.run(() => reordering.to(order, state));
  const block = { mlpRatio: config.mlp_ratio, epsilon: EPSILON, dropPath, mode };
  const tokens = residualBlock(scope, x, block, (normal) => {
    const inWindows = reordering.to(windows.order, { tokens: normal, order });
    const attended = windowAttention(scope.at("attn"), inWindows, stage, windows.mask, config);
    return reordering.to(order, { tokens: attended, order: windows.order });
  });
  return { tokens, order };
}

/** tokens (N, windows * area, width) -> the same shape. */
function windowAttention(
  scope: Scope,
  tokens: Tensor,
  stage: Stage,
  mask: Tensor | undefined,
  config: SwinConfig,
): Tensor {
  const { window, heads, width } = stage;
  const area = window.height * window.width;
  const [n, places] = tokens.shape as [Dim, number];
  return scope.run(() => {
    const near = positionBias(scope, stage); // (heads, area, area)
    const adjustScores = (scores: Tensor) => {
      if (mask === undefined) return add(scores, near);
      const byPicture = reshape(scores, [n, places / area, heads, area, area]);
      return reshape(add(byPicture, add(mask, near)), scores.shape);
    };
    const rows = reshape(tokens, [-1, area, width]); // (N * windows, area, width)
    const attended = selfAttention(scope, rows, heads, { qkvBias: config.qkv_bias, adjustScores });
    return reshape(attended, [n, places, width]);
  });
}

/** (heads, area, area): a learned bias for each way in which two cells of a window can lie to each other. */
function positionBias(scope: Scope, { window, learned, heads, pairs }: Stage): Tensor {
  const area = window.height * window.width;
  const distances = (2 * learned.height - 1) * (2 * learned.width - 1);
  const table = scope.parameter("relative_position_bias_table", [distances, heads], TRUNCATED_NORMAL_002);
  return transpose(reshape(gather(biasTableFor(table, learned, window), pairs, 0), [area, area, heads]), [2, 0, 1]);
}
