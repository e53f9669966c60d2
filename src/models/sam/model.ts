// SAM's image encoder (Kirillov et al., ICCV 2023): a vision transformer whose blocks look inside windows of the map of patches, a few of them at all of it,
// and a neck that gives the map on which masks are found. Reproduces facebookresearch/segment-anything, segment_anything/modeling/image_encoder.py.
import { add, reduceMean, reshape, transpose } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { conv2d } from "../../nn/conv.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { TRUNCATED_NORMAL_002 } from "../../nn/linear.ts";
import { mlp } from "../../nn/mlp.ts";
import { patchEmbed, tokensOf } from "../../nn/patch-embed.ts";
import { DENSE } from "../../nn/tokens/reduction.ts";
import { planReduction } from "../../nn/tokens/systems.ts";
import { type SmallerMap, shrinkWindows } from "../../nn/tokens/window-steps.ts";
import { byWindow, type Order, type OrderedTokens, Reordering, rowByRow, type TokenGrid } from "../../nn/windows.ts";
import { gridOf } from "../image-size.ts";
import { samAttention } from "./attention.ts";
import { type SamConfig, tokenModel, windowOf } from "./config.ts";

const NECK_EPSILON = 1e-6;

/**
 * image (N, 3, H, W) -> logits (N, out_chans), the mean over the neck's map, and features (N, embed_dim), the mean over the tokens that the neck reads. The
 * map itself, which SAM's mask decoder reads, is the layer "neck" (N, out_chans, h, w).
 */
export function samEncoder(
  scope: Scope,
  image: Tensor,
  config: SamConfig,
): { readonly logits: Tensor; readonly features: Tensor } {
  const { embed_dim: width, patch_size } = config;
  const map = gridOf(config.img_size, patch_size);
  const reordering = new Reordering(scope.graph);
  const { windows } = config.tokens === undefined ? DENSE : planReduction(config.tokens, tokenModel(config));
  const dense = layOut(map, windowOf(config));
  let layout = dense;
  const patches = tokensOf(patchEmbed(scope.at("patch_embed"), image, width, patch_size)); // (N, h * w, width)
  let state: OrderedTokens = { tokens: withPositions(scope, patches, map, config), order: layout.rows };
  let smaller: SmallerMap | undefined;
  for (let i = 0; i < config.depth; i++) {
    const step = windows?.get(i);
    if (step !== undefined) {
      smaller = shrinkWindows(step, state, map, dense.window, reordering);
      state = smaller.state;
      layout = layOut(smaller.map, step.to);
    }
    state = samBlock(scope.at("blocks", i), state, { index: i, layout, dense, config, reordering });
    const { rows } = layout;
    const after = state;
    scope.layer(`block.${i + 1}`, () => reordering.to(rows, after)); // (N, h * w, width)
  }
  const tokens = reordering.to(dense.rows, smaller === undefined ? state : smaller.restore(state)); // (N, h * w, width)
  scope.layer("tokens", tokens);
  const embedding = neck(scope.at("neck"), tokens, map, config.out_chans); // (N, h * w, out_chans)
  scope.layer("neck", () => mapOf(embedding, map));
  return { logits: reduceMean(embedding, 1), features: reduceMean(tokens, 1) };
}

/** A map and the windows it is cut into. */
interface Layout {
  readonly map: TokenGrid;
  readonly window: TokenGrid;
  readonly rows: Order;
  readonly windows: Order;
}

function layOut(map: TokenGrid, window: TokenGrid): Layout {
  return { map, window, rows: rowByRow(map), windows: byWindow(map, window) };
}

/** Patches (N, h * w, width) with the learned vector of each place added. */
function withPositions(scope: Scope, patches: Tensor, { height, width }: TokenGrid, config: SamConfig): Tensor {
  if (!config.use_abs_pos) return patches;
  const positions = scope.parameter("pos_embed", [1, height, width, config.embed_dim], TRUNCATED_NORMAL_002);
  return add(patches, reshape(positions, [1, height * width, config.embed_dim]));
}

interface SamBlockOptions {
  readonly index: number;
  readonly layout: Layout;
  /** What the block was trained for. */
  readonly dense: Layout;
  readonly config: SamConfig;
  readonly reordering: Reordering;
}

/** Attention, inside windows or from all to all, and then a perceptron are added. */
function samBlock(scope: Scope, state: OrderedTokens, options: SamBlockOptions): OrderedTokens {
  const { index, layout, dense, config, reordering } = options;
  const isGlobal = config.global_attn_indexes.includes(index);
  const read = isGlobal ? layout.rows : layout.windows;
  const grid = isGlobal ? layout.map : layout.window;
  const learned = isGlobal ? dense.map : dense.window;
  // Padding must not be normalised with the rest, nor stay among the tokens: then only what attention reads is reordered.
  const order = read.includes(-1) ? layout.rows : read;
  return scope.run(() => {
    const x = reordering.to(order, state); // (N, tokens, width)
    const normal = layerNorm(scope.at("norm1"), x, config.norm_eps);
    const seen = reordering.to(read, { tokens: normal, order }); // (N, windows * area, width)
    const windows = reshape(seen, [-1, grid.height * grid.width, config.embed_dim]); // (N * windows, area, width)
    const attended = samAttention(scope.at("attn"), windows, grid, learned, config);
    const update = reordering.to(order, { tokens: reshape(attended, seen.shape), order: read });
    const mixed = add(x, update);
    const inner = mlp(scope.at("mlp"), layerNorm(scope.at("norm2"), mixed, config.norm_eps), {
      ratio: config.mlp_ratio,
      names: ["lin1", "lin2"],
    });
    return { tokens: add(mixed, inner), order };
  });
}

/** Tokens (N, h * w, width) -> (N, h * w, channels): two convolutions, each normalised over its channels. */
function neck(scope: Scope, tokens: Tensor, map: TokenGrid, channels: number): Tensor {
  const norm = (name: number, x: Tensor) => layerNorm(scope.at(name), tokensOf(x), NECK_EPSILON); // (N, h * w, channels)
  const narrow = norm(1, conv2d(scope.at(0), mapOf(tokens, map), channels, 1));
  return norm(3, conv2d(scope.at(2), mapOf(narrow, map), channels, 3));
}

/** Tokens (N, h * w, channels) -> (N, channels, h, w). */
function mapOf(tokens: Tensor, { height, width }: TokenGrid): Tensor {
  const [n, , channels] = tokens.shape as [Tensor["shape"][number], unknown, number];
  return reshape(transpose(tokens, [0, 2, 1]), [n, channels, height, width]);
}
