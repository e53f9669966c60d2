import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RawImage } from "./raw-image.ts";
import { type AxisWeights, PLAIN_KERNEL, resampleKernel } from "./resample-kernel.ts";
import { RESAMPLE_SOURCE_SHA256 } from "./resample-wasm.ts";

function noise(width: number, height: number): RawImage {
  const data = new Uint8Array(width * height * 3).map((_, i) => (Math.imul(i + 1, 2654435761) >>> 11) & 255);
  return { width, height, data };
}

/** Windows that move over an axis of `size` pixels, with weights of either sign. */
function axisOf(size: number, outputs: number, taps: number, largest: number): AxisWeights {
  const stride = taps + 1;
  const at = (i: number) => (outputs === 1 ? 0 : Math.floor((i * (size - 1)) / (outputs - 1)));
  const first = Int32Array.from({ length: outputs }, (_, i) => Math.max(0, at(i) - (taps >> 1)));
  const count = first.map((start, i) => Math.min(size, Math.max(at(i) + 1, start + taps)) - start);
  const weights = new Int32Array(outputs * stride).map((_, i) => (Math.imul(i + 7, 40503) % (2 * largest)) - largest);
  return { first, count: count.map((n) => Math.min(n, stride)), weights, stride };
}

const kernel = resampleKernel();

function expectSame(actual: RawImage, expected: RawImage): void {
  expect([actual.width, actual.height]).toEqual([expected.width, expected.height]);
  expect(Buffer.compare(actual.data, expected.data)).toBe(0);
}

test("this engine has WebAssembly with SIMD, so that the tests below compare two kernels", () => {
  expect(kernel).not.toBe(PLAIN_KERNEL);
});

test("both kernels give the same bytes, whatever the sizes and weights", () => {
  const size = fc.integer({ min: 1, max: 60 });
  const taps = fc.integer({ min: 1, max: 20 });
  const largest = fc.constantFrom(1, 300, 1 << 11, 1 << 17, 1 << 22, 5_000_000);
  fc.assert(
    fc.property(size, size, size, taps, largest, fc.nat(), (width, height, outputs, n, most, from) => {
      const image = noise(width, height);
      const axis = axisOf(width, outputs, n, most);
      const row = from % height;
      expectSame(kernel.columns(image, axis, row, height - row), PLAIN_KERNEL.columns(image, axis, row, height - row));
      const down = axisOf(height, outputs, n, most);
      expectSame(kernel.rows(image, down, 0), PLAIN_KERNEL.rows(image, down, 0));
    }),
  );
});

test("pictures that need many bands, and outputs of ten thousand pixels", () => {
  for (const image of [noise(700, 900), noise(30_000, 3), noise(3, 30_000)]) {
    const across = axisOf(image.width, 5, 10_001, 4000);
    const down = axisOf(image.height, 5, 10_001, 4000);
    expectSame(kernel.columns(image, across, 0, image.height), PLAIN_KERNEL.columns(image, across, 0, image.height));
    expectSame(kernel.rows(image, down, 0), PLAIN_KERNEL.rows(image, down, 0));
  }
});

test("the compiled module is of the source beside it (otherwise: node scripts/build-wasm.mjs)", () => {
  const source = readFileSync(resolve(import.meta.dirname, "../../wasm/resample.ts"));
  expect(createHash("sha256").update(source).digest("hex")).toBe(RESAMPLE_SOURCE_SHA256);
});
