// Features as a table with one row a cell, from which the four cells around each point are gathered. The values of gridSample; measured on
// CPUs it is as fast on small maps, and on large ones faster: a row lies in one place, where a map's channels lie all over the memory, and
// the map is never turned channels first.
import { add, gather, iota, matMul, minimum, mul, reshape, sizeValue, slice, sub, wholes } from "../../graph/build.ts";
import { type Dim, multiplyDims } from "../../graph/dimensions.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import type { SparseformerConfig } from "./config.ts";
import { type Corners, cornersAround, floatColumn, wholePlaces } from "./corners.ts";
import type { Features } from "./features.ts";

/** map (batch, H, W, C) */
export function tableFeatures(map: Tensor, config: SparseformerConfig): Features {
  const { graph } = map;
  const [batch, height, width, channels] = map.shape as [Dim, Dim, Dim, number];
  const padding = config.compatible_config.grid_sample_config.padding_mode;
  const table = reshape(map, [multiplyDims(batch, height, width), channels]);
  const extent = floatColumn(graph, [width, height]);
  const rowsOf = cellRows(graph, batch, height, width);
  return {
    graph,
    batch,
    sample(points) {
      const [, tokens, , count] = points.shape as [Dim, number, 2, number];
      const corners = cornersAround(points, extent, padding);
      const cells = gather(table, rowsOf(corners.first), 0); // (batch, tokens * P, 4, C)
      return reshape(weighted(corners, cells), [batch, tokens, count, channels]);
    },
  };
}

/** cells (batch, tokens * P, 4, C), each times its share, added: (batch, tokens * P, 1, C). */
export function weighted({ shares }: Corners, cells: Tensor): Tensor {
  const [n, tokens, count] = shares.shape as [Dim, number, number];
  return matMul(reshape(shares, [n, tokens * count, 1, 4]), cells);
}

/** From first cells (n, tokens, 2 axes, P) to the rows of all four in the table of the batch, int64 (batch, tokens * P, 4). */
function cellRows(graph: Graph, batch: Dim, height: Dim, width: Dim): (first: Tensor) => Tensor {
  const row = sizeValue(graph, width);
  const neighbour = (size: Dim) => minimum(sub(sizeValue(graph, size), 1), 1); // none along an axis of one cell
  const right = mul(wholes(graph, [0, 1, 0, 1]), neighbour(width));
  const below = mul(wholes(graph, [0, 0, 1, 1]), mul(neighbour(height), row));
  const offsets = add(right, below);
  const starts = mul(iota(graph, batch, "int64"), sizeValue(graph, multiplyDims(height, width)));
  return (first) => {
    const [n, tokens, , count] = first.shape as [Dim, number, 2, number];
    const whole = wholePlaces(first);
    const axis = (i: number) => reshape(slice(whole, 2, i, i + 1), [n, tokens * count, 1]);
    const firsts = add(axis(0), mul(axis(1), row)); // (n, tokens * P, 1)
    return add(batch === 1 ? firsts : add(firsts, reshape(starts, [batch, 1, 1])), offsets);
  };
}
