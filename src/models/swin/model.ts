// What the Swin family shares: patches, stages of blocks on maps that get smaller and wider, and the mean of the last tokens. How a block mixes the cells of a
// window, and how four cells become one, is the member's: attention (attention.ts), cosine attention (v2.ts), products over places (mlp.ts).
import { add, reduceMean, reshape } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, linear, TRUNCATED_NORMAL_002 } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { patchEmbed, tokensOf } from "../../nn/patch-embed.ts";
import { DENSE } from "../../nn/tokens/reduction.ts";
import { planReduction } from "../../nn/tokens/systems.ts";
import { type SmallerMap, shrinkWindows } from "../../nn/tokens/window-steps.ts";
import { risingRates } from "../../nn/transformer-block.ts";
import { bySquare, type OrderedTokens, Reordering } from "../../nn/windows.ts";
import { type FamilyConfig, stageGeometry, tokenModel } from "./config.ts";
import { type BlockPlace, layOut, type Moving, type Stage, smallerWindows } from "./stages.ts";

/** Of all layer normalisations. */
export const EPSILON = 1e-5;

/** What tells the members of the family apart. */
export interface Member {
  /** How every second block's windows are moved. */
  readonly moving: Moving;
  /** Tokens of a stage in any order of its cells -> what the block makes of them, in some order. */
  block(scope: Scope, state: OrderedTokens, place: BlockPlace): OrderedTokens;
  /** Four cells beside each other, (N, cells, 4 C) -> one, (N, cells, width). */
  merge(scope: Scope, squares: Tensor, width: number): Tensor;
}

/** image (N, 3, H, W) -> logits (N, num_classes) and features (N, last width). */
export function swinNetwork(
  scope: Scope,
  image: Tensor,
  config: FamilyConfig & { readonly tokens?: string | undefined },
  mode: Mode,
  member: Member,
): { readonly logits: Tensor; readonly features: Tensor } {
  const { windows: smallerAt } = config.tokens === undefined ? DENSE : planReduction(config.tokens, tokenModel(config));
  const reordering = new Reordering(scope.graph);
  const stages = stageGeometry(config).map((geometry) => layOut(scope.graph, geometry, member.moving));
  let state: OrderedTokens = { tokens: firstTokens(scope, image, config), order: stages[0]!.rows };
  const rates = risingRates(
    config.depths.reduce((a, b) => a + b, 0),
    config.drop_path_rate,
  );
  let done = 0;
  config.depths.forEach((depth, index) => {
    const layer = scope.at("layers", index);
    let stage = stages[index]!;
    const { rows } = stage;
    let smaller: SmallerMap | undefined;
    if (index > 0) {
      const squares = fourTogether(state, stages[index - 1]!, stage, reordering);
      const merged = member.merge(layer.at("downsample"), squares, stage.width);
      scope.layer(`merged.${index}`, merged); // (N, h * w, width), row by row
      state = { tokens: merged, order: rows };
    }
    for (let block = 0; block < depth; block++) {
      const step = smallerAt?.get(done);
      if (step !== undefined) {
        smaller = shrinkWindows(step, state, stage.map, stage.window, reordering);
        state = smaller.state;
        const geometry = smallerWindows(stage, smaller.map, step.to);
        stage = layOut(scope.graph, geometry, member.moving, stage.window);
      }
      const windows = block % 2 === 0 ? stage.still : stage.shifted;
      const place = { stage, index, windows, dropPath: rates[done++]!, reordering };
      state = member.block(layer.at("blocks", block), state, place);
    }
    if (smaller !== undefined) state = smaller.restore(state);
    const after = state;
    scope.layer(`stage.${index + 1}`, () => reordering.to(rows, after)); // (N, h * w, width)
  });
  const normal = layerNorm(scope.at("norm"), state.tokens, EPSILON); // (N, tokens, last width)
  scope.layer("tokens", normal);
  const features = reduceMean(normal, 1); // (N, last width)
  const dropped = mode.dropout(features, config.drop_rate);
  return { logits: linear(scope.at("head", "fc"), dropped, config.num_classes), features };
}

/** image (N, 3, H, W) -> its patches (N, h * w, embed_dim), row by row. */
function firstTokens(scope: Scope, image: Tensor, config: FamilyConfig): Tensor {
  const stem = scope.at("patch_embed");
  const patches = tokensOf(patchEmbed(stem, image, config.embed_dim, config.patch_size));
  const tokens = layerNorm(stem.at("norm"), patches, EPSILON);
  if (config.ape !== true) return tokens;
  const { height, width } = stageGeometry(config)[0]!.map;
  const positions = [1, height * width, config.embed_dim];
  return add(tokens, scope.parameter("absolute_pos_embed", positions, TRUNCATED_NORMAL_002));
}

/** The cells of every 2 x 2 square beside each other: tokens (N, h * w, C) -> (N, h/2 * w/2, 4 C), row by row. */
function fourTogether(state: OrderedTokens, from: Stage, to: Stage, reordering: Reordering): Tensor {
  const squares = reordering.to(bySquare(from.map), state); // (N, 4 * h/2 * w/2, C)
  const { height, width } = to.map;
  return reshape(squares, [squares.shape[0]!, height * width, 4 * fixedWidth(squares)]);
}

/** Four cells become one: norm, then a product. */
export function mergeNormalised(scope: Scope, squares: Tensor, width: number): Tensor {
  const normal = layerNorm(scope.at("norm"), squares, EPSILON);
  return linear(scope.at("reduction"), normal, width, { bias: false });
}
