import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../errors.ts";
import { RandomSource } from "../random.ts";
import {
  CLIP_POLICIES,
  type Clip,
  clipsAtRandomIndices,
  clipsAtRandomTimestamps,
  clipsAtRegularIndices,
  clipsAtRegularTimestamps,
  clipsOfSegments,
} from "./clips.ts";
import { frameAt, videoEnd } from "./times.ts";

const policies = fc.constantFrom(...CLIP_POLICIES.filter((policy) => policy !== "error"));
const indexOptions = fc.record({
  clips: fc.integer({ min: 1, max: 8 }),
  frames: fc.integer({ min: 1, max: 40 }),
  indicesBetweenFrames: fc.integer({ min: 1, max: 9 }),
  policy: policies,
});
/** Videos of any rate, most of them with one that varies. */
const frameTimes = fc
  .tuple(
    fc.double({ min: -2, max: 30, noNaN: true }),
    fc.array(fc.double({ min: 0.001, max: 2, noNaN: true }), { maxLength: 60 }),
  )
  .map(([first, gaps]) => {
    const times = [first];
    for (const gap of gaps) times.push(times[times.length - 1]! + gap);
    return Float64Array.from(times);
  });

const within = (clips: readonly Clip[], count: number) =>
  clips.every(({ indices }) => indices.every((index) => Number.isInteger(index) && index >= 0 && index < count));

