import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { ImageError } from "../errors.ts";
import { type Pixels, rgbPixels } from "./pixels.ts";

/** As a program without types would hand them over. */
const given = (width: unknown, height: unknown, data: unknown, channels?: unknown): Pixels =>
  ({ width, height, data, ...(channels === undefined ? {} : { channels }) }) as Pixels;

test("RGB stays the very same picture", () => {
  const image = { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  expect(rgbPixels(image)).toBe(image);
});

test("RGBA, such as a canvas's ImageData, is laid over the background", () => {
  const data = Uint8ClampedArray.of(10, 20, 30, 255, 10, 20, 30, 0, 255, 0, 0, 128);
  expect([...rgbPixels(given(3, 1, data)).data]).toEqual([10, 20, 30, 255, 255, 255, 255, 127, 127]);
  expect([...rgbPixels(given(3, 1, data), [0, 0, 255]).data]).toEqual([10, 20, 30, 0, 0, 255, 128, 0, 127]);
});

test("grey only when said so", () => {
  const data = Uint8Array.of(7, 200);
  expect([...rgbPixels(given(2, 1, data, 1)).data]).toEqual([7, 7, 7, 200, 200, 200]);
  expect(() => rgbPixels(given(2, 1, data))).toThrow(/needs 6 \(RGB\) or 8 \(RGBA\) bytes, got 2/);
});

test.each([
  ["clamped bytes", Uint8ClampedArray.of(1, 2, 3)],
  ["a Buffer", Buffer.of(1, 2, 3)],
  ["an ArrayBuffer", Uint8Array.of(1, 2, 3).buffer],
  ["a DataView", new DataView(Uint8Array.of(9, 1, 2, 3).buffer, 1)],
  ["shared memory", Object.assign(new Uint8Array(new SharedArrayBuffer(3)), [1, 2, 3])],
  ["another realm's array", runInNewContext("Uint8Array.of(1, 2, 3)")],
])("%s", (_name, data) => {
  const { data: rgb } = rgbPixels(given(1, 1, data));
  expect(rgb).toBeInstanceOf(Uint8Array);
  expect([...rgb]).toEqual([1, 2, 3]);
});

test.each([
  [given(10, 10, new Uint8Array(10)), "a 10 x 10 picture needs 300 (RGB) or 400 (RGBA) bytes, got 10"],
  [given(10, 10, new Uint8Array(0)), "a 10 x 10 picture needs 300 (RGB) or 400 (RGBA) bytes, got 0"],
  [given(10, 10, new Uint8Array(200)), "got 200"],
  [given(10, 10, new Uint8Array(300), 4), "a 10 x 10 picture of 4 channels needs 400 bytes, got 300"],
  [given(10, 10, new Uint8Array(300), 1), "a 10 x 10 picture of 1 channel needs 100 bytes, got 300"],
  [given(10, 10, new Uint8Array(200), 2), "1 (grey), 3 (RGB) or 4 (RGBA) channels, got the number 2"],
  [given(1, 1, new Float32Array(3)), "this is a Float32Array"],
  [given(1, 1, new Float64Array(3)), "this is a Float64Array"],
  [given(1, 1, new Uint16Array(3)), "this is a Uint16Array"],
  [given(1, 1, [1, 2, 3]), "this is an array"],
  [given(1, 1, undefined), "this is undefined"],
  [given(0, 1, new Uint8Array(0)), "got 0 x 1"],
  [given(1.5, 2, new Uint8Array(9)), "got 1.5 x 2"],
  [given("1", 1, new Uint8Array(3)), "got 1 x 1"],
  [given(undefined, 1, new Uint8Array(3)), "got undefined x 1"],
  [given(Number.NaN, 1, new Uint8Array(3)), "got NaN x 1"],
  [null as unknown as Pixels, "this is null"],
])("%# is refused in words: %s", (pixels, message) => {
  const thrown = (() => {
    try {
      return rgbPixels(pixels);
    } catch (error) {
      return error as ImageError;
    }
  })();
  expect(thrown).toBeInstanceOf(ImageError);
  expect(thrown).toMatchObject({ code: "image_pixels", message: expect.stringContaining(message) });
});
