// Swin as a backbone of dense prediction (facebookresearch/Mask2Former, mask2former/modeling/backbone/swin.py): windows of one size whatever the map's, maps that are
// padded before they are rolled, and a normalised map of each stage.
import { concat, reshape, transpose } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { selfAttention } from "../../nn/attention.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, linear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { patchEmbed, tokensOf } from "../../nn/patch-embed.ts";
import { positionBias, shiftMask, withBiases } from "../../nn/shifted-windows.ts";
import { residualBlock, risingRates } from "../../nn/transformer-block.ts";
import { byWindowOfPadded, type Order, Reordering, rowByRow, type TokenGrid } from "../../nn/windows.ts";
import { gridOf } from "../image-size.ts";
import type { Mask2formerConfig } from "./config.ts";

const PATCH = 4;
/** Of all layer normalisations. */
const EPSILON = 1e-5;

/** image (N, 3, H, W) -> the maps of the four stages, (N, width, h, w), the largest first: a fourth of the picture's sides and so on. */
export function swinMaps(
  scope: Scope,
  image: Tensor,
  { img_size, backbone }: Pick<Mask2formerConfig, "img_size" | "backbone">,
  mode: Mode,
): Tensor[] {
  const { embed_dim, depths, num_heads, drop_path_rate } = backbone;
  const stem = scope.at("patch_embed");
  const patches = tokensOf(patchEmbed(stem, image, embed_dim, PATCH));
  const reordering = new Reordering(scope.graph);
  const rates = risingRates(
    depths.reduce((a, b) => a + b, 0),
    drop_path_rate,
  );
  let map: TokenGrid = gridOf(img_size, PATCH);
  let tokens = layerNorm(stem.at("norm"), patches, EPSILON); // (N, h * w, width)
  let done = 0;
  return depths.map((depth, index) => {
    if (index > 0) {
      const merging = scope.at("layers", index - 1, "downsample");
      tokens = mergeSquares(merging, tokens, map, embed_dim * 2 ** index, reordering);
      map = halved(map);
    }
    const layer = scope.at("layers", index);
    const stage = layOut(layer, map, backbone.window_size, num_heads[index]!);
    for (let block = 0; block < depth; block++) {
      const options = { mlpRatio: backbone.mlp_ratio, epsilon: EPSILON, dropPath: rates[done++]!, mode };
      const at = layer.at("blocks", block);
      tokens = residualBlock(at, tokens, options, (normal) =>
        windowedAttention(at.at("attn"), normal, stage, block % 2 === 1, reordering),
      );
    }
    const normal = layerNorm(scope.at(`norm${index}`), tokens, EPSILON);
    scope.layer(`res${index + 2}`, normal);
    const rows = reshape(normal, [tokens.shape[0]!, map.height, map.width, fixedWidth(tokens)]);
    return transpose(rows, [0, 3, 1, 2]);
  });
}

const halved = ({ height, width }: TokenGrid): TokenGrid => ({
  height: Math.ceil(height / 2),
  width: Math.ceil(width / 2),
});

/** What all blocks of a stage share. */
interface Stage {
  readonly heads: number;
  readonly window: TokenGrid;
  readonly rows: Order;
  readonly still: Order;
  readonly shifted: Order;
  readonly mask: Tensor;
}

function layOut(scope: Scope, map: TokenGrid, side: number, heads: number): Stage {
  const window = { height: side, width: side };
  const by = Math.floor(side / 2);
  const shift = { height: by, width: by };
  const none = { height: 0, width: 0 };
  return {
    heads,
    window,
    rows: rowByRow(map),
    still: byWindowOfPadded(map, window, none),
    shifted: byWindowOfPadded(map, window, shift),
    mask: shiftMask(scope.graph, map, window, shift),
  };
}

/** tokens (N, h * w, width), row by row, to the same. Padding is zeros behind the norm, and is attended to like any cell. */
function windowedAttention(
  scope: Scope,
  tokens: Tensor,
  { heads, window, rows, still, shifted, mask }: Stage,
  isShifted: boolean,
  reordering: Reordering,
): Tensor {
  return scope.run(() => {
    const order = isShifted ? shifted : still;
    const places = reordering.to(order, { tokens, order: rows }); // (N, windows * area, width)
    const area = window.height * window.width;
    const adjustScores = withBiases(positionBias(scope, window, heads), isShifted ? mask : undefined, places);
    const windows = reshape(places, [-1, area, fixedWidth(tokens)]); // (N * windows, area, width)
    const attended = selfAttention(scope, windows, heads, { adjustScores });
    return reordering.to(rows, { tokens: reshape(attended, places.shape), order });
  });
}

/** The cells of every 2 x 2 square beside each other, column by column, become one: (N, h * w, C) -> (N, h/2 * w/2, width). */
function mergeSquares(scope: Scope, tokens: Tensor, map: TokenGrid, width: number, reordering: Reordering): Tensor {
  return scope.run(() => {
    const { height, width: columns } = halved(map);
    const cell = (y: number, x: number) => (y < map.height && x < map.width ? y * map.width + x : -1);
    const quarter = (down: number, across: number): Order =>
      Int32Array.from({ length: height * columns }, (_, i) =>
        cell(2 * Math.floor(i / columns) + down, 2 * (i % columns) + across),
      );
    const parts = [quarter(0, 0), quarter(1, 0), quarter(0, 1), quarter(1, 1)];
    const rows = rowByRow(map);
    const squares = concat(
      parts.map((order) => reordering.to(order, { tokens, order: rows })),
      2,
    ); // (N, h/2 * w/2, 4 C)
    return linear(scope.at("reduction"), layerNorm(scope.at("norm"), squares, EPSILON), width, { bias: false });
  });
}
