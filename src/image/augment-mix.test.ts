import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../errors.ts";
import { RandomSource } from "../random.ts";
import { type TensorData, tensor } from "../tensor.ts";
import { checkMixOptions, cutmixBox, drawMixing, mixBatch, smoothTargets } from "./augment-mix.ts";

const batch = (count: number, width: number, height: number): TensorData<"float32"> =>
  tensor(
    "float32",
    [count, 3, height, width],
    Float32Array.from({ length: count * 3 * height * width }, (_, i) => Math.floor(i / (3 * height * width))),
  );

const rowSums = ({ shape, data }: TensorData<"float32">): number[] =>
  Array.from({ length: shape[0]! }, (_, row) =>
    data.subarray(row * shape[1]!, (row + 1) * shape[1]!).reduce((sum, value) => sum + value, 0),
  );

describe("targets", () => {
  test("label smoothing as timm: off s / C, on 1 - s + s / C", () => {
    const { data } = smoothTargets([2, 0], 4, 0.1);
    expect([...data].map((value) => Number(value.toFixed(6)))).toEqual([
      0.025, 0.025, 0.925, 0.025, 0.925, 0.025, 0.025, 0.025,
    ]);
  });

  test("soft labels are smoothed too; no picture, no target", () => {
    const { data } = smoothTargets([1, -1], 2, 0.2, [[0.25, 0.75]]);
    expect([...data].map((value) => Number(value.toFixed(6)))).toEqual([0.3, 0.7, 0, 0]);
    expect(() => smoothTargets([5], 5, 0)).toThrow(UsageError);
  });
});

describe("mixing", () => {
  test("mixup blends item i with item N - 1 - i, pictures and targets alike", () => {
    const images = batch(4, 2, 1);
    const targets = smoothTargets([0, 1, 2, 3], 4, 0);
    mixBatch(images, targets, { kind: "mixup", lambda: 0.75 });
    expect([0, 6, 12, 18].map((at) => images.data[at])).toEqual([0.75, 1.25, 1.75, 2.25]);
    expect([...targets.data.subarray(0, 4)]).toEqual([0.75, 0, 0, 0.25]);
    expect([...targets.data.subarray(8, 12)]).toEqual([0, 0.25, 0.75, 0]);
  });

  test("cutmix pastes a box and corrects lambda to what of it lies inside", () => {
    const images = batch(2, 4, 4);
    const targets = smoothTargets([0, 1], 2, 0);
    // a box of 2 x 2 (lambda 0.75) around the corner pixel: one pixel of it is inside
    const mixing = { kind: "cutmix", lambda: 0.75, centerX: 0, centerY: 0 } as const;
    expect(cutmixBox(mixing, 4, 4)).toEqual({ left: 0, right: 1, top: 0, bottom: 1 });
    mixBatch(images, targets, mixing);
    expect([...images.data.subarray(0, 16)]).toEqual([1, ...Array(15).fill(0)]);
    expect([...images.data.subarray(48, 64)]).toEqual([0, ...Array(15).fill(1)]);
    expect([...targets.data]).toEqual([0.9375, 0.0625, 0.0625, 0.9375]);
  });

  test("whatever is drawn, every target sums to 1 and says what is in the picture", () => {
    const options = fc.record({
      mixupAlpha: fc.constantFrom(0, 0.2, 0.8, 1),
      cutmixAlpha: fc.constantFrom(0, 1),
      probability: fc.constantFrom(0.5, 1),
      switchProbability: fc.constantFrom(0, 0.5, 1),
    });
    fc.assert(
      fc.property(
        options,
        fc.integer({ min: 1, max: 7 }),
        fc.nat(),
        fc.constantFrom(0, 0.1),
        (mix, count, seed, smoothing) => {
          const images = batch(count, 8, 6);
          const targets = smoothTargets([...Array(count).keys()], 7, smoothing);
          const mixing = drawMixing(mix, new RandomSource(seed));
          if (mixing !== undefined) mixBatch(images, targets, mixing);
          for (const sum of rowSums(targets)) expect(sum).toBeCloseTo(1, 5);
          // item i is painted with the number i: its mean is its targets' mean, without smoothing
          if (smoothing > 0) return;
          const means = Array.from({ length: count }, (_, row) =>
            images.data.subarray(row * 144, (row + 1) * 144).reduce((sum, value) => sum + value / 144, 0),
          );
          means.forEach((mean, row) => {
            const expected = targets.data
              .subarray(row * 7, row * 7 + 7)
              .reduce((sum, value, label) => sum + value * label, 0);
            expect(mean).toBeCloseTo(expected, 4);
          });
        },
      ),
    );
  });

  test("how often which kind is drawn", () => {
    const random = new RandomSource(9);
    const kinds = Array.from({ length: 1000 }, () =>
      drawMixing({ mixupAlpha: 0.8, cutmixAlpha: 1, probability: 0.8, switchProbability: 0.25 }, random),
    ).map((mixing) => mixing?.kind ?? "none");
    const share = (kind: string) => kinds.filter((other) => other === kind).length / 1000;
    expect(share("none")).toBeCloseTo(0.2, 1);
    expect(share("mixup")).toBeCloseTo(0.6, 1);
    expect(share("cutmix")).toBeCloseTo(0.2, 1);
    expect(drawMixing({ mixupAlpha: 0, cutmixAlpha: 0 }, random)).toBeUndefined();
  });

  test("what makes no sense is refused", () => {
    expect(() => checkMixOptions({ mixupAlpha: -1, cutmixAlpha: 0 })).toThrow(UsageError);
    expect(() => checkMixOptions({ mixupAlpha: 1, cutmixAlpha: 0, probability: 2 })).toThrow(UsageError);
    expect(() => mixBatch(batch(2, 2, 2), smoothTargets([0], 2, 0), { kind: "mixup", lambda: 0.5 })).toThrow(
      UsageError,
    );
  });
});