describe("clips by number", () => {
  it("have their length and lie within the video, regular and random", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), indexOptions, fc.nat(), (count, options, seed) => {
        for (const clips of [
          clipsAtRegularIndices(count, options),
          clipsAtRegularIndices(count, { ...options, placement: "middles" }),
          clipsAtRandomIndices(count, { ...options, random: new RandomSource(seed) }),
          clipsOfSegments(count, options),
          clipsOfSegments(count, { ...options, random: new RandomSource(seed) }),
        ]) {
          expect(clips).toHaveLength(options.clips);
          expect(clips.every(({ indices }) => indices.length === options.frames)).toBe(true);
          expect(within(clips, count)).toBe(true);
        }
      }),
    );
  });

  it("keep their spacing where the video is long enough, and then need no policy", () => {
    fc.assert(
      fc.property(indexOptions, fc.nat({ max: 100 }), fc.nat(), ({ policy: _, ...options }, more, seed) => {
        const span = (options.frames - 1) * options.indicesBetweenFrames + 1;
        const random = new RandomSource(seed);
        for (const { indices } of [
          ...clipsAtRegularIndices(span + more, { ...options, policy: "error" }),
          ...clipsAtRandomIndices(span + more, { ...options, random, policy: "error" }),
        ])
          expect(indices).toEqual(indices.map((_, at) => indices[0]! + at * options.indicesBetweenFrames));
      }),
    );
  });

  it("begin in the range that was said, which counts from the end below 0", () => {
    fc.assert(
      fc.property(
        indexOptions,
        fc.nat({ max: 49 }),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(),
        (options, start, size, seed) => {
          const end = Math.min(100, start + size);
          const random = new RandomSource(seed);
          const ranged = { ...options, rangeStart: start, rangeEnd: end };
          for (const { indices } of [
            ...clipsAtRegularIndices(100, ranged),
            ...clipsAtRandomIndices(100, { ...ranged, random }),
          ]) {
            expect(indices[0]).toBeGreaterThanOrEqual(start);
            expect(indices[0]).toBeLessThan(end);
          }
          expect(clipsAtRegularIndices(100, { ...options, rangeStart: start - 100, rangeEnd: end })).toEqual(
            clipsAtRegularIndices(100, ranged),
          );
        },
      ),
    );
  });

  it("are torchcodec's: from one end of the range to the other, rounded down", () => {
    const starts = (clips: readonly Clip[]) => clips.map(({ indices }) => indices[0]);
    expect(starts(clipsAtRegularIndices(100, { clips: 3, frames: 4, indicesBetweenFrames: 2 }))).toEqual([0, 46, 93]);
    expect(starts(clipsAtRegularIndices(100, { clips: 1, frames: 10 }))).toEqual([0]);
    expect(starts(clipsAtRegularIndices(100, { clips: 2, frames: 10 }))).toEqual([0, 90]);
    expect(starts(clipsAtRegularIndices(100, { clips: 1, frames: 10, placement: "middles" }))).toEqual([45]);
  });

  it("end as the policy says where the video does", () => {
    const options = { frames: 5, indicesBetweenFrames: 2 };
    expect(clipsAtRegularIndices(5, options)[0]!.indices).toEqual([0, 2, 4, 4, 4]);
    expect(clipsAtRegularIndices(5, { ...options, policy: "wrap" })[0]!.indices).toEqual([0, 2, 4, 0, 2]);
    expect(() => clipsAtRegularIndices(5, { ...options, policy: "error" })).toThrow(
      "a clip of 9 frames from frame 0 on does not fit: the video ends at frame 4",
    );
    expect(clipsAtRegularIndices(1, options)[0]!.indices).toEqual([0, 0, 0, 0, 0]);
    expect(clipsAtRegularIndices(9, { ...options, rangeStart: 8, rangeEnd: 9 })[0]!.indices).toEqual([8, 8, 8, 8, 8]);
  });

  it("take every frame of a segment when drawn, its middle when not", () => {
    expect(clipsOfSegments(80, { frames: 8 })[0]!.indices).toEqual([5, 15, 25, 35, 45, 55, 65, 75]);
    expect(clipsOfSegments(2, { frames: 4 })[0]!.indices).toEqual([0, 0, 1, 1]);
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 200 }), fc.nat(), (count, seed) => {
        const [clip] = clipsOfSegments(count, { frames: 8, random: new RandomSource(seed) });
        clip!.indices.forEach((index, segment) => {
          expect(index).toBeGreaterThanOrEqual(Math.floor((segment * count) / 8));
          expect(index).toBeLessThanOrEqual(((segment + 1) * count) / 8);
        });
      }),
    );
  });

  it("repeat with the seed and differ without it", () => {
    const draw = (seed: number) => clipsAtRandomIndices(10_000, { clips: 4, random: new RandomSource(seed, "clips") });
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it.each([
    ["no frames", () => clipsAtRegularIndices(0)],
    ["half a clip", () => clipsAtRegularIndices(9, { clips: 0.5 })],
    ["no step", () => clipsAtRegularIndices(9, { indicesBetweenFrames: 0 })],
    ["a start beyond the end", () => clipsAtRegularIndices(9, { rangeStart: 9 })],
    ["a start before the beginning", () => clipsAtRegularIndices(9, { rangeStart: -10 })],
    ["an empty range", () => clipsAtRegularIndices(9, { rangeStart: 3, rangeEnd: 3 })],
    ["no clips a second", () => clipsAtRegularTimestamps(Float64Array.of(0, 1), { secondsBetweenClips: 0 })],
    [
      "a moment after the end",
      () => clipsAtRegularTimestamps(Float64Array.of(0, 1), { secondsBetweenClips: 1, rangeStart: 2 }),
    ],
    ["a thousand million clips", () => clipsAtRegularIndices(9, { clips: 1e9 })],
    ["a thousand million frames", () => clipsOfSegments(9, { frames: 1e9 })],
    ["as many by time", () => clipsAtRegularTimestamps(Float64Array.of(0, 1), { secondsBetweenClips: 1e-9 })],
    ["no times", () => clipsAtRegularTimestamps(new Float64Array(0), { secondsBetweenClips: 1 })],
  ])("refuse %s", (_, clips) => {
    expect(clips).toThrow(UsageError);
  });
});

