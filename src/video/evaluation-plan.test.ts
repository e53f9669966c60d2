import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describePlanCost, plannedClips } from "./evaluation-plan.ts";

const steady = (count: number, rate: number) => Float64Array.from({ length: count }, (_, i) => i / rate);

describe("a plan", () => {
  it("without a distance spreads each clip over the whole video", () => {
    const clips = plannedClips(steady(80, 25), { clips: 2, frames: 4, crops: 1 });
    expect(clips.map(({ indices }) => indices)).toEqual([
      [5, 25, 45, 65],
      [15, 35, 55, 75],
    ]);
  });

  it("with a distance takes clips from the middles of equal parts, as tests on Kinetics do", () => {
    const clips = plannedClips(steady(300, 30), { clips: 3, frames: 8, secondsBetweenFrames: 2 / 30, crops: 3 });
    expect(clips.map(({ indices }) => indices[0])).toEqual([47, 143, 238]);
    expect(clips[0]!.indices).toEqual([47, 49, 51, 53, 55, 57, 59, 61]);
  });

  it("keeps times where the rate varies, and always stays within the video", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.005, max: 1, noNaN: true }), { maxLength: 80 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 20 }),
        fc.option(fc.double({ min: 0.01, max: 2, noNaN: true }), { nil: undefined }),
        (gaps, clips, frames, secondsBetweenFrames) => {
          const times = [0];
          for (const gap of gaps) times.push(times.at(-1)! + gap);
          const found = plannedClips(Float64Array.from(times), { clips, frames, crops: 1, secondsBetweenFrames });
          expect(found).toHaveLength(clips);
          for (const { indices } of found) {
            expect(indices).toHaveLength(frames);
            expect(indices).toEqual([...indices].sort((a, b) => a - b));
            expect(indices.every((index) => index >= 0 && index < times.length)).toBe(true);
          }
        },
      ),
    );
  });

  it("refuses what is none", () => {
    expect(() => plannedClips(steady(9, 25), { clips: 0, frames: 1, crops: 1 })).toThrow("clips is 0");
    expect(() => plannedClips(steady(9, 25), { clips: 1, frames: 1, crops: 11 })).toThrow("crops is 11");
    expect(() => plannedClips(steady(9, 25), { clips: 1, frames: 1, crops: 1, secondsBetweenFrames: 0 })).toThrow(
      "secondsBetweenFrames is 0",
    );
    for (const many of [
      { clips: 1e9, frames: 1 },
      { clips: 1, frames: 1e9 },
      { clips: 1000, frames: 1000 },
    ])
      expect(() => plannedClips(steady(9, 25), { ...many, crops: 1 })).toThrow("views for one answer");
  });
});

it("costs are written as papers write them", () => {
  expect(describePlanCost(12e9, { clips: 4, crops: 3 })).toBe("12.0 GFLOPs x (4 clips x 3 crops)");
  expect(describePlanCost(0.4271e9, { frames: 8, crops: 1 })).toBe("0.427 GFLOPs x (8 frames x 1 crop)");
  expect(describePlanCost(undefined, { clips: 1, crops: 1 })).toBe("unknown GFLOPs x (1 clip x 1 crop)");
});
