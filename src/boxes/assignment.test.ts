import fc from "fast-check";
import { expect, test } from "vitest";
import { loadGolden } from "../../test/golden-case.ts";
import { toFloat64 } from "../tensor.ts";
import { assign } from "./assignment.ts";

interface Problem {
  readonly shape: readonly [number, number];
  readonly kind: "plain" | "rounded" | "rank1";
  readonly cost: number;
  readonly cost_maximised: number;
}

const golden = loadGolden("detr-losses/hungarian")!;
const problems = golden.json.problems as readonly Problem[];

/** Python's round(). */
const halfToEven = (value: number) => {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2 === 0 ? 0 : 1) : Math.round(value);
};

function costsOf({ shape: [rows, columns], kind }: Problem, i: number): Float64Array {
  const hashed = toFloat64(golden.weights.get(`cost.${i}`)!);
  if (kind === "plain") return Float64Array.from(hashed);
  if (kind === "rounded") return Float64Array.from(hashed, (value) => halfToEven(2 * value) / 2);
  const quarters = (value: number) => halfToEven(4 * value) / 4;
  return Float64Array.from(
    { length: rows * columns },
    (_, at) => quarters(hashed[Math.floor(at / columns) * columns]!) * quarters(hashed[at % columns]!),
  );
}

test.each(problems.map((problem, i) => [i, problem] as const))(
  "golden %i: the least and the greatest cost",
  (i, problem) => {
    const costs = costsOf(problem, i);
    const [rows, columns] = problem.shape;
    const found = assign(costs, rows, columns);
    expect(found.cost).toBeCloseTo(problem.cost, 9);
    expect(new Set(found.columns).size).toBe(Math.min(rows, columns));
    expect(
      -assign(
        costs.map((cost) => -cost),
        rows,
        columns,
      ).cost,
    ).toBeCloseTo(problem.cost_maximised, 9);
    const stored = golden.outputs.get(`assignment.${i}`);
    if (stored === undefined) return; // of equally good ones nobody says which
    expect([...found.rows].flatMap((row, pair) => [row, found.columns[pair]!])).toEqual(Array.from(toFloat64(stored)));
  },
);

/** By trying all. */
function least(costs: readonly number[], rows: number, columns: number): number {
  if (rows > columns)
    return least(
      costs.map((_, i) => costs[(i % rows) * columns + Math.floor(i / rows)]!),
      columns,
      rows,
    );
  const from = (row: number, taken: ReadonlySet<number>): number => {
    if (row === rows) return 0;
    let best = Number.POSITIVE_INFINITY;
    for (let column = 0; column < columns; column++)
      if (!taken.has(column))
        best = Math.min(best, costs[row * columns + column]! + from(row + 1, new Set([...taken, column])));
    return best;
  };
  return from(0, new Set());
}

test("no other assignment is cheaper, ties and forbidden pairs among them", () => {
  const cost = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(Number.POSITIVE_INFINITY));
  const tables = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 }))
    .chain(([rows, columns]) =>
      fc.tuple(fc.array(cost, { minLength: rows * columns, maxLength: rows * columns }), fc.constant([rows, columns])),
    );
  fc.assert(
    fc.property(tables, ([costs, [rows, columns]]) => {
      const best = least(costs, rows!, columns!);
      if (best === Number.POSITIVE_INFINITY) expect(() => assign(costs, rows!, columns!)).toThrow("no assignment");
      else expect(assign(costs, rows!, columns!).cost).toBe(best);
    }),
    { seed: 19, numRuns: 300 },
  );
});

test("what is no cost is refused", () => {
  expect(() => assign([1, Number.NaN], 1, 2)).toThrow("row 0, column 1 is NaN");
  expect(() => assign([1, 2, 3], 2, 2)).toThrow("4 numbers, got 3");
  expect(assign([], 0, 3)).toMatchObject({ cost: 0 });
});
