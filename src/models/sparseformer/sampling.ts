// Sparse sampling: each token places points inside its region, where it then reads the stem's features (features.ts).
// Official: modeling.py make_absolute_sampling_point; media.py for the 3-D one.
import { add, div, equal, mul, reduceMean, reshape, sqrt, sub, transpose, where } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { affine, fixedWidth } from "../../nn/linear.ts";
import type { SparseformerConfig } from "./config.ts";
import type { Axes, Regions } from "./regions.ts";

/** Where every token samples: (n, tokens, axes, points), in 0..1 of the picture. */
export function placePoints(scope: Scope, tokens: Tensor, regions: Regions, config: SparseformerConfig): Tensor {
  const axes = regions.centre.shape[2] as Axes;
  const points = config.num_sampling_points;
  const width = fixedWidth(tokens);
  const [n, count] = tokens.shape as [Dim, Dim];
  const moduleScope = scope.at("roi_offset_module");
  return scope.run(() => {
    const normal = layerNorm(moduleScope.at(0), tokens, config.compatible_config.ln_eps, {
      kind: "constant",
      value: width ** -0.5,
    });
    const weight = moduleScope.at(1).parameter("weight", [points * axes, width], { kind: "zeros" });
    const bias = scope.parameter("roi_offset_bias", [points * axes], initialOffsets(points, axes));
    // Official order is point by point, (x, y) each, and each token's offsets lose their mean. Both are done to the weights instead, which
    // costs nothing at run time.
    const planes = (x: Tensor) => reshape(centred(transpose(x, [1, 0, 2])), [axes * points, x.shape[2]!]);
    const planeWeight = planes(reshape(weight, [points, axes, width]));
    const planeBias = reshape(planes(reshape(bias, [points, axes, 1])), [axes * points]);
    const offsets = reshape(affine(normal, planeWeight, planeBias), [n, count, axes, points]);
    const scale = div(regions.size, threeDeviations(offsets, config)); // (n, tokens, axes, 1)
    return add(regions.centre, mul(offsets, scale)); // (n, tokens, axes, points)
  });
}

/** (axes, points, width) without its mean over points. */
function centred(x: Tensor): Tensor {
  return sub(x, reduceMean(x, 1, { keepDims: true }));
}

/** Three times the standard deviation (unbiased) of offsets without mean: (n, tokens, axes, points) -> (n, tokens, axes, 1). */
function threeDeviations(offsets: Tensor, config: SparseformerConfig): Tensor {
  const { num_sampling_points: points, compatible_config: compatible } = config;
  const epsilon = compatible.first_release_numerics ? 1e-7 : 1e-5;
  const squares = reduceMean(mul(offsets, offsets), 3, { keepDims: true });
  const biased = offsets.shape[2] === 3 ? rootOrZero(squares) : sqrt(squares);
  return add(mul(biased, 3 * Math.sqrt(points / (points - 1))), 3 * epsilon);
}

/**
 * The square root, whose gradient at 0 is 0, as PyTorch's for deviations: points of a video all begin at one time, on a grid and where they are
 * inflated from a picture's.
 */
function rootOrZero(x: Tensor): Tensor {
  const isZero = equal(x, 0);
  return where(isZero, 0, sqrt(where(isZero, 1, x)));
}

/** Points on a regular grid over the region, (x, y) each; in time, all in the middle. Other counts than squares start at random. */
function initialOffsets(points: number, axes: Axes): Initializer {
  const root = Math.round(Math.sqrt(points));
  if (root * root !== points) return { kind: "uniform", low: -0.5, high: 0.5 };
  const offsets = new Float32Array(points * axes);
  for (let i = 0; i < points; i++) {
    offsets[i * axes] = ((i % root) + 0.5) / root - 0.5;
    offsets[i * axes + 1] = (Math.floor(i / root) + 0.5) / root - 0.5;
  }
  return { kind: "values", values: offsets };
}
