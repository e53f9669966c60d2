// Averages over a grid of a given size, whatever size the map has: PyTorch's adaptive_avg_pool2d. Each axis is one product with a constant matrix.
import { matMul, values } from "../graph/build.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";

/** x (N, C, H, W), H and W known -> (N, C, height, width): each new cell is the mean of the cells it touches, so neighbours may share some. */
export function adaptiveAveragePool(x: Tensor, height: number, width: number): Tensor {
  const [, , fromHeight, fromWidth] = x.shape as readonly number[];
  const rows = matMul(poolingShares(x.graph, fromHeight!, height), x); // (N, C, height, W)
  return matMul(rows, poolingShares(x.graph, fromWidth!, width), { transposeB: true });
}

/** (newSize, size): of each new cell of an axis the share of each old one. */
export function poolingShares(graph: Graph, size: number, newSize: number): Tensor {
  const shares = new Float32Array(newSize * size);
  for (let cell = 0; cell < newSize; cell++) {
    const first = Math.floor((cell * size) / newSize);
    const end = Math.ceil(((cell + 1) * size) / newSize);
    shares.fill(1 / (end - first), cell * size + first, cell * size + end);
  }
  return values(graph, [newSize, size], shares);
}
