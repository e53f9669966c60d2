// Positions of a map's cells as sines and cosines of both coordinates, DETR's (facebookresearch/detr, models/position_encoding.py PositionEmbeddingSine, which
// Deformable DETR and Mask2Former have too), normalised: a map is 2 pi high and wide.
import { concat, expand, reshape, values } from "../graph/build.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import type { TokenGrid } from "./windows.ts";

const TEMPERATURE = 10_000;
const EPSILON = 1e-6;

/** (1, h * w, width), row by row: the rows' half of the width first. `width` must be a multiple of 4. */
export function sinePositions(graph: Graph, { height, width: columns }: TokenGrid, width: number): Tensor {
  const half = width / 2;
  const along = (size: number) =>
    Array.from({ length: size }, (_, cell) => {
      const position = ((cell + 1) / (size + EPSILON)) * 2 * Math.PI;
      return Array.from({ length: half }, (_, i) => {
        const angle = position / TEMPERATURE ** ((2 * Math.floor(i / 2)) / half);
        return i % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
      });
    }).flat();
  // Small constants that are spread out: engines do that once, when they load a model, and files stay small.
  const spread = (shape: readonly number[], numbers: readonly number[]) =>
    expand(values(graph, shape, numbers), [1, height, columns, half]);
  const rows = spread([1, height, 1, half], along(height));
  return reshape(concat([rows, spread([1, 1, columns, half], along(columns))], 3), [1, height * columns, width]);
}
