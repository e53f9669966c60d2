import { describe, expect, test } from "vitest";
import { UsageError } from "../errors.ts";
import { RandomSource } from "../random.ts";
import { drawFlips, flipFrames, flipLabels, flipsOf } from "./flips.ts";

const LABELS = ["left", "right", "up", "stays"];
const PAIRS = { horizontal: [["left", "right"]], vertical: [], time: [["left", "right"]] } as const;

describe("flips", () => {
  test("exchange the labels of a pair, and leave others alone", () => {
    const flips = flipsOf(PAIRS, LABELS);
    expect([...flips.horizontal!]).toEqual([1, 0, 2, 3]);
    expect([...flips.vertical!]).toEqual([0, 1, 2, 3]);
    const softLabel = Float32Array.of(0.7, 0.1, 0, 0.2);
    const flipped = flipLabels({ label: 0, softLabel }, ["horizontal"], flips);
    expect(flipped.label).toBe(1);
    expect([...flipped.softLabel]).toEqual([...Float32Array.of(0.1, 0.7, 0, 0.2)]);
    expect(flipLabels({ label: 0, softLabel }, ["horizontal", "time"], flips)).toEqual({ label: 0, softLabel });
    expect(flipLabels({ label: -1 }, ["horizontal"], flips)).toEqual({ label: -1 });
  });

  test("along named axes alone, each in half of all cases", () => {
    const random = new RandomSource(1);
    const drawn = Array.from({ length: 400 }, () => drawFlips(flipsOf({ horizontal: [], time: [] }, LABELS), random));
    expect(new Set(drawn.map(String))).toEqual(new Set(["", "horizontal", "time", "horizontal,time"]));
    for (const axis of ["horizontal", "time"] as const)
      expect(Math.abs(drawn.filter((axes) => axes.includes(axis)).length - 200)).toBeLessThan(40);
  });

  test("turn the frames of a clip", () => {
    const frame = (value: number) => ({
      width: 2,
      height: 2,
      data: Uint8Array.from([0, 1, 2, 3].flatMap((place) => [value + place, 0, 0])),
    });
    const reds = (axes: Parameters<typeof flipFrames>[1]) =>
      flipFrames([frame(0), frame(10)], axes).map(({ data }) => [0, 3, 6, 9].map((at) => data[at]));
    expect(reds([])).toEqual([
      [0, 1, 2, 3],
      [10, 11, 12, 13],
    ]);
    expect(reds(["horizontal"])).toEqual([
      [1, 0, 3, 2],
      [11, 10, 13, 12],
    ]);
    expect(reds(["vertical"])).toEqual([
      [2, 3, 0, 1],
      [12, 13, 10, 11],
    ]);
    expect(reds(["horizontal", "vertical", "time"])).toEqual([
      [13, 12, 11, 10],
      [3, 2, 1, 0],
    ]);
  });

  test("leave out pairs of which the data has neither class, and say what is wrong with others", () => {
    expect([
      ...flipsOf(
        {
          time: [
            ["up", "stays"],
            ["grows", "shrinks"],
          ],
        },
        LABELS,
      ).time!,
    ]).toEqual([0, 1, 3, 2]);
    const wrong = [
      [{ time: [["up", "down"]] }, /no class "down"/],
      [
        {
          time: [
            ["left", "right"],
            ["up", "left"],
          ],
        },
        /"left" is in two pairs/,
      ],
      [{ horizontal: [["grows", "shrinks"]] }, /none of the classes that flips exchange \("?grows"?, "?shrinks"?\)/],
    ] as const;
    for (const [pairs, message] of wrong) {
      expect(() => flipsOf(pairs, LABELS)).toThrow(UsageError);
      expect(() => flipsOf(pairs, LABELS)).toThrow(message);
    }
  });
});
