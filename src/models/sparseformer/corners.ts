// Bilinear sampling taken apart: the 2 x 2 cells around each point, and each cell's share. The values of torch's grid_sample with
// align_corners = false, for readers that have cells as rows and not as maps (table-features.ts, sparse-features.ts).
import {
  abs,
  cast,
  concat,
  floor,
  maximum,
  minimum,
  mul,
  relu,
  reshape,
  sizeValue,
  slice,
  sub,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";

/** For every point, one cell of the map and its next neighbours to the right, below and across. */
export interface Corners {
  /** (n, tokens, 2 axes, P): x and y of the first cell, whole numbers as floats. All four lie on the map, if it is two cells wide and high. */
  readonly first: Tensor;
  /** (n, tokens, P, 2 rows, 2 columns): what each cell counts. Nothing where the point lies beyond it. */
  readonly shares: Tensor;
}

/** points (n, tokens, 2 axes, P) in 0..1 of the map; extent (2 axes, 1): its width and height in cells, as floats. */
export function cornersAround(points: Tensor, extent: Tensor, padding: "zeros" | "border"): Corners {
  const [n, tokens, , count] = points.shape as [Dim, Dim, 2, Dim];
  const free = sub(mul(points, extent), 0.5); // cell i's centre is at i
  const last = sub(extent, 1);
  const position = padding === "border" ? maximum(minimum(free, last), 0) : free;
  // Kept on the map, the first cell is not always the next one below the point. A share falls from 1 at a cell's centre to 0 at its
  // neighbours', and is 0 from there on, so beyond the edge nothing is left, as padding with zeros wants it.
  const first = maximum(minimum(floor(position), sub(extent, 2)), 0);
  // Planes of points, put together at the end: engines are slow where the axis that they step along has two places only.
  const [low, high] = sharesOfNeighbours(sub(position, first), last, padding); // each (n, tokens, 2 axes, P)
  const plane = (share: Tensor, axis: number) => reshape(slice(share, 2, axis, axis + 1), [n, tokens, count, 1]);
  const rows = [plane(low, 1), plane(high, 1)];
  const columns = [plane(low, 0), plane(high, 0)];
  const shares = rows.flatMap((row) => columns.map((column) => mul(row, column)));
  return { first, shares: reshape(concat(shares, 3), [n, tokens, count, 2, 2]) };
}

/** Along each axis, what the first cell and its neighbour count. distance (n, tokens, 2 axes, P): from the first cell's centre, in cells. */
function sharesOfNeighbours(distance: Tensor, last: Tensor, padding: "zeros" | "border"): readonly [Tensor, Tensor] {
  // Kept on the map, a point is between the two.
  if (padding === "border") return [sub(1, distance), distance];
  const hat = (x: Tensor) => relu(sub(1, abs(x)));
  // Along an axis of one cell there is no neighbour.
  return [hat(distance), mul(hat(sub(distance, 1)), minimum(last, 1))];
}

/** Width and height, or other sizes, as a column of floats: (sizes, 1). */
export function floatColumn(graph: Graph, sizes: readonly Dim[]): Tensor {
  const rows = sizes.map((size) => reshape(sizeValue(graph, size), [1]));
  return reshape(cast(concat(rows, 0), "float32"), [sizes.length, 1]);
}

/** Places as int64. What is not a number, in a model that has diverged, becomes some place: shares are no numbers then either, and say so. */
export function wholePlaces(places: Tensor): Tensor {
  return maximum(cast(places, "int64"), 0);
}
