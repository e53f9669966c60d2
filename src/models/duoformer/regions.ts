// How maps of several sizes become sequences, one for each region of the picture: a region is one cell of the smallest map and all that lie in the same place of the larger
// ones. Order and names as in xiaoyatang/duoformer_TCGA, models/projection_head.py.
import { concat, expand, maxPool, relu, reshape, transpose } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { fixedDim, torchDefault } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import type { DuoformerConfig } from "./config.ts";

/** maps, one a stage of the backbone, the largest first -> (N, regions, 1 + cells, width): of each region the token that speaks for it, then its cells, small maps first. */
export function regionTokens(scope: Scope, maps: readonly Tensor[], config: DuoformerConfig, mode: Mode): Tensor {
  const { num_layers: scales, embed_dim: width } = config;
  const smallest = maps.at(-1)!;
  const grid = [fixedDim(smallest, 2), fixedDim(smallest, 3)] as const;
  const cells = Array.from({ length: scales }, (_, i) => {
    const stage = maps.length - 1 - i;
    const map = convolution(scope.at("projection", `proj_heads${stage}`), maps[stage]!, width, 1); // (N, width, h, w)
    return cellsByRegion(map, grid, stage === COLUMNS_FIRST); // (N, regions, cells, width)
  });
  const shape = [smallest.shape[0]!, grid[0] * grid[1], 1, width];
  const speaker =
    config.scale_token === "random"
      ? expand(scope.parameter("channel_token", [1, 1, 1, width], { kind: "normal", std: 0.02 }), shape)
      : cellsByRegion(channelToken(scope, maps, width, mode), grid, false);
  return concat([speaker, ...cells], 2);
}

/** The stage whose cells the official code lists column by column; of all others, row by row. */
const COLUMNS_FIRST = 2;

/** map (N, width, h, w) -> (N, regions, cells of a region, width), regions row by row. */
function cellsByRegion(map: Tensor, [height, wide]: readonly [number, number], columnsFirst: boolean): Tensor {
  const [n, width] = [map.shape[0]!, channelsOf(map)];
  const [rows, columns] = [fixedDim(map, 2) / height, fixedDim(map, 3) / wide];
  const apart = reshape(map, [n, width, height, rows, wide, columns]);
  const ordered = transpose(apart, columnsFirst ? [0, 2, 4, 5, 3, 1] : [0, 2, 4, 3, 5, 1]);
  return reshape(ordered, [n, height * wide, rows * columns, width]);
}

/** All maps, brought to the size of the smallest and mixed: (N, width, h, w). */
function channelToken(scope: Scope, maps: readonly Tensor[], width: number, mode: Mode): Tensor {
  const small = maps.map((map, stage) => {
    const halvings = maps.length - 1 - stage;
    if (halvings === 0) return map;
    let x = map;
    for (let i = 1; i < halvings; i++)
      x = convolution(scope.at(`chann_proj${stage + 1}`, `conv${i}`), x, channelsOf(x), 3, 2);
    return maxPool(x, [2, 2], { strides: [2, 2] });
  });
  let x = concat(small, 1);
  for (let i = 0; i < MIXING_LAYERS; i++) {
    const layer = scope.at("chann_proj_all", "nConvs", i);
    x = relu(batchNorm(layer.at("norm"), convolution(layer.at("conv"), x, width, 3), mode));
  }
  return x;
}

const MIXING_LAYERS = 4;

/** x (N, in, H, W) -> (N, channels, H / stride, W / stride), with a bias, started as PyTorch does. */
function convolution(scope: Scope, x: Tensor, channels: number, kernel: number, stride = 1): Tensor {
  const start = torchDefault(channelsOf(x) * kernel ** 2);
  return conv2d(scope, x, channels, kernel, { stride, bias: true, weightInit: start, biasInit: start });
}
