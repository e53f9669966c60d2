import { expect, test } from "vitest";
import { UsageError } from "../errors.ts";
import { RandomSource } from "../random.ts";
import { accuracyOf } from "./cross-validation.ts";
import { type FeatureMatrix, featureMatrix, unitRows } from "./feature-matrix.ts";
import { decisions } from "./heads.ts";
import { fitPriorMeans, meansFrom } from "./prior-means.ts";

const WIDTH = 32;
const CLASSES = 6;

/** As a CLIP has them: a direction a class, pictures around theirs, texts a little beside it and all of them far from all pictures. */
function problem(perClass: readonly number[], seed: number, gap = 2) {
  const random = new RandomSource(seed, "towers");
  const normals = (deviation: number) => Float64Array.from({ length: WIDTH }, () => deviation * random.normal());
  const middle = normals(1);
  const apart = normals(gap);
  const centres = Array.from({ length: CLASSES }, () => normals(0.5));
  const near = (c: number, deviation: number, offset?: Float64Array) =>
    normals(deviation).map((value, i) => value + centres[c]![i]! + middle[i]! + (offset?.[i] ?? 0));
  const rows = (counts: readonly number[]) => {
    const targets = counts.flatMap((count, c) => Array.from({ length: count }, () => c));
    return { features: matrix(targets.map((c) => near(c, 0.7))), targets: Int32Array.from(targets) };
  };
  const priors = matrix(centres.map((_, c) => near(c, 0.25, apart)));
  const test = rows(Array.from({ length: CLASSES }, () => 50));
  return { given: { ...rows(perClass), classes: CLASSES, priors }, test };
}

function matrix(vectors: readonly Float64Array[]): FeatureMatrix {
  const data = new Float64Array(vectors.length * WIDTH);
  vectors.forEach((vector, i) => {
    data.set(vector, i * WIDTH);
  });
  return unitRows(featureMatrix(vectors.length, WIDTH, data));
}

const each = (count: number) => Array.from({ length: CLASSES }, () => count);

/** Share of unseen rows that are answered rightly, over several draws. */
async function accuracy(perClass: readonly number[], learn: typeof fitHead): Promise<number> {
  let sum = 0;
  for (let seed = 0; seed < 5; seed++) {
    const { given, test } = problem(perClass, seed);
    sum += accuracyOf(decisions(await learn(given), test.features), test.targets, CLASSES) / 5;
  }
  return sum;
}
const fitHead = async (given: ReturnType<typeof problem>["given"]) => (await fitPriorMeans(given, { seed: 0 })).head;
const fitRows: typeof fitHead = async (given) => (await fitPriorMeans(given, { seed: 0, weight: 1e-9 })).head;

test.each([1, 2])("%i rows a class and its prior are better than the rows alone", async (count) => {
  const withPriors = await accuracy(each(count), fitHead);
  const alone = await accuracy(each(count), fitRows);
  expect(withPriors).toBeGreaterThan(alone + 0.1);
});

test("many rows outvote priors that say nothing", async () => {
  const { given, test } = problem(each(20), 3);
  const other = { ...given, priors: problem(each(1), 99).given.priors };
  const { head } = await fitPriorMeans(other, { seed: 0 });
  const { head: plain } = await fitPriorMeans(given, { seed: 0, weight: 1e-9 });
  const right = (of: typeof head) => accuracyOf(decisions(of, test.features), test.targets, CLASSES);
  expect(right(head)).toBeGreaterThan(right(plain) - 0.03);
});

test("a class without rows is found by its prior, however far priors are from rows", async () => {
  const { given, test } = problem([0, 4, 4, 4, 4, 4], 1, 5);
  const { head } = await fitPriorMeans(given, { seed: 0 });
  const scores = decisions(head, test.features).subarray(0, 50 * CLASSES);
  expect(accuracyOf(scores, new Int32Array(50), CLASSES)).toBeGreaterThan(0.5);
});

test("where all priors are moved or stretched alike, nothing changes; a prior counts as its weight says", () => {
  const features = featureMatrix(3, 2, Float64Array.of(1, 0, 3, 0, 0, 5));
  const targets = Int32Array.of(0, 0, 1);
  const priors = featureMatrix(2, 2, Float64Array.of(10, 10, 10, 12));
  // Middles: means (1, 2.5), priors (10, 11). From there the means are (1, -2.5) and (-1, 2.5), the priors (0, -1) and (0, 1), so 2.5 times that.
  const means = [(4 + 2 * 1) / 4, (2 * 0) / 4, (2 * 1) / 3, (5 + 2 * 5) / 3];
  for (const [stretch, move] of [
    [1, 0],
    [1, -7],
    [0.1, 3],
  ] as const) {
    const like = Float64Array.from(priors.data, (value) => stretch * value + move);
    meansFrom(features, targets, featureMatrix(2, 2, like), 2).forEach((value, i) => {
      expect(value).toBeCloseTo(means[i]!, 12);
    });
  }
});

test.each<[string, (given: ReturnType<typeof problem>["given"]) => Promise<unknown>, RegExp]>([
  ["a weight of nothing", (given) => fitPriorMeans(given, { seed: 0, weight: 0 }), /weight .* is 0/],
  ["NaN for a weight", (given) => fitPriorMeans(given, { seed: 0, weight: Number.NaN }), /weight .* is NaN/],
  [
    "priors of another width",
    (given) => fitPriorMeans({ ...given, priors: featureMatrix(CLASSES, 1, new Float64Array(CLASSES)) }, { seed: 0 }),
    /features/,
  ],
  [
    "no rows",
    ({ priors }) =>
      fitPriorMeans(
        {
          features: featureMatrix(0, WIDTH, new Float64Array(0)),
          targets: new Int32Array(0),
          classes: CLASSES,
          priors,
        },
        { seed: 0 },
      ),
    /fewer than two pictures/,
  ],
])("refuses %s", async (_, run, message) => {
  const running = run(problem(each(2), 0).given);
  await expect(running).rejects.toThrow(UsageError);
  await expect(running).rejects.toThrow(message);
});
