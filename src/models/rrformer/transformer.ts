// SwinIR's body (Liang et al., 2021): groups of blocks whose attention looks inside windows, moved by half a window in every second block; a convolution and a
// shortcut around each group. Reproduces models/network_uhderrnet.py SwinIR of RRFormer's official code; its names.
import { add, reshape, transpose } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { selfAttention } from "../../nn/attention.ts";
import { conv2d } from "../../nn/conv.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import type { Mode } from "../../nn/mode.ts";
import { tokensOf } from "../../nn/patch-embed.ts";
import { positionBias, shiftMask, withBiases } from "../../nn/shifted-windows.ts";
import { residualBlock, risingRates } from "../../nn/transformer-block.ts";
import { byWindow, type Order, Reordering, rowByRow, type TokenGrid } from "../../nn/windows.ts";
import type { RrformerConfig } from "./config.ts";

const EPSILON = 1e-5;

/** What all blocks share. */
interface Layout {
  readonly map: TokenGrid;
  readonly window: TokenGrid;
  readonly rows: Order;
  readonly still: Order;
  readonly shifted: Order;
  /** (windows, 1, area, area) */
  readonly mask: Tensor;
}

/** map (N, embed_dim, h, w) -> the same shape; h and w are multiples of the window. */
export function swinir(scope: Scope, map: Tensor, config: RrformerConfig, mode: Mode): Tensor {
  const { depths, num_heads, window_size: side, drop_path_rate } = config;
  const [height, width] = map.shape.slice(2) as [number, number];
  const grid = { height, width };
  const window = { height: side, width: side };
  const shift = { height: side / 2, width: side / 2 };
  const layout: Layout = {
    map: grid,
    window,
    rows: rowByRow(grid),
    still: byWindow(grid, window),
    shifted: byWindow(grid, window, shift),
    mask: shiftMask(scope.graph, grid, window, shift),
  };
  const reordering = new Reordering(scope.graph);
  const rates = risingRates(
    depths.reduce((a, b) => a + b, 0),
    drop_path_rate,
  );
  let tokens = layerNorm(scope.at("patch_embed", "norm"), tokensOf(map), EPSILON); // (N, h * w, embed_dim), row by row
  let done = 0;
  depths.forEach((depth, index) => {
    const group = scope.at("layers", index);
    let x = tokens;
    let order = layout.rows;
    for (let i = 0; i < depth; i++) {
      const next = i % 2 === 0 ? layout.still : layout.shifted;
      x = reordering.to(next, { tokens: x, order });
      order = next;
      x = block(group.at("residual_group", "blocks", i), x, {
        layout,
        mask: i % 2 === 0 ? undefined : layout.mask,
        heads: num_heads[index]!,
        mlpRatio: config.mlp_ratio,
        dropPath: rates[done++]!,
        mode,
      });
    }
    const mixed = mapOf(reordering.to(layout.rows, { tokens: x, order }), grid); // (N, embed_dim, h, w)
    tokens = add(tokens, tokensOf(conv2d(group.at("conv"), mixed, config.embed_dim, 3, { bias: true })));
  });
  const normal = mapOf(layerNorm(scope.at("norm"), tokens, EPSILON), grid);
  return add(conv2d(scope.at("conv_after_body"), normal, config.embed_dim, 3, { bias: true }), map);
}

interface BlockOptions {
  readonly layout: Layout;
  readonly mask: Tensor | undefined;
  readonly heads: number;
  readonly mlpRatio: number;
  readonly dropPath: number;
  readonly mode: Mode;
}

/** x (N, h * w, embed_dim), window by window -> the same shape. */
function block(scope: Scope, x: Tensor, { layout, mask, heads, ...rest }: BlockOptions): Tensor {
  const { window } = layout;
  const area = window.height * window.width;
  return residualBlock(scope, x, { ...rest, epsilon: EPSILON }, (normal) => {
    const at = scope.at("attn");
    const windows = reshape(normal, [-1, area, normal.shape[2]!]); // (N * windows, area, embed_dim)
    const adjustScores = withBiases(positionBias(at, window, heads), mask, normal);
    return reshape(selfAttention(at, windows, heads, { adjustScores }), normal.shape);
  });
}

/** tokens (N, h * w, C), row by row -> (N, C, h, w) */
function mapOf(tokens: Tensor, { height, width }: TokenGrid): Tensor {
  const [n, , channels] = tokens.shape as [Dim, Dim, number];
  return reshape(transpose(tokens, [0, 2, 1]), [n, channels, height, width]);
}
