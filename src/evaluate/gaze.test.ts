import { describe, expect, test } from "vitest";
import { FormatError } from "../errors.ts";
import { parseTransform, viewToPicture } from "../image/transform.ts";
import type { GazeResult } from "../tasks/classify/results.ts";
import { readBoxes } from "./boxes.ts";
import { boxInView, GazeMeter } from "./gaze.ts";
import { ViewDensity } from "./view-density.ts";

const WHOLE = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };

/** One token a point; regions are small squares around the centres. */
function gaze(points: readonly (readonly [number, number])[], centres = points, map = WHOLE): GazeResult {
  return {
    viewToPicture: map,
    stages: [
      {
        name: "look",
        tokens: points.length,
        pointsPerToken: 1,
        points: Float32Array.from(points.flat()),
        regions: Float32Array.from(centres.flatMap(([x, y]) => [x - 0.1, y - 0.1, x + 0.1, y + 0.1])),
      },
    ],
  };
}

test("points and centres in the box are counted, against the box's share", () => {
  const meter = new GazeMeter();
  // Pixels 0 to 31 of 64, the corners included: the left upper quarter.
  const look = gaze(
    [
      [0.1, 0.1],
      [0.4, 0.4],
      [0.6, 0.1],
      [-0.2, 0.1],
    ],
    [
      [0.25, 0.25],
      [0.75, 0.25],
      [0.75, 0.75],
      [0.3, 0.9],
    ],
  );
  meter.add(look, [0, 0, 31, 31], 64, 64);
  const { all, underHalf, outsideView } = meter.result()!;
  expect(outsideView).toBe(0);
  expect(all).toEqual(underHalf);
  expect(all).toMatchObject({ count: 1, boxShareOfView: 0.25, boxShareOfPicture: 0.25 });
  const [stage] = all.stages;
  expect(stage).toMatchObject({
    name: "look",
    points: { mean: 0.5, low: 0.5, high: 0.5 },
    centres: { mean: 0.25 },
    gain: { mean: 0.25 },
    pointsInView: 0.75,
  });
  // The mean gaze of one picture is its gaze.
  expect(stage!.fixedGaze).toBeCloseTo(0.5, 12);
});

test("a fixed gaze scores what the same looking at every picture would", () => {
  const meter = new GazeMeter();
  meter.add(gaze([[0.25, 0.25]]), [0, 0, 31, 31], 64, 64);
  meter.add(gaze([[0.75, 0.75]]), [32, 32, 63, 63], 64, 64);
  const stage = meter.result()!.all.stages[0]!;
  expect(stage.points.mean).toBe(1);
  expect(stage.fixedGaze).toBeCloseTo(0.5, 12);
});

test("pictures with a box under half are measured by themselves", () => {
  const meter = new GazeMeter();
  meter.add(gaze([[0.1, 0.1]]), [0, 0, 63, 31], 64, 64); // exactly half: not under
  meter.add(gaze([[0.9, 0.9]]), [0, 0, 9, 9], 64, 64);
  const { all, underHalf } = meter.result()!;
  expect([all.count, underHalf?.count]).toEqual([2, 1]);
  expect(underHalf?.stages[0]?.points.mean).toBe(0);
  expect(all.stages[0]?.points.mean).toBe(0.5);
});

describe("the view may be a part of the picture", () => {
  // 128 x 64, shorter side 64, the middle 64 x 64 of it.
  const map = viewToPicture(parseTransform("resize_small(64)|central_crop(64)"), 128, 64);

  test("a box is mapped into the view and cut there", () => {
    expect(boxInView([32, 0, 63, 63], 128, 64, map)).toEqual([0, 0, 0.5, 1]);
    expect(boxInView([0, 0, 63, 63], 128, 64, map)).toEqual([0, 0, 0.5, 1]);
  });

  test("the baseline is the box's share of the view, not of the picture", () => {
    const meter = new GazeMeter();
    meter.add(gaze([[0.25, 0.5]], undefined, map), [32, 0, 63, 63], 128, 64);
    expect(meter.result()?.all).toMatchObject({ boxShareOfView: 0.5, boxShareOfPicture: 0.25 });
  });

  test("an object outside of the view is left out and counted", () => {
    const meter = new GazeMeter();
    meter.add(gaze([[0.25, 0.5]], undefined, map), [0, 0, 31, 63], 128, 64);
    expect(meter.result()).toBeUndefined();
    meter.add(gaze([[0.25, 0.5]], undefined, map), [64, 0, 95, 63], 128, 64);
    expect(meter.result()).toMatchObject({ outsideView: 1, all: { count: 1 } });
  });
});

test("the density of evenly spread points gives a rectangle its area", () => {
  const density = new ViewDensity();
  const points = Array.from({ length: 400 * 400 }, (_, i) => [
    ((i % 400) + 0.5) / 400,
    (Math.floor(i / 400) + 0.5) / 400,
  ]);
  density.add(Float32Array.from(points.flat()));
  expect(density.shareIn([0, 0, 1, 1])).toBeCloseTo(1, 12);
  expect(density.shareIn([0.123, 0.2, 0.777, 0.95])).toBeCloseTo((0.777 - 0.123) * 0.75, 6);
});

describe("boxes", () => {
  const reading = (text: string) => readBoxes({ read: async () => new TextEncoder().encode(text) }, "val-boxes.json");

  test("are found by the end of a picture's path", async () => {
    const boxes = await reading('{"dog/000.jpg": [0, 3, 63, 61], "plain.jpg": [1, 1, 1, 1]}');
    expect(boxes.find("data/val/dog/000.jpg")).toEqual([0, 3, 63, 61]);
    expect(boxes.find("C:\\data\\val\\dog\\000.jpg")).toEqual([0, 3, 63, 61]);
    expect(boxes.find("dog/000.jpg")).toBeDefined();
    expect(boxes.find("data/hotdog/000.jpg")).toBeUndefined();
    expect(boxes.find("any/plain.jpg")).toBeDefined();
  });

  test.each(["[1, 2]", "{", '{"a.jpg": [3, 0, 1, 1]}', '{"a.jpg": [0, 0, 1]}', '{"a.jpg": ["0", 0, 1, 1]}'])(
    "%s is refused",
    async (text) => {
      await expect(reading(text)).rejects.toThrow(FormatError);
    },
  );
});
