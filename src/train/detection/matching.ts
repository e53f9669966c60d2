// Exact matching of predictions and things, on the host: each thing gets a prediction of its own, or several, so that the sum of costs is least.
import { assign } from "../../boxes/assignment.ts";
import { cast, concat, equal, iota, reduceSum, reshape, slice } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { fixedDim } from "../../nn/linear.ts";
import { type TensorData, tensor, toFloat32 } from "../../tensor.ts";
import type { ObjectiveInputs } from "../objective.ts";

/** Which prediction has which thing. */
export interface Matching {
  /** (N, Q, T): 1 where it does. No gradient goes through. */
  readonly pairs: Tensor;
  /** (N, Q): 1 for predictions that have a thing. */
  readonly matched: Tensor;
}

/**
 * Matches the predictions of several layers, in one go.
 *
 * @param name unlike others of the same objective
 * @param costs one (N, Q, T) a layer
 * @param copies predictions that each thing gets; fewer where there are not as many
 */
export function matchSets(
  { onHost, annotations }: Pick<ObjectiveInputs, "onHost" | "annotations">,
  name: string,
  costs: readonly Tensor[],
  copies = 1,
): Matching[] {
  const [n, queries, things] = [0, 1, 2].map((axis) => fixedDim(costs[0]!, axis)) as [number, number, number];
  const owners = onHost({
    name,
    reads: { costs: concat(costs, 0), count: annotations().count },
    shape: [costs.length * n, queries],
    dtype: "int64",
    make: ({ costs: all, count }) => ownersOf(all!, count!, copies),
  });
  const all = reshape(iota(owners.graph, things, "int64"), [1, 1, things]);
  return costs.map((_, layer) => {
    const own = reshape(slice(owners, 0, layer * n, (layer + 1) * n), [n, queries, 1]);
    const pairs = cast(equal(own, all), "float32");
    return { pairs, matched: reduceSum(pairs, -1) };
  });
}

/**
 * The thing that each prediction has, or -1.
 *
 * @param costs (layers * N, Q, T)
 * @param count (N), how many of the T are things
 */
export function ownersOf(costs: TensorData, count: TensorData, copies = 1): TensorData<"int64"> {
  const [rows = 0, queries = 0, things = 0] = costs.shape;
  const values = toFloat32(costs);
  const counts = Array.from(count.data as BigInt64Array, Number);
  const owners = new BigInt64Array(rows * queries).fill(-1n);
  for (let row = 0; row < rows; row++) {
    const own = counts[row % counts.length]!;
    const columns = own * copies;
    const matrix = new Float64Array(queries * columns);
    for (let q = 0; q < queries; q++)
      for (let column = 0; column < columns; column++)
        matrix[q * columns + column] = values[(row * queries + q) * things + (column % own)]!;
    // A model that has diverged is told so by the step, whose loss is no number either.
    if (!matrix.every(Number.isFinite)) continue;
    const found = assign(matrix, queries, columns);
    found.rows.forEach((q, i) => {
      owners[row * queries + q] = BigInt(found.columns[i]! % own);
    });
  }
  return tensor("int64", [rows, queries], owners);
}
