// A picture from the patches of it that are seen, and how far it is from the picture (keyu-tian/SparK, MIT, pretrain/spark.py).
import { add, div, mul, reduceMean, reduceSum, reshape, sqrt, sub } from "../../../graph/build.ts";
import type { Scope } from "../../../graph/scope.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import type { Mode } from "../../../nn/mode.ts";
import { decoded, densified } from "./decoder.ts";
import { type SparseEncoder, visibleMaps } from "./encoder.ts";

export interface ReconstructionInputs {
  readonly encoder: SparseEncoder;
  /** Of the network that is kept. */
  readonly scope: Scope;
  /** Of what is there for pre-training alone. */
  readonly auxiliary: Scope;
  /** (N, 3, H, W) */
  readonly image: Tensor;
  /** (N, 1, rows, columns), 1 or 0 */
  readonly visible: Tensor;
  readonly mode: Mode;
  /** Channels of the decoder's smallest map. */
  readonly decoderWidth: number;
}

export interface Reconstruction {
  /** The encoder's, the smallest first. */
  readonly maps: readonly (Tensor | undefined)[];
  /** The same with learnt tokens at hidden places. */
  readonly dense: readonly (Tensor | undefined)[];
  /** (N, 3, H, W): each patch less its mean, over its deviation. */
  readonly picture: Tensor;
}

export function reconstruction(inputs: ReconstructionInputs): Reconstruction {
  const { encoder, scope, auxiliary, image, visible, mode, decoderWidth: width } = inputs;
  const maps = visibleMaps(encoder, scope, image, visible, mode);
  // Only batch normalisation keeps anything that is not trained.
  const isBatch = [...scope.graph.parameters.values()].some(({ trainable }) => !trainable);
  const dense = densified(auxiliary, maps, visible, mode, { width, norm: isBatch ? "batch" : "layer" });
  const blocks = Math.log2(encoder.patch);
  return { maps, dense, picture: decoded(auxiliary.at("dense_decoder"), dense, mode, { width, blocks }) };
}

const EPSILON = 1e-6;

/**
 * The mean over hidden patches of the mean squared difference, a scalar. Of the picture each patch counts less its mean and over its deviation, so that
 * 1 is what a guess of each patch's mean comes to.
 *
 * @param image (N, 3, H, W), the picture
 * @param guess (N, 3, H, W), its normalised patches
 * @param visible (N, 1, rows, columns), 1 or 0
 */
export function hiddenPatchLoss(image: Tensor, guess: Tensor, visible: Tensor): Tensor {
  const [batch, channels, height, width] = image.shape as [number, number, number, number];
  const [, , rows, columns] = visible.shape as [number, number, number, number];
  const [down, across] = [height / rows, width / columns];
  const inPatches = (x: Tensor) => reshape(x, [batch, channels, rows, down, columns, across]);
  const within = [1, 3, 5];
  const patches = inPatches(image);
  const centred = sub(patches, reduceMean(patches, within, { keepDims: true }));
  const unbiased = 1 / (channels * down * across - 1);
  const variance = mul(reduceSum(mul(centred, centred), within, { keepDims: true }), unbiased); // (N, 1, rows, 1, columns, 1)
  const difference = sub(inPatches(guess), div(centred, sqrt(add(variance, EPSILON))));
  const squares = reduceMean(mul(difference, difference), within); // (N, rows, columns)
  const hidden = sub(1, reshape(visible, [batch, rows, columns]));
  const all = [0, 1, 2];
  return div(reduceSum(mul(squares, hidden), all), add(reduceSum(hidden, all), 1e-8));
}
