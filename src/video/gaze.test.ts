import { describe, expect, it } from "vitest";
import { drawGazeOnFrame } from "./draw-gaze.ts";
import { type ClipGaze, gazeAt } from "./gaze.ts";

const WHOLE = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };
const stage = (regions: number[], points: number[]) => [
  {
    name: "look",
    tokens: regions.length / 6,
    pointsPerToken: 1,
    regions: Float32Array.from(regions),
    points: Float32Array.from(points),
  },
];

describe("a model of clips", () => {
  // Two tokens: one for the first half of four seconds, one for the second.
  const clip: ClipGaze = {
    frames: [0.5, 1.5, 2.5, 3.5].map((seconds, index) => ({ index, seconds })),
    stages: stage([0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 1, 1], [0.25, 0.25, 0.25, 0.75, 0.75, 0.75]),
    viewToPicture: { scaleX: 0.5, scaleY: 1, offsetX: 0.25, offsetY: 0 },
  };

  it("looks through regions while their time is, in places of the frame", () => {
    expect(gazeAt([clip], 1).regions).toEqual([[0.25, 0, 0.5, 0.5]]);
    expect(gazeAt([clip], 1).regionWeights).toEqual([1]);
    expect(gazeAt([clip], 3.4).regions).toEqual([[0.5, 0.5, 0.75, 1]]);
  });

  it("fades from one to the next", () => {
    const weights = (seconds: number) => gazeAt([clip], seconds).regionWeights;
    expect(weights(2)).toEqual([1, 1]);
    expect(weights(2.2)[0]).toBeLessThan(1);
    expect(weights(2.2)[0]).toBeGreaterThan(weights(2.3)[0]!);
    const { points, pointWeights } = gazeAt([clip], 1);
    expect(points.slice(0, 2)).toEqual([0.375, 0.25]);
    expect(pointWeights[0]).toBe(1);
  });

  it("is not there outside of its clip", () => {
    expect(gazeAt([clip], 9).regions).toEqual([]);
    expect(gazeAt([clip], -2).points).toEqual([]);
    expect(gazeAt([], 1).regions).toEqual([]);
  });
});

describe("a model of pictures", () => {
  const look = (seconds: number, x: number): ClipGaze => ({
    frames: [{ index: Math.round(25 * seconds), seconds }],
    stages: stage([x, 0, 0, x + 0.2, 0.2, 1], [x, 0.1, 0.5]),
    viewToPicture: WHOLE,
  });

  it("moves from frame to frame where they are near", () => {
    const looked = gazeAt([look(1.2, 0.4), look(1, 0)], 1.1);
    expect(looked.regions[0]).toEqual([0.2, 0, 0.4, 0.2].map((value) => expect.closeTo(value, 5)));
    expect(looked.points).toEqual([expect.closeTo(0.2, 5), expect.closeTo(0.1, 5)]);
    expect(looked.regionWeights).toEqual([1]);
  });

  it("glows for a moment where they are far, and shows nothing that was not looked at", () => {
    const looks = [look(0, 0), look(4, 0.5)];
    expect(gazeAt(looks, 0).regionWeights).toEqual([1]);
    expect(gazeAt(looks, 0.1).regionWeights[0]).toBeCloseTo(2 / 3);
    expect(gazeAt(looks, 2).regions).toEqual([]);
    expect(gazeAt(looks, 3.9).regions[0]![0]).toBeCloseTo(0.5);
  });
});

it("what is looked at stays light, the rest is darker", () => {
  const picture = { width: 60, height: 40, data: new Uint8Array(3 * 60 * 40).fill(200) };
  const drawn = drawGazeOnFrame(picture, { regions: [], regionWeights: [], points: [0.25, 0.5], pointWeights: [1] });
  const light = (x: number, y: number) => drawn.data[3 * (y * 60 + x)]!;
  expect(light(17, 20)).toBeGreaterThan(170);
  expect(light(55, 5)).toBeLessThan(110);
  expect(picture.data.every((value) => value === 200)).toBe(true);
});
