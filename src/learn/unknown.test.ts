// What a row is to a covariance that has not seen it, in closed form, is what fitting without it gives.
import fc from "fast-check";
import { expect, test } from "vitest";
import { RandomSource } from "../random.ts";
import { type FeatureMatrix, featureMatrix, selectRows } from "./feature-matrix.ts";
import { fitMahalanobis, leftOutDistances, mahalanobisDistances, unknownThreshold } from "./unknown.ts";

function drawn(seed: number, rows: number, width: number, classes: number) {
  const random = new RandomSource(seed, "unknown");
  const targets = Int32Array.from({ length: rows }, (_, row) => row % classes);
  const data = Float64Array.from(
    { length: rows * width },
    (_, at) => random.normal() + 3 * Math.sin(targets[Math.floor(at / width)]! * 7 + (at % width)),
  );
  return { features: featureMatrix(rows, width, data), targets };
}

function refitted(features: FeatureMatrix, targets: Int32Array, classes: number, shrinkage: number): Float64Array {
  const rows = [...targets.keys()];
  return Float64Array.from(rows, (row) => {
    const others = rows.filter((other) => other !== row);
    const targetsOfOthers = Int32Array.from(others, (other) => targets[other]!);
    const model = fitMahalanobis(selectRows(features, others), targetsOfOthers, classes, shrinkage);
    return mahalanobisDistances(model, selectRows(features, [row])).distances[0]!;
  });
}

test("distances of rows left out are those of fits without them", () => {
  const shapes = fc.record({
    seed: fc.nat(),
    width: fc.integer({ min: 1, max: 5 }),
    classes: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(shapes, ({ seed, width, classes }) => {
      const { features, targets } = drawn(seed, 24, width, classes);
      const model = fitMahalanobis(features, targets, classes, 0);
      const actual = leftOutDistances(model, features, targets, 0);
      refitted(features, targets, classes, 0).forEach((expected, row) => {
        expect(Math.abs(actual[row]! / expected - 1)).toBeLessThan(1e-6);
      });
    }),
    { numRuns: 30 },
  );
});

test("with more features than rows a threshold calls as many known rows unknown as was asked", () => {
  const [rows, width, classes, shrinkage] = [60, 90, 3, 0.1];
  const { features, targets } = drawn(5, rows, width, classes);
  const model = fitMahalanobis(features, targets, classes, shrinkage);
  const actual = leftOutDistances(model, features, targets, shrinkage);
  refitted(features, targets, classes, shrinkage).forEach((expected, row) => {
    expect(Math.abs(actual[row]! / expected - 1)).toBeLessThan(2 / rows);
  });
  const fresh = drawn(6, 600, width, classes).features;
  const { distances } = mahalanobisDistances(model, fresh);
  const threshold = unknownThreshold(actual, 0.1);
  const unknown = distances.filter((distance) => distance > threshold).length / fresh.rows;
  expect(unknown).toBeGreaterThan(0.02);
  expect(unknown).toBeLessThan(0.25);
});
