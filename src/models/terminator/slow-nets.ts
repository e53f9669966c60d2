// The slow nets of Terminator: small networks that say a kernel's values from the places of its cells, as multiplicative filter networks do (Fathony et al., ICLR 2021). No
// picture is seen by those of the global kernels and of the channels', so engines compute these once, when they load a model.
import {
  add,
  div,
  gelu,
  maximum,
  mul,
  reduceMean,
  reduceSum,
  reshape,
  sin,
  sqrt,
  stopGradient,
  transpose,
  values,
} from "../../graph/build.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import { adaptiveAveragePool } from "../../nn/adaptive-pool.ts";
import { channelsOf } from "../../nn/conv.ts";
import { affine, torchDefault } from "../../nn/linear.ts";

/** Widths of the slow nets by what they are for. */
export const HIDDEN = { global: 64, local: 32, channel: 32, gate: 16 } as const;

/** Layers of all slow nets but the global kernels'. */
const LAYERS = 2;

export interface SlowNetOptions {
  /** Cells along each axis of the kernel. */
  readonly cells: readonly number[];
  readonly hidden: number;
  /** Default 2. */
  readonly layers?: number;
  /** How many values a cell has. */
  readonly channels: number;
  /** What becomes of layer i, (cells, hidden), before the next one. Default: it stays as it is. */
  readonly between?: (scope: Scope, layer: Tensor, i: number) => Tensor;
}

/** A kernel, (cells, channels), cells row by row: the nth layer is a wave of the place times a linear map of the layer before, plus a map that is learnt as it is. */
export function slowNet(parent: Scope, { cells, hidden, layers = LAYERS, channels, between }: SlowNetOptions): Tensor {
  const scope = parent.at("Kernel");
  return scope.run(() => {
    const ones = cells.map(() => 1);
    const places = placesOf(scope.graph, cells); // (cells, axes)
    const wave = (i: number) =>
      sin(pointwise(scope.at("filters", i, "linear"), places, hidden, ones, within(FASTEST), ZEROS));
    const offsets = reshape(scope.parameter("bias_p", [1, 1, ...cells], { kind: "zeros" }), [count(cells), 1]);
    let x = wave(0);
    for (let i = 0; i < layers; i++) {
      const mapped = pointwise(scope.at("linears", i), x, hidden, ones, ...inner(hidden));
      x = add(mul(wave(i + 1), mapped), offsets);
      if (between !== undefined) x = between(scope, x, i);
    }
    // A sum over the kernel's cells is as large as a single one would be (Chang et al., ICLR 2020).
    return pointwise(scope.at("output_linear"), x, channels, ones, within((3 / hidden / count(cells)) ** 0.5), ZEROS);
  });
}

/** (cells, axes): where each cell is, from -1 to 1, the first axis slowest. */
function placesOf(graph: Graph, cells: readonly number[]): Tensor {
  const total = count(cells);
  const places = new Float32Array(total * cells.length);
  for (let cell = 0; cell < total; cell++) {
    let rest = cell;
    for (let axis = cells.length - 1; axis >= 0; axis--) {
      const size = cells[axis]!;
      places[cell * cells.length + axis] = size === 1 ? -1 : (2 * (rest % size)) / (size - 1) - 1;
      rest = Math.floor(rest / size);
    }
  }
  return values(graph, [total, cells.length], places);
}

const count = (cells: readonly number[]): number => cells.reduce((product, size) => product * size, 1);

/** In radians from the middle of a kernel to its end: the fastest wave that a net starts with. */
const FASTEST = 6;
const ZEROS: Initializer = { kind: "zeros" };
const within = (bound: number): Initializer => ({ kind: "uniform", low: -bound, high: bound });
/** How a layer between waves starts: as large as what enters, and around 1. */
const inner = (width: number): readonly [Initializer, Initializer] => [within((3 / width) ** 0.5), { kind: "ones" }];

/** rows (n, in) -> (n, out), by the weights of a convolution of one cell. `ones` are its sides. Default starts: PyTorch's. */
function pointwise(
  scope: Scope,
  rows: Tensor,
  channels: number,
  ones: readonly number[],
  start?: Initializer,
  biasStart = start,
): Tensor {
  const width = rows.shape[1] as number;
  const usual = torchDefault(width);
  const weight = scope.parameter("weight", [channels, width, ...ones], start ?? usual);
  const bias = scope.parameter("bias", [channels], biasStart ?? usual);
  return affine(rows, reshape(weight, [channels, width]), bias);
}

/** The kernel of a whole map: (1, channels, side, side). */
export function globalKernel(scope: Scope, side: number, channels: number, layers = LAYERS): Tensor {
  const cells = [side, side];
  const kernel = slowNet(scope, { cells, hidden: HIDDEN.global, layers, channels }); // (side * side, channels)
  return asMap(kernel, cells);
}

/** One number a channel: (1, channels, 1, 1). */
export function channelKernel(scope: Scope, channels: number, hidden: number): Tensor {
  return reshape(slowNet(scope, { cells: [channels], hidden, channels: 1 }), [1, channels, 1, 1]);
}

/**
 * A kernel of a depth-wise convolution that knows what the batch looks like on the average: (channels, 1, side, side) for x (N, channels, H, W). What the batch's
 * mean picture, as small as the kernel, says of each cell multiplies each layer.
 */
export function localKernel(parent: Scope, x: Tensor, side: number): Tensor {
  const channels = channelsOf(x);
  const { local: hidden } = HIDDEN;
  const layer = (scope: Scope, rows: Tensor, ...start: Initializer[]) =>
    pointwise(scope, rows, hidden, [1, 1], ...start);
  const scope = parent.at("Kernel");
  const mean = reduceMean(adaptiveAveragePool(x, side, side), [0]); // (channels, side, side)
  const cells = transpose(reshape(mean, [channels, side * side]), [1, 0]); // (side * side, channels)
  const seen = gelu(layer(scope.at("fast_fc1"), layer(scope.at("fast_reduce"), cells))); // (side * side, hidden)
  const between = (at: Scope, said: Tensor, i: number) =>
    mul(renormalised(said), layer(at.at("fast_linears_x", i), seen, ...inner(hidden)));
  const kernel = slowNet(parent, { cells: [side, side], hidden, channels, between }); // (side * side, channels)
  return reshape(asMap(kernel, [side, side]), [channels, 1, side, side]);
}

/** rows (cells, hidden): what a layer says is kept and joined by a tenth of each channel at length 1, through which alone it learns. */
function renormalised(rows: Tensor): Tensor {
  const length = sqrt(reduceSum(mul(rows, rows), [0], { keepDims: true })); // (1, hidden)
  return add(stopGradient(rows), mul(div(rows, maximum(length, SHORTEST)), SHARE));
}

/** How much of itself at length 1 joins a layer, and the least length by which is divided (PyTorch's normalize). */
const SHARE = 0.1;
const SHORTEST = 1e-12;

/** (cells, channels) -> (1, channels, ...cells) */
function asMap(kernel: Tensor, cells: readonly number[]): Tensor {
  return reshape(transpose(kernel, [1, 0]), [1, kernel.shape[1]!, ...cells]);
}
