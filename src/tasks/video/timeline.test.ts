import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TimelineWindow } from "./results.ts";
import { segmentsOf, timelineClips } from "./timeline.ts";
import { timelineCsv, timelineSrt } from "./timeline-text.ts";

describe("windows", () => {
  it("cover the video without gaps, with frames of it, whatever the rate", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 0.4, noNaN: true }), { maxLength: 60 }),
        fc.double({ min: 0.5, max: 5, noNaN: true }),
        fc.integer({ min: 1, max: 9 }),
        fc.option(fc.double({ min: 0.01, max: 1, noNaN: true }), { nil: undefined }),
        (gaps, every, frames, secondsBetweenFrames) => {
          const times = [3];
          for (const gap of gaps) times.push(times.at(-1)! + gap);
          const windows = timelineClips(Float64Array.from(times), { every, frames, secondsBetweenFrames });
          expect(windows[0]!.start).toBe(3);
          windows.forEach(({ start, end, indices }, i) => {
            expect(end).toBeGreaterThan(start);
            expect(end - start).toBeLessThanOrEqual(every + 1e-9);
            if (i > 0) expect(start).toBeCloseTo(windows[i - 1]!.end, 9);
            expect(indices).toHaveLength(frames);
            expect(indices.every((index) => index >= 0 && index < times.length)).toBe(true);
          });
        },
      ),
    );
  });

  it("have frames spread around their middles", () => {
    const times = Float64Array.from({ length: 100 }, (_, i) => i / 25);
    const [, second] = timelineClips(times, { every: 1, frames: 4 });
    expect(second!.seconds).toEqual([1.125, 1.375, 1.625, 1.875].map((moment) => expect.closeTo(moment)));
  });
});

const window = (start: number, label: string, score: number, unknown = false): TimelineWindow => ({
  start,
  end: start + 1,
  predictions: [{ label, index: label.charCodeAt(0), score }],
  ...(unknown ? { unknown } : {}),
});

it("neighbours of one label are one segment, with the mean of their probabilities", () => {
  const windows = [
    window(0, "dog", 0.5),
    window(1, "dog", 0.7),
    window(2, "cat", 0.9),
    window(3, "dog", 1),
    window(4, "dog", 0.2, true),
    window(5, "cat", 0.1, true),
  ];
  expect(segmentsOf(windows)).toEqual([
    { start: 0, end: 2, label: "dog", index: 100, score: 0.6, windows: 2 },
    { start: 2, end: 3, label: "cat", index: 99, score: 0.9, windows: 1 },
    { start: 3, end: 4, label: "dog", index: 100, score: 1, windows: 1 },
    { start: 4, end: 6, label: "unknown", index: -1, score: expect.closeTo(0.15), windows: 2 },
  ]);
  expect(segmentsOf([])).toEqual([]);
});

it("tables quote what must be, and keep a name on its line", () => {
  const segments = segmentsOf([window(0, 'a "red", car', 0.25)]);
  expect(timelineCsv("my\nclip.mp4", segments)).toBe('my clip.mp4,0.000,1.000,"a ""red"", car",0.2500\r\n');
});

it("subtitles are numbered, with times as players read them", () => {
  const long = { start: 3725.5, end: 3726.0004, label: "x --> y", index: 0, score: 0.835, windows: 1 };
  expect(timelineSrt([{ ...long, start: -1, end: 2, label: "dog" }, long])).toBe(
    "1\n00:00:00,000 --> 00:00:02,000\ndog 84 %\n\n2\n01:02:05,500 --> 01:02:06,000\nx → y 84 %\n\n",
  );
});
