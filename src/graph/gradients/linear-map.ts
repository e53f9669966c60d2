// Resizing and average pooling are linear and separable: each axis is multiplied by a matrix of constants, and the gradient by its transpose.
import { gemm, matMul, reshape } from "../build.ts";
import { multiplyDims } from "../dimensions.ts";
import type { SpatialOps } from "../ops.ts";
import { resizeTaps } from "../resize-taps.ts";
import type { Tensor } from "../tensor.ts";
import { fixedSize, type GradientRule, matrixConstant } from "./rule.ts";

/** Multiplies an axis by the transpose of `matrix`, (new size, old size): the gradient of multiplying it by the matrix. */
function transposedAlong(g: Tensor, axis: number, matrix: readonly (readonly number[])[]): Tensor {
  const shape = g.shape.with(axis, matrix[0]!.length);
  const rows = matrixConstant(g.graph, matrix, g.dtype);
  const outer = multiplyDims(1, ...g.shape.slice(0, axis));
  const inner = multiplyDims(1, ...g.shape.slice(axis + 1));
  if (inner === 1) return reshape(gemm(reshape(g, [outer, matrix.length]), rows, undefined), shape);
  return reshape(matMul(rows, reshape(g, [outer, matrix.length, inner]), { transposeA: true }), shape);
}

/** One matrix a spatial axis; identities are left out. */
function transposedMaps(g: Tensor, matrices: readonly (readonly (readonly number[])[])[]): Tensor {
  return matrices.reduce((value, matrix, i) => (isIdentity(matrix) ? value : transposedAlong(value, i + 2, matrix)), g);
}

function isIdentity(matrix: readonly (readonly number[])[]): boolean {
  return matrix.length === matrix[0]!.length && matrix.every((row, i) => row.every((x, j) => x === (i === j ? 1 : 0)));
}

const resizeRule: GradientRule<"resize"> = ({ inputs: [x], attributes: { sizes, mode, alignCorners } }, g) => {
  const matrices = sizes.map((newSize, i) => {
    const size = fixedSize(x!.shape[i + 2]!, "resize");
    return resizeTaps(size, fixedSize(newSize, "resize"), mode, alignCorners).map((taps) => {
      const row = new Array<number>(size).fill(0);
      for (const { cell, share } of taps) row[cell]! += share;
      return row;
    });
  });
  return [transposedMaps(g, matrices)];
};

/** Every window's equal shares; over the window's whole area, or over what of it lies inside the map. Both are products over the axes. */
function averages(pool: SpatialOps["averagePool"], axis: number, size: number, newSize: number): number[][] {
  const kernel = pool.kernel[axis]!;
  return Array.from({ length: newSize }, (_, i) => {
    const start = i * pool.strides[axis]! - pool.padsBefore[axis]!;
    const covered = Array.from({ length: size }, (_, cell) => Number(cell >= start && cell < start + kernel));
    const count = pool.countIncludesPadding ? kernel : covered.reduce((total, one) => total + one, 0);
    return covered.map((one) => one / count);
  });
}

const averagePoolRule: GradientRule<"averagePool"> = ({ inputs: [x], attributes }, g) => {
  const matrices = attributes.kernel.map((_, i) =>
    averages(attributes, i, fixedSize(x!.shape[i + 2]!, "averagePool"), fixedSize(g.shape[i + 2]!, "averagePool")),
  );
  return [transposedMaps(g, matrices)];
};

export const linearMapGradients = { resize: resizeRule, averagePool: averagePoolRule };
