// How much a place minds a point by where it is: a learnt map of 401 x 401 relative positions, read between its cells. Reproduces microsoft/RelationNet2,
// code/models/utils/bvr_transformer/positional_encoding.py (PositionalEncodingSineLearned).
//
// The official map is a 1 x 1 convolution of sines of x beside sines of y, read bilinearly at (places x points) positions. Both are linear, and channels know either x
// or y, so that the value is a number by x plus a number by y: two lines of 401 values are read instead, for every row of places and every column.
import {
  add,
  concat,
  expand,
  gridSample,
  log,
  matMul,
  maximum,
  mul,
  reshape,
  slice,
  sub,
  transpose,
  values,
} from "../../../graph/build.ts";
import { multiplyDims } from "../../../graph/dimensions.ts";
import type { Scope } from "../../../graph/scope.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import type { Level } from "../config.ts";
import { axisOf } from "../places.ts";

/** Of the sines. */
const TEMPERATURE = 1000;
/** No score is lower than the logarithm of that. */
const LEAST = 1e-6;

export interface GeometryOptions {
  /** Of the transformer: the map has one value a head. */
  readonly heads: number;
  /** Of the sines: as wide as the features. */
  readonly width: number;
  /** Columns and rows of the map, less one; even. */
  readonly baseSize: readonly [number, number];
}

/**
 * positions (N, K, 2), x and y of points in pixels -> (N, heads, places, K), for all levels' places one after another. `scope` is that of the
 * `relative_positional_encoding`.
 */
export function geometry(scope: Scope, positions: Tensor, levels: readonly Level[], options: GeometryOptions): Tensor {
  const { heads, width, baseSize } = options;
  return scope.run(() => {
    const [n, k] = positions.shape;
    const conv = scope.at("embedding_transform", 0, "conv");
    const weight = reshape(conv.parameter("weight", [heads, width, 1, 1], { kind: "normal", std: 0.01 }), [
      heads,
      width,
    ]);
    const bias = conv.parameter("bias", [heads], { kind: "zeros" });
    // All distances are counted in cells of the first level.
    const cell = levels[0]!.stride;
    const along = (axis: 0 | 1) => {
      const reach = baseSize[axis] / 2;
      const line = matMul(slice(weight, 1, (axis * width) / 2, ((axis + 1) * width) / 2), sines(scope, reach, width)); // (heads, 2 reach + 1)
      const starts = levels.flatMap((level) => axisOf(level, axis));
      const from = values(scope.graph, [1, starts.length, 1], starts);
      const to = reshape(slice(positions, 2, axis, axis + 1), [n!, 1, k!]);
      const relative = mul(sub(to, from), 1 / (cell * reach)); // (N, all levels' rows or columns, K), -1..1 on the map
      return readLine(line, relative); // (N, heads, the same, K)
    };
    const [xs, ys] = [along(0), along(1)];
    let [columns, rows] = [0, 0];
    const byLevel = levels.map(({ height, width: across }) => {
      const x = slice(xs, 2, columns, columns + across);
      const y = slice(ys, 2, rows, rows + height);
      columns += across;
      rows += height;
      const sum = add(reshape(y, [n!, heads, height, 1, k!]), reshape(x, [n!, heads, 1, across, k!]));
      return reshape(sum, [n!, heads, height * across, k!]);
    });
    return log(maximum(add(concat(byLevel, 2), reshape(bias, [1, heads, 1, 1])), LEAST));
  });
}

/** Sines and cosines of -reach … reach: (width / 2, 2 reach + 1). */
function sines({ graph }: Scope, reach: number, width: number): Tensor {
  const frequencies = width / 4;
  const length = 2 * reach + 1;
  const table = [Math.sin, Math.cos].flatMap((wave) =>
    Array.from({ length: frequencies }, (_, i) =>
      Array.from({ length }, (_, at) => wave((at - reach) / TEMPERATURE ** ((4 * i) / width))),
    ),
  );
  return values(graph, [2 * frequencies, length], table.flat());
}

/** line (heads, length) at relative (N, rows, K) in -1..1, between its values, the outer ones beyond its ends -> (N, heads, rows, K). */
function readLine(line: Tensor, relative: Tensor): Tensor {
  const [n, rows, k] = relative.shape as [string, number, number];
  const [heads, length] = line.shape as [number, number];
  const x = reshape(relative, [1, multiplyDims(n, rows), k, 1]);
  const grid = concat([x, expand(values(line.graph, [1, 1, 1, 1], [0]), x.shape)], 3);
  const read = gridSample(reshape(line, [1, heads, 1, length]), grid, { padding: "border" }); // (1, heads, N * rows, K)
  return transpose(reshape(read, [heads, n, rows, k]), [1, 0, 2, 3]);
}
