// How a patch reads from the state what is known around it, and writes into it what it saw (get_reuse_faet and window_neighbor_grid of
// LeapLabTHU/AdaptiveNN, models/dynamic_deitS.py). The state is a square grid over the whole picture, the patch a smaller one over a part of it.
import {
  add,
  cast,
  concat,
  equal,
  expand,
  floor,
  gelu,
  gridSample,
  matMul,
  mul,
  reshape,
  slice,
  sub,
  values,
} from "../../graph/build.ts";
import { type Dim, multiplyDims } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { conv2d } from "../../nn/conv.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, torchDefault, torchLinear } from "../../nn/linear.ts";
import { tokensOf } from "../../nn/patch-embed.ts";
import { type AdaptivennConfig, gridSides } from "./config.ts";
import { EPSILON, mapOf } from "./encoder.ts";

/** Where the middles of a patch's tokens lie, -1 to 1 of the picture. */
export interface TokenPlaces {
  /** (batch, side) of the rows of tokens. */
  readonly rows: Tensor;
  /** (batch, side) of the columns. */
  readonly columns: Tensor;
}

/** region (batch, 4): the patch's x1, y1, x2, y2 in 0..1 of the picture. */
export function placesOf(region: Tensor, side: number): TokenPlaces {
  const middles = values(
    region.graph,
    [1, side],
    Array.from({ length: side }, (_, i) => (2 * i + 1) / side),
  );
  const places = (low: number) => {
    const [start, end] = [slice(region, 1, low, low + 1), slice(region, 1, low + 2, low + 3)]; // (batch, 1)
    return sub(add(mul(start, 2), mul(sub(end, start), middles)), 1);
  };
  return { rows: places(1), columns: places(0) };
}

/** state (batch, cells, width) -> (batch, tokens, width): what is added to the patch's tokens. */
export function readContext(scope: Scope, state: Tensor, step: number, places: TokenPlaces): Tensor {
  const [batch, side] = places.rows.shape as [Dim, number];
  const width = fixedWidth(state);
  const map = mapOf(layerNorm(scope.at("policy_net_recover_reuseNorm_list", step), state, EPSILON));
  const kernel = 7;
  const around = conv2d(scope.at("policy_net_recover_reuseConvHead"), map, width, kernel, {
    groups: width,
    weightInit: torchDefault(kernel * kernel),
  });
  const along = (x: Tensor, shape: readonly Dim[]) => expand(reshape(x, shape), [batch, side, side, 1]);
  const grid = concat([along(places.columns, [batch, 1, side, 1]), along(places.rows, [batch, side, 1, 1])], 3);
  const read = tokensOf(gridSample(around, grid, { padding: "zeros" })); // (batch, tokens, width)
  const normal = layerNorm(scope.at("policy_net_recover_reuseMLP_preLN_list", step), read, EPSILON);
  return perceptron(scope.at("policy_net_recover_reuseMLP"), normal, width);
}

/** tokens (batch, tokens, width) of the patch -> (batch, tokens, n * n): how much of each goes to the cells around it, row by row. */
export function sharesOf(scope: Scope, tokens: Tensor, step: number, { recover_n: n }: AdaptivennConfig): Tensor {
  const normal = layerNorm(scope.at("policy_net_recover_preLN_list", step), tokens, EPSILON);
  return perceptron(scope.at("policy_net_recover"), normal, n * n);
}

/**
 * The shares laid out over the whole state, (batch, tokens, cells): what the official code adds up by scattering. A token's neighbours are the n x n cells
 * around the one that it lies in; those outside of the state are left out. Rows and columns are independent, so two small products with zeros and ones
 * put each share in its place, which has a plain gradient and needs no scatter.
 */
export function spread(shares: Tensor, places: TokenPlaces, config: AdaptivennConfig): Tensor {
  const { recover_n: n } = config;
  const { state: cells, focus: side } = gridSides(config);
  const batch = shares.shape[0]!;
  const rows = neighbourMatrix(places.rows, n, cells); // (batch, side, n, cells)
  const columns = neighbourMatrix(places.columns, n, cells);
  const lines = multiplyDims(batch, side); // of tokens, in all patches
  const everyLine = reshape(expand(reshape(columns, [batch, 1, side, n * cells]), [batch, side, side, n * cells]), [
    lines,
    side,
    n,
    cells,
  ]);
  const across = matMul(reshape(shares, [lines, side, n, n]), everyLine); // (lines, side, n, cells)
  const whole = matMul(reshape(rows, [lines, 1, n, cells]), across, { transposeA: true }); // (lines, side, cells, cells)
  return reshape(whole, [batch, side * side, cells * cells]);
}

/** places (batch, side), -1 to 1 -> (batch, side, n, cells): 1 where a cell is the k-th neighbour of a place, else 0. */
function neighbourMatrix(places: Tensor, n: number, cells: number): Tensor {
  const [batch, side] = places.shape as [Dim, number];
  const { graph } = places;
  const own = floor(add(mul(places, (cells - 1) / 2), cells / 2)); // (place + 1) / 2 * (cells - 1) + 0.5
  const row = (length: number, start: number) =>
    values(
      graph,
      [length],
      Array.from({ length }, (_, i) => start + i),
    );
  const neighbours = add(reshape(own, [batch, side, 1, 1]), reshape(row(n, -(n - 1) / 2), [n, 1]));
  return cast(equal(neighbours, row(cells, 0)), "float32");
}

/** x (…, width) -> (…, features), four times as wide in between. */
function perceptron(scope: Scope, x: Tensor, features: number): Tensor {
  return torchLinear(scope.at("fc2"), gelu(torchLinear(scope.at("fc1"), x, 4 * fixedWidth(x))), features);
}
