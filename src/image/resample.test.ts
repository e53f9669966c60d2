import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LimitError, UsageError } from "../errors.ts";
import type { RawImage } from "./raw-image.ts";
import { copyWindow, RESAMPLE_FILTERS, type ResampleFilter, resample, resampleMatrix } from "./resample.ts";

/** A picture of noise from a small hash: no two rows or columns alike. */
function noise(width: number, height: number): RawImage {
  const data = new Uint8Array(width * height * 3).map((_, i) => (Math.imul(i + 1, 2654435761) >>> 11) & 255);
  return { width, height, data };
}

const side = fc.integer({ min: 1, max: 40 });
const filter = fc.constantFrom<ResampleFilter>(...RESAMPLE_FILTERS);

describe("resample", () => {
  test("a window is the crop of the whole, for every filter and size", () => {
    fc.assert(
      fc.property(
        side,
        side,
        side,
        side,
        filter,
        fc.nat(),
        fc.nat(),
        fc.nat(),
        fc.nat(),
        (w, h, W, H, f, a, b, c, d) => {
          const image = noise(w, h);
          const x = a % W;
          const y = b % H;
          const window = { x, y, width: 1 + (c % (W - x)), height: 1 + (d % (H - y)) };
          const whole = resample(image, W, H, { filter: f });
          expect(resample(image, W, H, { filter: f, window })).toEqual(copyWindow(whole, window));
        },
      ),
    );
  });

  test("one colour stays that colour", () => {
    fc.assert(
      fc.property(side, side, side, side, filter, fc.integer({ min: 0, max: 255 }), (w, h, W, H, f, value) => {
        const image = { width: w, height: h, data: new Uint8Array(w * h * 3).fill(value) };
        expect(resample(image, W, H, { filter: f }).data.every((byte) => byte === value)).toBe(true);
      }),
    );
  });

  test("the same size is a copy, not the same bytes", () => {
    const image = noise(5, 4);
    const same = resample(image, 5, 4, { filter: "lanczos" });
    expect(same).toEqual(image);
    expect(same.data).not.toBe(image.data);
  });

  test("the corner of an enormous result costs only that corner", () => {
    const window = { x: 1_000_000, y: 2_000_000, width: 4, height: 4 };
    const corner = resample(noise(3, 3), 10_000_000, 10_000_000, { window, filter: "bicubic" });
    expect(corner.data.length).toBe(48);
  });

  test("what makes no sense is refused", () => {
    const image = noise(10, 10);
    expect(() => resample(image, 0, 5)).toThrow(UsageError);
    expect(() => resample(image, 5, 2.5)).toThrow(UsageError);
    expect(() => resample(image, 5, 5, { box: [0, 0, 11, 10] })).toThrow(UsageError);
    expect(() => resample(image, 5, 5, { box: [4, 0, 4, 10] })).toThrow(UsageError);
    expect(() => resample(image, 5, 5, { box: [Number.NaN, 0, 4, 10] })).toThrow(UsageError);
    expect(() => resample(image, 5, 5, { window: { x: 3, y: 0, width: 3, height: 1 } })).toThrow(UsageError);
    expect(() => resample(image, 100_000, 100_000)).toThrow(LimitError);
  });
});

test("as matrices: rows x picture x columns, apart from two roundings", () => {
  fc.assert(
    fc.property(side, side, side, side, filter, (w, h, W, H, f) => {
      const grey = noise(w, h);
      const expected = resample(grey, W, H, { filter: f });
      const columns = resampleMatrix(w, W, f);
      const rows = resampleMatrix(h, H, f);
      for (let y = 0; y < H; y++)
        expect(rows.subarray(y * h, (y + 1) * h).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      // Clipped between the passes, as bytes are.
      const clipped = (value: number) => Math.min(255, Math.max(0, value));
      const narrow = Array.from({ length: h * W }, (_, i) => {
        const [y, x] = [Math.floor(i / W), i % W];
        let sum = 0;
        for (let j = 0; j < w; j++) sum += columns[x * w + j]! * grey.data[3 * (y * w + j)]!;
        return clipped(sum);
      });
      for (let y = 0; y < H; y++)
        for (let x = 0; x < W; x++) {
          let sum = 0;
          for (let j = 0; j < h; j++) sum += rows[y * h + j]! * narrow[j * W + x]!;
          expect(Math.abs(clipped(sum) - expected.data[3 * (y * W + x)]!)).toBeLessThan(1.4);
        }
    }),
    { numRuns: 40 },
  );
});
