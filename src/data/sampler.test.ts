import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../errors.ts";
import { type BatchPlan, type BatchPosition, createSampler, type Sampler, type SamplerOptions } from "./sampler.ts";

/** `sizes[c]` pictures of class c. */
const data = (...sizes: number[]) => ({
  length: sizes.reduce((sum, size) => sum + size, 0),
  labels: sizes.map(String),
  targets: Int32Array.from(sizes.flatMap((size, label) => Array<number>(size).fill(label))),
});

function walk(sampler: Sampler, from: BatchPosition, count: number): BatchPlan[] {
  const plans: BatchPlan[] = [];
  for (let position = from; plans.length < count; position = sampler.after(position))
    plans.push(sampler.plan(position));
  return plans;
}

const options: fc.Arbitrary<SamplerOptions> = fc.record({
  batchSize: fc.integer({ min: 1, max: 9 }),
  seed: fc.nat(),
  repeats: fc.integer({ min: 1, max: 4 }),
  balanced: fc.boolean(),
  last: fc.constantFrom("wrap" as const, "keep" as const),
  mix: fc.constant({ mixupAlpha: 0.8, cutmixAlpha: 1 }),
});

describe("sampler", () => {
  test("going on from anywhere is the same as never having stopped", () => {
    fc.assert(
      fc.property(options, fc.integer({ min: 1, max: 20 }), (choice, size) => {
        const set = data(size, 3, 0, 7);
        const unbroken = walk(createSampler(set, choice), { epoch: 0, index: 0 }, 12);
        unbroken.forEach(({ epoch, index }, place) => {
          expect(walk(createSampler(set, choice), { epoch, index }, 12 - place)).toEqual(unbroken.slice(place));
        });
      }),
      { numRuns: 30 },
    );
  });

  test("an epoch has every picture once, in another order than the last", () => {
    const sampler = createSampler(data(10, 11), { batchSize: 5, seed: 1, last: "keep" });
    const epoch = (number: number) =>
      walk(sampler, { epoch: number, index: 0 }, sampler.batchesPerEpoch).flatMap(({ items }) => [...items]);
    expect(epoch(0).toSorted((a, b) => a - b)).toEqual([...Array(21).keys()]);
    expect(epoch(0)).not.toEqual(epoch(1));
    expect(epoch(0)).toEqual([...sampler.order(0)]);
    expect([...createSampler(data(4), { batchSize: 2, seed: 1, shuffle: false }).order(9)]).toEqual([0, 1, 2, 3]);
  });

  test("what becomes of the last batch", () => {
    const last = (policy: SamplerOptions["last"]) => {
      const sampler = createSampler(data(7), {
        batchSize: 3,
        seed: 0,
        shuffle: false,
        ...(policy && { last: policy }),
      });
      return [...sampler.plan({ epoch: 0, index: sampler.batchesPerEpoch - 1 }).items];
    };
    expect(last(undefined)).toEqual([3, 4, 5]);
    expect(last("drop")).toEqual([3, 4, 5]);
    expect(last("wrap")).toEqual([6, 0, 1]);
    expect(last("pad")).toEqual([6, -1, -1]);
    expect(last("keep")).toEqual([6]);
    const tiny = createSampler(data(2), { batchSize: 5, seed: 0, shuffle: false, last: "wrap" });
    expect([...tiny.plan({ epoch: 0, index: 0 }).items]).toEqual([0, 1, 0, 1, 0]);
  });

  test("repeated augmentation: each picture r times in a row, as many slots as before", () => {
    const order = createSampler(data(12), { batchSize: 4, seed: 3, repeats: 3 }).order(0);
    expect(order).toHaveLength(12);
    for (let place = 0; place < 12; place += 3) expect(new Set(order.slice(place, place + 3)).size).toBe(1);
    expect(new Set(order).size).toBe(4);
  });

  test("balanced classes: as many of each, none twice before all once", () => {
    const set = data(2, 20, 0, 8);
    const order = [...createSampler(set, { batchSize: 1, seed: 4, balanced: true }).order(0)];
    const perClass = [0, 1, 3].map((label) => order.filter((item) => set.targets[item] === label));
    expect(perClass.map((items) => items.length)).toEqual([10, 10, 10]);
    expect(order.filter((item) => item === 0)).toHaveLength(5);
    expect(new Set(perClass[1]).size).toBe(10);
    expect(new Set(perClass[2]).size).toBe(8);
  });

  test("mixing is drawn anew for every batch", () => {
    const sampler = createSampler(data(100), { batchSize: 2, seed: 5, mix: { mixupAlpha: 0.8, cutmixAlpha: 1 } });
    const lambdas = walk(sampler, { epoch: 0, index: 0 }, 100).map((plan) => plan.mixing?.lambda);
    expect(new Set(lambdas).size).toBe(100);
  });

  test("what makes no sense is refused", () => {
    const make = (choice: Partial<SamplerOptions>, set = data(3)) =>
      createSampler(set, { batchSize: 2, seed: 0, ...choice });
    expect(() => make({ batchSize: 4 })).toThrow("3 pictures do not fill a batch of 4");
    expect(() => make({ batchSize: 0 })).toThrow(UsageError);
    expect(() => make({ repeats: 0.5 })).toThrow(UsageError);
    expect(() => make({ seed: -1 })).toThrow(UsageError);
    expect(() => make({}, data(0))).toThrow("no pictures");
    expect(() => make({ shuffle: false, balanced: true })).toThrow(UsageError);
    expect(() => make({ last: "pad", mix: { mixupAlpha: 1, cutmixAlpha: 0 } })).toThrow("blank rows");
    expect(() => make({}).plan({ epoch: 0, index: 1 })).toThrow(UsageError);
    expect(() => make({}).plan({ epoch: -1, index: 0 })).toThrow(UsageError);
  });
});
