// Swin as torchvision has it (torchvision/models/swin_transformer.py), with its names, as far as FaceXFormer reads it: the maps of its four stages.
import { add, concat, gelu, reshape } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { selfAttention } from "../../nn/attention.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, linear, torchDefault } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { tokensOf } from "../../nn/patch-embed.ts";
import { positionBias, shiftMask, withBiases } from "../../nn/shifted-windows.ts";
import { risingRates } from "../../nn/transformer-block.ts";
import { byWindow, type Order, Reordering, rowByRow, type TokenGrid } from "../../nn/windows.ts";
import { gridOf } from "../image-size.ts";
import { type FacexformerConfig, PATCH } from "./config.ts";

const EPSILON = 1e-5;
const MLP_RATIO = 4;

/** Tokens (N, h * w, width) of a map, row by row. */
export interface StageTokens {
  readonly tokens: Tensor;
  readonly map: TokenGrid;
}

/** image (N, 3, H, W) -> what is behind each stage: a quarter of the size, an eighth, … */
export function stageTokens(scope: Scope, image: Tensor, config: FacexformerConfig, mode: Mode): StageTokens[] {
  const { embed_dim, depths, num_heads, window_size: side, drop_path_rate } = config;
  const start = torchDefault(channelsOf(image) * PATCH * PATCH);
  const patches = conv2d(scope.at(0, 0), image, embed_dim, PATCH, {
    ...{ stride: PATCH, padding: 0, bias: true, weightInit: start, biasInit: start },
  });
  const reordering = new Reordering(scope.graph);
  const rates = risingRates(
    depths.reduce((a, b) => a + b, 0),
    drop_path_rate,
  );
  let tokens = layerNorm(scope.at(0, 2), tokensOf(patches), EPSILON);
  let map: TokenGrid = gridOf(config.img_size, PATCH);
  let done = 0;
  return depths.map((depth, stage) => {
    if (stage > 0) {
      tokens = merge(scope.at(2 * stage), { tokens, map }, reordering);
      map = { height: map.height / 2, width: map.width / 2 };
    }
    const windows = layOut(scope, map, side);
    for (let i = 0; i < depth; i++) {
      const dropPath = rates[done++]!;
      const moved = i % 2 === 1 ? windows.shifted : windows.still;
      tokens = block(scope.at(2 * stage + 1, i), tokens, {
        ...windows,
        ...moved,
        heads: num_heads[stage]!,
        dropPath,
        mode,
        reordering,
      });
    }
    return { tokens, map };
  });
}

interface Windows {
  readonly order: Order;
  readonly mask?: Tensor;
}

function layOut(scope: Scope, map: TokenGrid, side: number) {
  const window = { height: side, width: side };
  const still: Windows = { order: byWindow(map, window) };
  // A side that is one window long is not moved.
  const by = (size: number) => (size <= side ? 0 : Math.floor(side / 2));
  const shift = { height: by(map.height), width: by(map.width) };
  const isMoved = shift.height > 0 || shift.width > 0;
  const shifted: Windows = isMoved
    ? { order: byWindow(map, window, shift), mask: shiftMask(scope.graph, map, window, shift) }
    : still;
  return { window, rows: rowByRow(map), still, shifted };
}

interface BlockOptions extends Windows {
  readonly window: TokenGrid;
  readonly rows: Order;
  readonly heads: number;
  readonly dropPath: number;
  readonly mode: Mode;
  readonly reordering: Reordering;
}

/** tokens (N, h * w, width) -> the same shape: attention inside windows and then a perceptron are added. */
function block(scope: Scope, tokens: Tensor, options: BlockOptions): Tensor {
  const { window, rows, order, mask, heads, dropPath, mode, reordering } = options;
  return scope.run(() => {
    const kept = (update: Tensor) => mode.dropPath(update.graph, update, dropPath, tokens.shape[0]!);
    const width = fixedWidth(tokens);
    const at = scope.at("attn");
    const normal = reordering.to(order, { tokens: layerNorm(scope.at("norm1"), tokens, EPSILON), order: rows });
    const cut = reshape(normal, [-1, window.height * window.width, width]); // (N * windows, area, width)
    const adjustScores = withBiases(positionBias(at, window, heads), mask, normal);
    const attended = reshape(selfAttention(at, cut, heads, { adjustScores }), normal.shape);
    const mixed = add(tokens, kept(reordering.to(rows, { tokens: attended, order })));
    const hidden = gelu(linear(scope.at("mlp", 0), layerNorm(scope.at("norm2"), mixed, EPSILON), MLP_RATIO * width));
    return add(mixed, kept(linear(scope.at("mlp", 3), hidden, width)));
  });
}

/** The four cells of every square of 2 x 2 become one, column by column: (N, h * w, C) -> (N, h/2 * w/2, 2 C). */
function merge(scope: Scope, { tokens, map }: StageTokens, reordering: Reordering): Tensor {
  const rows = rowByRow(map);
  const cells = (down: number, across: number) =>
    rows.filter((cell) => Math.floor(cell / map.width) % 2 === down && (cell % map.width) % 2 === across);
  return scope.run(() => {
    const quarters = [cells(0, 0), cells(1, 0), cells(0, 1), cells(1, 1)];
    const squares = concat(
      quarters.map((quarter) => reordering.to(quarter, { tokens, order: rows })),
      2,
    );
    const normal = layerNorm(scope.at("norm"), squares, EPSILON);
    return linear(scope.at("reduction"), normal, 2 * fixedWidth(tokens), { bias: false });
  });
}
