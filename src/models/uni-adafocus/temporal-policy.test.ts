// Frames at quantiles, against the definition followed step by step.
import fc from "fast-check";
import { expect, test } from "vitest";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { trace } from "../../graph/scope.ts";
import { type TensorData, tensor, toFloat64 } from "../../tensor.ts";
import { evenThresholds, framesAt, quantiles, takeFrames } from "./temporal-policy.ts";

const float32 = (shape: readonly number[], values: ArrayLike<number>) =>
  tensor("float32", shape, Float32Array.from(values));

/** Positions and frames of one clip, of `all` frames. */
function choose(weights: readonly number[], thresholds: readonly number[], all: number) {
  const graph = trace((scope) => {
    const given = scope.graph.input("weights", ["clips", weights.length]);
    const positions = quantiles(given, scope.graph.input("thresholds", ["clips", thresholds.length]));
    return { positions, frames: framesAt(scope.graph.input("positions", ["clips", thresholds.length]), all) };
  });
  const run = (positions: TensorData) =>
    interpret(graph, {
      inputs: {
        weights: float32([1, weights.length], weights),
        thresholds: float32([1, thresholds.length], thresholds),
        positions,
      },
      parameters: new Map(),
    });
  const zeros = float32([1, thresholds.length], new Float32Array(thresholds.length));
  const part = toFloat64(run(zeros).get("positions")!);
  const positions = part.map((value) => (value * all) / weights.length);
  const frames = toFloat64(run(float32([1, thresholds.length], positions)).get("frames")!);
  return { positions: [...positions], frames: [...frames] };
}

/** As the official code goes about it: find the frame in which a threshold is reached, interpolate, round down, push on, hold back. */
function byHand(weights: readonly number[], thresholds: readonly number[], all: number) {
  const sums = [0];
  for (const weight of weights) sums.push(sums.at(-1)! + weight);
  sums[weights.length] = 1;
  const positions = thresholds.map((threshold) => {
    const frame = sums.findIndex((sum) => sum >= threshold) - 1;
    const part = (threshold - sums[frame]!) / (sums[frame + 1]! - sums[frame]!);
    return ((frame + part) * all) / weights.length;
  });
  const frames = positions.map(Math.floor);
  for (let i = 1; i < frames.length; i++) frames[i] = Math.max(frames[i]!, frames[i - 1]! + 1);
  return { positions, frames: frames.map((frame, i) => Math.min(frame, all - frames.length + i)) };
}

const middles = (count: number) => Array.from({ length: count }, (_, i) => (i + 0.5) / count);

test("equal weights: frames at equal distances", () => {
  expect(choose([0.25, 0.25, 0.25, 0.25], middles(4), 12).frames).toEqual([1, 4, 7, 10]);
});

test("all the weight on one frame: as many as there are of its part, then the next ones", () => {
  expect(choose([0, 0, 1, 0], middles(4), 12).frames).toEqual([6, 7, 8, 9]);
  expect(choose([0, 0, 0, 1], middles(4), 12).frames).toEqual([8, 9, 10, 11]);
  expect(choose([0, 0, 0, 1], middles(6), 12).frames).toEqual([6, 7, 8, 9, 10, 11]);
});

test("any weights, any thresholds: as by hand", () => {
  const some = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 10 }), fc.integer({ min: 0, max: 20 }), (parts, count, more) => {
      const sum = parts.reduce((a, b) => a + b);
      const weights = parts.map((part) => Math.fround(part / sum));
      const all = count + more;
      const found = choose(weights, middles(count), all);
      const expected = byHand(weights, middles(count), all);
      found.positions.forEach((position, i) => {
        expect(position).toBeCloseTo(expected.positions[i]!, 3);
      });
      // Places that rounding could push over a frame's edge say nothing.
      const clear = expected.positions.every((position) => Math.abs(position - Math.round(position)) > 1e-3);
      if (clear) expect(found.frames).toEqual(expected.frames);
      expect(new Set(found.frames).size).toBe(count);
      expect(found.frames.every((frame) => frame >= 0 && frame < all)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test("thresholds of inference are the middles of equal parts", () => {
  const graph = trace((scope) => ({ t: evenThresholds(scope.graph.input("weights", ["clips", 3]), 4) }));
  const weights = float32([1, 3], [0.2, 0.3, 0.5]);
  const [t] = [interpret(graph, { inputs: { weights }, parameters: new Map() }).get("t")!];
  expect([...toFloat64(t)]).toEqual(middles(4));
});

test("every clip's own frames, all three colours", () => {
  const [clips, frames, height, width] = [2, 5, 2, 3];
  const graph = trace((scope) => ({
    taken: takeFrames(
      scope.graph.input("clips", ["clips", 3, frames, height, width]),
      scope.graph.input("chosen", ["clips", 2]),
    ),
  }));
  const numbers = Float32Array.from({ length: clips * 3 * frames * height * width }, (_, i) => i);
  const chosen = [
    [1, 4],
    [0, 2],
  ];
  const taken = interpret(graph, {
    inputs: {
      clips: tensor("float32", [clips, 3, frames, height, width], numbers),
      chosen: float32([clips, 2], chosen.flat()),
    },
    parameters: new Map(),
  }).get("taken")!;
  const expected = chosen.flatMap((list, clip) =>
    list.flatMap((frame) =>
      [0, 1, 2].flatMap((colour) =>
        Array.from({ length: height * width }, (_, i) => ((clip * 3 + colour) * frames + frame) * height * width + i),
      ),
    ),
  );
  expect(taken.shape).toEqual([clips, 2, 3, height, width]);
  expect([...toFloat64(taken)]).toEqual(expected);
});
