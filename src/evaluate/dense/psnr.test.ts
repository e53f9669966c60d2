import { expect, test } from "vitest";
import { UsageError } from "../../errors.ts";
import { psnr } from "./psnr.ts";

const grey = (value: number, width = 4) => ({ width, height: 3, data: new Uint8Array(width * 9).fill(value) });

test("a tenth of the range wrong everywhere is twenty decibels", () => {
  expect(psnr(grey(100), grey(100 + 25.5))).toBeCloseTo(20, 0);
  expect(psnr(grey(0), grey(255))).toBe(0);
  expect(psnr(grey(7), grey(7))).toBe(Number.POSITIVE_INFINITY);
});

test("pictures of two sizes are not compared", () => {
  expect(() => psnr(grey(0), grey(0, 5))).toThrow(UsageError);
});
