// Features as maps that gridSample reads: what training differentiates, and what videos need. Official: modeling.py sampling_from_img_feat,
// media.py for the 3-D one.
import { clampGradient, concat, expand, gridSample, mul, reshape, split, sub, transpose } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Mode } from "../../nn/mode.ts";
import type { SparseformerConfig } from "./config.ts";
import type { Features } from "./features.ts";
import type { Axes } from "./regions.ts";

/** map (batch, [T,] H, W, C) */
export function mapFeatures(
  map: Tensor,
  config: SparseformerConfig,
  { fewKernels }: Pick<Mode, "fewKernels">,
): Features {
  const spatial = map.shape.slice(1, -1).map((_, i) => i + 1);
  const planes = transpose(map, [0, map.shape.length - 1, ...spatial]); // (batch, C, [T,] H, W)
  const [batch, channels] = planes.shape as [Dim, number];
  return {
    graph: map.graph,
    batch,
    sample(points) {
      const [, tokens, axes, count] = points.shape as [Dim, number, Axes, number];
      const scaled = sub(mul(points, 2), 1); // -1..1
      const last = fewKernels ? transpose(scaled, [0, 1, 3, 2]) : coordinatesLast(scaled);
      const grid = restricted(last, planes, config); // (batch, tokens, P, axes)
      const shaped = axes === 3 ? reshape(grid, [batch, 1, tokens, count, 3]) : grid;
      const padding = config.compatible_config.grid_sample_config.padding_mode;
      const sampled = reshape(gridSample(planes, shaped, { padding }), [batch, channels, tokens * count]);
      return reshape(transpose(sampled, [0, 2, 1]), [batch, tokens, count, channels]);
    },
  };
}

/**
 * (batch, tokens, axes, P) to (batch, tokens, P, axes). On processors not a transpose, which moves two or three numbers at a time: with two threads it takes
 * many times as long as putting planes together.
 */
function coordinatesLast(points: Tensor): Tensor {
  const [batch, tokens, axes, count] = points.shape as [Dim, number, Axes, number];
  const planes = split(points, 2, new Array<number>(axes).fill(1));
  return concat(
    planes.map((plane) => reshape(plane, [batch, tokens, count, 1])),
    3,
  );
}

/** The paper restricts the gradient of every picture's point, in 0..1, to one cell: half of that on the grid's scale, after expanding. */
function restricted(grid: Tensor, planes: Tensor, config: SparseformerConfig): Tensor {
  const full = expand(grid, [planes.shape[0]!, ...grid.shape.slice(1)]);
  const height = planes.shape.at(-2)!;
  return config.compatible_config.restrict_grad_norm && typeof height === "number"
    ? clampGradient(full, 0.5 / height)
    : full;
}