describe("clips by time", () => {
  const timeOptions = fc.record({
    frames: fc.integer({ min: 1, max: 12 }),
    secondsBetweenFrames: fc.double({ min: 0.01, max: 3, noNaN: true }),
    policy: policies,
  });

  it("have the frames that are shown at their moments, whatever the rate", () => {
    fc.assert(
      fc.property(frameTimes, timeOptions, fc.nat(), (times, options, seed) => {
        const clips = [
          ...clipsAtRegularTimestamps(times, { ...options, secondsBetweenClips: 0.7 }),
          ...clipsAtRandomTimestamps(times, { ...options, clips: 3, random: new RandomSource(seed) }),
        ];
        expect(within(clips, times.length)).toBe(true);
        for (const { indices, seconds } of clips) {
          expect(indices).toHaveLength(options.frames);
          expect(seconds).toHaveLength(options.frames);
          indices.forEach((index, at) => {
            expect(times[index]).toBeLessThanOrEqual(seconds[at]! + 0.0005);
            expect(times[index + 1] ?? Number.POSITIVE_INFINITY).toBeGreaterThan(seconds[at]!);
            expect(seconds[at]).toBeLessThan(videoEnd(times));
          });
        }
      }),
    );
  });

  it("keep their distances where nothing is beyond the end", () => {
    const times = Float64Array.from({ length: 100 }, (_, i) => 5 + i / 25);
    const clips = clipsAtRegularTimestamps(times, {
      secondsBetweenClips: 1,
      frames: 5,
      secondsBetweenFrames: 0.1,
      policy: "error",
    });
    expect(clips.map(({ seconds }) => seconds[0])).toEqual([5, 6, 7, 8]);
    expect(clips[1]!.indices).toEqual([25, 27, 30, 32, 35]);
  });

  it("of a steady video with the default step are its frames, also where times are whole milliseconds", () => {
    const times = Float64Array.from({ length: 90 }, (_, i) => Math.round((1000 * i) / 30) / 1000);
    const [clip] = clipsAtRegularTimestamps(times, {
      secondsBetweenClips: 9,
      frames: 90,
      secondsBetweenFrames: 1 / 30,
    });
    expect(clip!.indices).toEqual(Array.from({ length: 90 }, (_, i) => i));
  });

  it("end as the policy says, and of one frame are that frame", () => {
    const times = Float64Array.of(0, 1, 2);
    const ask = { secondsBetweenClips: 10, frames: 5, secondsBetweenFrames: 1 };
    expect(clipsAtRegularTimestamps(times, ask)[0]!.indices).toEqual([0, 1, 2, 2, 2]);
    expect(clipsAtRegularTimestamps(times, { ...ask, policy: "wrap" })[0]!.indices).toEqual([0, 1, 2, 0, 1]);
    expect(() => clipsAtRegularTimestamps(times, { ...ask, policy: "error" })).toThrow("the video ends at 3 s");
    expect(clipsAtRegularTimestamps(Float64Array.of(7), ask)[0]!.indices).toEqual([0, 0, 0, 0, 0]);
  });

  it("begin in the range that was said", () => {
    fc.assert(
      fc.property(
        timeOptions,
        fc.double({ min: 0, max: 4, noNaN: true }),
        fc.double({ min: 0.1, max: 5, noNaN: true }),
        fc.nat(),
        (options, start, size, seed) => {
          const times = Float64Array.from({ length: 50 }, (_, i) => i / 5);
          const range = { ...options, rangeStart: start, rangeEnd: start + size };
          for (const { seconds } of [
            ...clipsAtRegularTimestamps(times, { ...range, secondsBetweenClips: 0.3 }),
            ...clipsAtRandomTimestamps(times, { ...range, random: new RandomSource(seed) }),
          ]) {
            expect(seconds[0]).toBeGreaterThanOrEqual(start);
            expect(seconds[0]).toBeLessThan(start + size);
          }
        },
      ),
    );
  });
});

describe("times", () => {
  it("tell which frame is shown: the last whose time has come", () => {
    const times = Float64Array.of(0, 0.04, 0.5, 2);
    expect([-1, 0, 0.03, 0.04, 0.49, 0.5, 1.9, 2, 99].map((moment) => frameAt(times, moment))).toEqual([
      0, 0, 0, 1, 1, 2, 2, 3, 3,
    ]);
  });
});
