import { expect, test } from "vitest";
import { SessionError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { RandomSource } from "../../random.ts";
import { tensor } from "../../tensor.ts";
import { countTiles, restoreTiled } from "./tiled.ts";
import { axisTiles } from "./tiles.ts";

const PLAIN = { mean: [0, 0, 0], std: [1, 1, 1] };

function noise(width: number, height: number): RawImage {
  const random = new RandomSource(1, "picture");
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height * 3 }, () => Math.floor(256 * random.uniform())),
  };
}

/** Each pixel becomes the mean of the square of cells that it lies in, and of what is left and right of it: as far as a network of averages and small kernels sees. */
function local(values: Float32Array, width: number, height: number): Float32Array {
  const out = new Float32Array(values.length);
  const cell = 32;
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const at = (row: number, column: number) => values[channel * width * height + row * width + column] ?? 0;
        const [top, left] = [Math.floor(y / cell) * cell, Math.floor(x / cell) * cell];
        let sum = 0;
        for (let i = 0; i < cell; i += 8) for (let j = 0; j < cell; j += 8) sum += at(top + i, left + j);
        const beside = (at(y, Math.max(0, x - 3)) + at(y, Math.min(width - 1, x + 3))) / 2;
        out[channel * width * height + y * width + x] = (at(y, x) + beside + sum / 16) / 3;
      }
  return out;
}

const options = (tile: number, change: (values: Float32Array, width: number, height: number) => Float32Array) => ({
  tile: { width: tile, height: tile },
  overlap: 96,
  normalization: PLAIN,
  run: async (values: Float32Array) => tensor("float32", [1, 3, tile, tile], change(values, tile, tile)),
});

test("every pixel is shared out among tiles, which begin at multiples of 32 and say nothing at their inner ends", () => {
  for (const length of [1, 100, 256, 257, 300, 1000, 3840]) {
    const tiles = axisTiles(length, 256, 96);
    const sums = new Float64Array(length);
    for (const { at, shares } of tiles) {
      expect(at % 32).toBe(0);
      shares.forEach((share, x) => {
        if (share > 0) sums[at + x]! += share;
      });
    }
    for (const sum of sums) expect(sum).toBeCloseTo(1, 5);
    for (const { shares } of tiles.slice(1))
      expect([...shares.subarray(0, 32)].every((share) => share === 0)).toBe(true);
  }
  expect(axisTiles(3840, 384, 96)).toHaveLength(13);
});

test.each([
  [1, 1],
  [40, 300],
  [257, 256],
  [471, 289],
])("nothing changed in tiles of a picture of %d x %d gives the picture", async (width, height) => {
  const picture = noise(width, height);
  const restored = await restoreTiled(
    picture,
    options(256, (values) => values),
  );
  expect([restored.width, restored.height]).toEqual([width, height]);
  expect(restored.data.every((value, i) => value === picture.data[i])).toBe(true);
});

test("what sees no further than 32 pixels does the same in tiles as at once", async () => {
  const picture = noise(640, 416);
  const inTiles = await restoreTiled(picture, options(256, local));
  const [width, height] = [640, 416];
  const whole = {
    ...options(256, local),
    tile: { width, height },
    run: async (values: Float32Array) => tensor("float32", [1, 3, height, width], local(values, width, height)),
  };
  const atOnce = await restoreTiled(picture, whole);
  expect(countTiles(picture, whole)).toBe(1);
  expect(countTiles(picture, options(256, local))).toBe(4 * 2);
  const differences = atOnce.data.map((value, i) => Math.abs(value - inTiles.data[i]!));
  expect(Math.max(...new Set(differences))).toBeLessThanOrEqual(1);
});

test("values are normalised for the model, and pictures of it are cut to what pixels can be", async () => {
  const picture = { width: 1, height: 1, data: Uint8Array.of(0, 51, 255) };
  const seen: number[] = [];
  const restored = await restoreTiled(picture, {
    ...options(32, (values) => {
      for (const channel of [0, 1, 2]) seen.push(values[channel * 1024]!);
      return Float32Array.from({ length: 3 * 1024 }, (_, i) => [-1, 0.5, 7][Math.floor(i / 1024)]!);
    }),
    normalization: { mean: [0.5, 0.2, 0], std: [0.5, 1, 2] },
  });
  for (const [i, value] of [-1, 0, 0.5].entries()) expect(seen[i]).toBeCloseTo(value, 6);
  expect([...restored.data]).toEqual([0, 128, 255]);
});

test("a model that gives no picture of the tile's size, or no numbers, is told", async () => {
  const picture = noise(20, 20);
  const small = {
    ...options(32, (values) => values),
    run: async () => tensor("float32", [1, 3, 16, 16], new Float32Array(768)),
  };
  await expect(restoreTiled(picture, small)).rejects.toThrow(SessionError);
  await expect(
    restoreTiled(
      picture,
      options(32, (values) => values.map(() => Number.NaN)),
    ),
  ).rejects.toThrow("finite");
});
