// Streaming equals batch, whatever the order, on one machine or two; what is forgotten leaves no trace.
import fc from "fast-check";
import { expect, test } from "vitest";
import { RandomSource } from "../random.ts";
import { ClassStatistics } from "./class-statistics.ts";
import { type FeatureMatrix, featureMatrix, rowOf, selectRows } from "./feature-matrix.ts";
import { type LinearHead, linearScores } from "./heads/head.ts";
import { decisions, fitHead } from "./heads.ts";

const LABELS = ["dress", "hat", "shoe"];
const WIDTH = 5;

interface Data {
  readonly features: FeatureMatrix;
  readonly targets: Int32Array;
}

/** Rows of three classes; more than three of a class are kept as sums. */
function dataOf(rows: number, seed: number, width = WIDTH): Data {
  const random = new RandomSource(seed, "statistics");
  const targets = Int32Array.from({ length: rows }, (_, i) => i % 3);
  const data = Float32Array.from(
    { length: rows * width },
    (_, at) => random.normal() + 1 + targets[Math.floor(at / width)]!,
  );
  return { features: featureMatrix(rows, width, data), targets };
}

const one = (features: FeatureMatrix, row: number) => featureMatrix(1, features.width, rowOf(features, row));

function streamed({ features, targets }: Data, order: Iterable<number>): ClassStatistics {
  const statistics = new ClassStatistics(features.width);
  for (const row of order) statistics.add(LABELS[targets[row]!]!, one(features, row));
  return statistics;
}

async function headsOf(statistics: ClassStatistics): Promise<LinearHead[]> {
  return [statistics.nearestMean(), await statistics.ridge(0.7), await statistics.lda(0.2)].map(({ head }) => head);
}

function expectSame(actual: readonly LinearHead[], expected: readonly LinearHead[], tolerance = 1e-6): void {
  for (const [i, head] of actual.entries()) {
    expect(head.classes).toBe(expected[i]!.classes);
    for (const [k, value] of [...head.weight, ...head.bias].entries()) {
      const wanted = [...expected[i]!.weight, ...expected[i]!.bias][k]!;
      expect(Math.abs(value - wanted)).toBeLessThan(tolerance * (1 + Math.abs(wanted)));
    }
  }
}

const rows = fc.integer({ min: 9, max: 40 });
const seeds = fc.integer({ min: 0, max: 1e6 });
const check = (property: fc.IAsyncProperty<[number, number]>) => fc.assert(property, { numRuns: 25, seed: 7 });

test.each([WIDTH, 30])("as the fits on all rows, of %i features", async (width) => {
  const { features, targets } = dataOf(20, 3, width);
  const statistics = streamed({ features, targets }, targets.keys());
  const batch = await Promise.all(
    (["nearest-mean", "ridge", "lda"] as const).map((name) =>
      fitHead(name, features, targets, 3, { alpha: 0.7, shrinkage: 0.2, seed: 0 }),
    ),
  );
  const [means, ridge, lda] = await headsOf(statistics);
  expectSame([means!, ridge!], batch.slice(0, 2) as LinearHead[]);
  // What all classes share of a discriminant is nobody's: differences are compared.
  const difference = (scores: Float64Array) => scores.map((value, at) => value - scores[at - (at % 3)]!);
  const expected = difference(decisions(batch[2]!, features));
  for (const [at, value] of difference(linearScores(lda!, features)).entries())
    expect(value).toBeCloseTo(expected[at]!, 6);
});

test("in any order", () =>
  check(
    fc.asyncProperty(rows, seeds, async (count, seed) => {
      const data = dataOf(count, seed);
      const shuffled = new RandomSource(seed, "order").shuffle([...data.targets.keys()]);
      expectSame(await headsOf(streamed(data, shuffled)), await headsOf(streamed(data, data.targets.keys())));
    }),
  ));

test("two machines add up to one", () =>
  check(
    fc.asyncProperty(rows, seeds, async (count, seed) => {
      const data = dataOf(count, seed);
      const first = new RandomSource(seed, "machine");
      const [here, there] = [[], []] as [number[], number[]];
      for (const row of data.targets.keys()) (first.chance(0.5) ? here : there).push(row);
      const merged = streamed(data, here);
      merged.merge(streamed(data, there));
      expectSame(await headsOf(merged), await headsOf(streamed(data, data.targets.keys())));
    }),
  ));

