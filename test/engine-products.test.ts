// The engine's products against plain ones.
import { expect, test } from "vitest";
import { featureMatrix } from "../src/learn/feature-matrix.ts";
import { plainProducts } from "../src/learn/products.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { engineProducts } from "../src/tasks/recognise/engine-products.ts";
import { worstDifference } from "./linear-models.ts";

const inThreeParts = engineProducts(nodeHost, { device: "cpu", threads: 1, worthwhile: 0, part: 40 });
const random = new RandomSource(1, "products");
const numbers = (count: number) => Float64Array.from({ length: count }, () => random.normal());

test("products of a matrix in three parts", async () => {
  const features = featureMatrix(
    23,
    5,
    numbers(115).map((value) => value + 3),
  );
  const [plain, engine] = [await plainProducts(features), await inThreeParts(features)];
  const [center, rotation, weights, values] = [numbers(5), numbers(25), numbers(10), numbers(46)];
  const pairs = [
    [plain, engine],
    [await plain.rotated(center, rotation), await engine.rotated(center, rotation)],
  ] as const;
  expect(worstDifference(await engine.gram(center), await plain.gram(center))).toBeLessThan(1e-3);
  for (const [expected, actual] of pairs) {
    expect(actual.precision).toBe("float32");
    expect(worstDifference(await actual.times(weights, 2), await expected.times(weights, 2))).toBeLessThan(1e-4);
    expect(
      worstDifference(await actual.transposeTimes(values, 2), await expected.transposeTimes(values, 2)),
    ).toBeLessThan(1e-3);
    expect(worstDifference(await actual.copyRows(7, 19), await expected.copyRows(7, 19))).toBeLessThan(1e-4);
    await actual.dispose();
  }
});

test("small problems stay where they are", async () => {
  const small = await engineProducts({ createSession: () => Promise.reject(new Error("not for this")) })(
    featureMatrix(4, 2, numbers(8)),
  );
  expect(small.precision).toBe("float64");
});
