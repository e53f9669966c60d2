// What sampling reads. The stem's features of a picture are the same numbers however they are computed; which way is best depends on what the
// graph is for and on how large the pictures are.
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import type { Mode } from "../../nn/mode.ts";
import type { Pixels } from "../pixels.ts";
import type { SparseformerConfig } from "./config.ts";
import { mapFeatures } from "./map-features.ts";
import { sparseFeatures } from "./sparse-features.ts";
import { stem, stemWeights } from "./stem.ts";
import { tableFeatures } from "./table-features.ts";

/** A batch of pictures (or clips) as sampling sees it. */
export interface Features {
  readonly graph: Graph;
  readonly batch: Dim;
  /** Bilinear features at points (n, tokens, axes, P) in 0..1 of the picture, where n is the batch or 1: (batch, tokens, P, C). */
  sample(points: Tensor): Tensor;
}

/** picture: float32 (batch, 3, [T,] H, W), normalised, or pixels. */
export function readFeatures(scope: Scope, picture: Tensor | Pixels, config: SparseformerConfig, mode: Mode): Features {
  return scope.run(() => {
    const video = !("bytes" in picture) && picture.shape.length === 5;
    const weights = stemWeights(scope, config, video);
    if (!video && mode.onlyWhereSampled && canComputeWhereSampled(config))
      return sparseFeatures(picture, weights, config);
    const map = stem(scope, picture, weights, config, mode); // (batch, [T,] H/4, W/4, C)
    return video || mode.training || mode.fewKernels ? mapFeatures(map, config, mode) : tableFeatures(map, config);
  });
}

/** Blocks on the stem's map see far around a point. */
export function canComputeWhereSampled(config: SparseformerConfig): boolean {
  return config.stem_blocks === 0;
}