test("what is taken out was never there", () =>
  check(
    fc.asyncProperty(rows, seeds, async (count, seed) => {
      const data = dataOf(count + 3, seed);
      const statistics = streamed(data, data.targets.keys());
      const extra = new RandomSource(seed, "out").shuffle([...data.targets.keys()]).slice(0, 3);
      for (const row of extra) statistics.remove(LABELS[data.targets[row]!]!, one(data.features, row));
      const kept = [...data.targets.keys()].filter((row) => !extra.includes(row));
      fc.pre(new Set(kept.map((row) => data.targets[row])).size === 3);
      expectSame(await headsOf(statistics), await headsOf(streamed(data, kept)));
    }),
  ));

test("a forgotten class leaves no trace", () => {
  const data = dataOf(30, 5);
  const statistics = streamed(data, data.targets.keys());
  statistics.forget("hat");
  const without = streamed(
    data,
    [...data.targets.keys()].filter((row) => data.targets[row] !== 1),
  );
  expect(statistics.labels).toEqual(["dress", "shoe"]);
  expect([...statistics.tensors()]).toEqual([...without.tensors()]);
  expect(() => statistics.forget("hat")).toThrow('there is no class "hat"');
});

test("memory is bounded: rows, then the sums of their products", () => {
  const data = dataOf(27, 6);
  const few = streamed(data, [0, 3, 6]).tensors();
  expect(few.get("dress/rows")!.shape).toEqual([3, WIDTH]);
  const many = streamed(data, [0, 3, 6, 9, 12, 15, 18]).tensors();
  expect([...many.keys()]).toEqual(["dress/count", "dress/sum", "dress/products"]);
  expect(many.get("dress/products")!.shape).toEqual([(WIDTH * (WIDTH + 1)) / 2]);
});

test("saved and read again, it goes on as before", async () => {
  const data = dataOf(14, 8);
  const all = streamed(data, data.targets.keys());
  const read = ClassStatistics.from(WIDTH, all.tensors());
  expect([...read.tensors()]).toEqual([...all.tensors()]);
  const more = dataOf(6, 9);
  for (const statistics of [all, read]) statistics.add("hat", more.features);
  expectSame(await headsOf(read), await headsOf(all), 1e-12);
  const damaged = new Map(all.tensors());
  damaged.delete("dress/products");
  damaged.delete("dress/rows");
  expect(() => ClassStatistics.from(WIDTH, damaged)).toThrow('class "dress" are incomplete');
});

test("a class may begin with a prior, which pictures outweigh", () => {
  const statistics = new ClassStatistics(2);
  statistics.add("a", featureMatrix(3, 2, Float64Array.of(1, 0, 1, 0, 1, 0)));
  const vectors = new Map([
    ["a", Float64Array.of(0, 1)],
    ["b", Float64Array.of(0, -1)],
  ]);
  const { labels, head } = statistics.nearestMean({ vectors, weight: 1 });
  expect(labels).toEqual(["a", "b"]);
  // Means (3/4, 1/4) and (0, -1): 2 (b - a) and |a|² - |b|².
  expect([...head.weight]).toEqual([0, 0, -1.5, -2.5]);
  expect(head.bias[1]).toBeCloseTo(0.625 - 1, 12);
});

test("what cannot be added or taken out is said", () => {
  const { features } = dataOf(9, 1);
  const statistics = new ClassStatistics(WIDTH);
  expect(() => statistics.add("a", featureMatrix(1, 2, new Float64Array(2)))).toThrow(
    "2 features, and the statistics are of 5",
  );
  expect(() => statistics.add("a", featureMatrix(1, WIDTH, new Float64Array(WIDTH).fill(Number.NaN)))).toThrow("NaN");
  expect(() => statistics.nearestMean()).toThrow("there are no classes");
  statistics.add("a", selectRows(features, [0, 1]));
  expect(() => statistics.nearestMean()).toThrow("there is one class");
  expect(() => statistics.remove("a", one(features, 5))).toThrow('row 0 was never added to class "a"');
  expect(() => statistics.remove("a", features)).toThrow("has 2 rows, and 9 are to be taken out");
  expect(() => statistics.remove("b", features)).toThrow('there is no class "b"');
  expect(statistics.countOf("a")).toBe(2);
  expect(() => statistics.merge(new ClassStatistics(3))).toThrow("3 features cannot be added to those of 5");
});
