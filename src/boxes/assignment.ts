// The cheapest way to give each row a column of its own, exactly: successive shortest paths with potentials (Jonker and Volgenant, Computing 38, 1987; the
// rectangular form of Crouse, IEEE Transactions on Aerospace and Electronic Systems 52, 2016).
import { UsageError } from "../errors.ts";

/** Which column each row has, pair by pair, by row. */
export interface Assignment {
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  /** The sum of their costs. */
  readonly cost: number;
}

/**
 * min(rows, columns) pairs of the least total cost. O(n^2 m) for n rows and m columns, n the fewer.
 *
 * @param costs row by row; a pair of infinite cost is never taken
 * @throws UsageError for costs that are not numbers, and where some row must take a pair of infinite cost
 * @example assign([4, 1, 2, 0], 2, 2) // rows [0, 1], columns [1, 0], cost 3
 */
export function assign(costs: ArrayLike<number>, rows: number, columns: number): Assignment {
  if (costs.length !== rows * columns)
    throw new UsageError(`${rows} x ${columns} costs are ${rows * columns} numbers, got ${costs.length}`);
  for (let i = 0; i < costs.length; i++)
    if (Number.isNaN(costs[i]) || costs[i] === Number.NEGATIVE_INFINITY)
      throw new UsageError(`the cost of row ${Math.floor(i / columns)}, column ${i % columns} is ${costs[i]}`);
  const isTall = rows > columns;
  const cost = isTall
    ? (row: number, column: number) => costs[column * columns + row]!
    : (row: number, column: number) => costs[row * columns + column]!;
  const found = shortestPaths(cost, Math.min(rows, columns), Math.max(rows, columns));
  const pairs = Array.from(found, (column, row) => (isTall ? ([column, row] as const) : ([row, column] as const)));
  if (isTall) pairs.sort(([a], [b]) => a - b);
  return {
    rows: Int32Array.from(pairs, ([row]) => row),
    columns: Int32Array.from(pairs, ([, column]) => column),
    cost: pairs.reduce((sum, [row, column]) => sum + costs[row * columns + column]!, 0),
  };
}

/** The column of each of n rows, n <= m. */
function shortestPaths(cost: (row: number, column: number) => number, n: number, m: number): Int32Array {
  const rowPotential = new Float64Array(n);
  const columnPotential = new Float64Array(m);
  const columnOf = new Int32Array(n).fill(-1);
  const rowOf = new Int32Array(m).fill(-1);
  const distance = new Float64Array(m);
  const before = new Int32Array(m); // the row from which a column was reached
  const isDone = new Uint8Array(m);
  for (let start = 0; start < n; start++) {
    distance.fill(Number.POSITIVE_INFINITY);
    isDone.fill(0);
    let row = start;
    let reached = 0; // how far `row` is
    let end = -1;
    while (end < 0) {
      let nearest = -1;
      for (let column = 0; column < m; column++) {
        if (isDone[column] === 1) continue;
        const next = reached + cost(row, column) - rowPotential[row]! - columnPotential[column]!;
        if (next < distance[column]!) {
          distance[column] = next;
          before[column] = row;
        }
        // Of equally near columns a free one ends the search.
        const isNearer =
          nearest < 0 ||
          distance[column]! < distance[nearest]! ||
          (distance[column] === distance[nearest] && rowOf[column]! < 0 && rowOf[nearest]! >= 0);
        if (isNearer) nearest = column;
      }
      if (nearest < 0 || distance[nearest] === Number.POSITIVE_INFINITY)
        throw new UsageError("there is no assignment: some row has infinite costs only for what is left");
      isDone[nearest] = 1;
      reached = distance[nearest]!;
      if (rowOf[nearest]! < 0) end = nearest;
      else row = rowOf[nearest]!;
    }
    // Potentials keep reduced costs at or above zero; then the path is turned round.
    rowPotential[start]! += reached;
    for (let column = 0; column < m; column++) {
      if (isDone[column] === 0 || column === end) continue;
      rowPotential[rowOf[column]!]! += reached - distance[column]!;
      columnPotential[column]! -= reached - distance[column]!;
    }
    for (let column = end; ; ) {
      const from = before[column]!;
      const next = columnOf[from]!;
      rowOf[column] = from;
      columnOf[from] = column;
      if (from === start) break;
      column = next;
    }
  }
  return columnOf;
}
