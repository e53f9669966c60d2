import { expect, test } from "vitest";
import { RandomSource } from "../random.ts";
import type { RawImage } from "./raw-image.ts";
import { jigsaw, squarePicture } from "./scene.ts";

/** Every pixel another colour. */
function gradient(width: number, height: number): RawImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set([i % width, Math.floor(i / width), 128], i * 3);
  return { width, height, data };
}

test("a jigsaw has about the size of its picture, all of its tiles and not their order", () => {
  const picture = gradient(64, 64);
  for (let seed = 0; seed < 5; seed++) {
    const puzzle = jigsaw(picture, new RandomSource(seed));
    expect(puzzle.width).toBe(puzzle.height);
    expect(puzzle.width).toBeGreaterThanOrEqual(48);
    expect(puzzle.width).toBeLessThanOrEqual(80);
    const tile = puzzle.width / 8;
    const centers = Array.from({ length: 64 }, (_, i) => {
      const x = (i % 8) * tile + (tile >> 1);
      const y = Math.floor(i / 8) * tile + (tile >> 1);
      const [red, green] = puzzle.data.subarray((y * puzzle.width + x) * 3);
      return Math.floor(green! / 8) * 8 + Math.floor(red! / 8);
    });
    expect([...centers].sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => i));
    expect(centers.filter((from, to) => from === to).length).toBeLessThan(8);
  }
});

test("squares are cut out of the middle", () => {
  const square = squarePicture(gradient(30, 10), 10);
  expect([square.width, square.height]).toEqual([10, 10]);
  expect([...square.data.subarray(0, 3)]).toEqual([10, 0, 128]);
  expect([...square.data.subarray(-3)]).toEqual([19, 9, 128]);
});
