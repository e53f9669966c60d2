// The shift against its definition, frame by frame; its gradient; and one frame at a time against whole clips.
import { expect, test } from "vitest";
import { mul, reduceSum } from "../graph/build.ts";
import { differentiate } from "../graph/gradients/differentiate.ts";
import { interpret } from "../graph/interpreter/interpret.ts";
import { Graph } from "../graph/tensor.ts";
import { RandomSource } from "../random.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../tensor.ts";
import { shiftFromLast, type TemporalShiftOptions, temporalShift } from "./temporal-shift.ts";

const noise = (shape: readonly number[], seed = 1) => {
  const random = new RandomSource(seed);
  return tensor(
    "float64",
    shape,
    Float64Array.from({ length: elementCount(shape) }, () => random.normal()),
  );
};

function run(x: TensorData, options: TemporalShiftOptions): Float64Array {
  const graph = new Graph();
  const shape = options.frames === "frames" ? ["clips*frames", x.shape[1]!, "height", "width"] : x.shape;
  graph.input("clips_and_frames", ["clips", "frames"]); // so that free sizes are known
  graph.output("y", temporalShift(graph.input("x", shape), options));
  const sizes = tensor("float64", [2, x.shape[0]! / 2], new Float64Array(x.shape[0]!));
  return toFloat64(
    interpret(graph, { inputs: { x, clips_and_frames: sizes }, parameters: new Map(), precision: "float64" }).get("y")!,
  );
}

/** Element by element, from the paper's words. */
function expected(x: TensorData, frames: number, div: number, online: boolean): number[] {
  const [, channels, height, width] = x.shape as [number, number, number, number];
  const fold = Math.floor(channels / div);
  const data = toFloat64(x);
  return [...data.keys()].map((at) => {
    const channel = Math.floor(at / (height * width)) % channels;
    const item = Math.floor(at / (height * width * channels));
    const forward = online ? 0 : fold;
    const step = channel < forward ? 1 : channel < forward + fold ? -1 : 0;
    const frame = (item % frames) + step;
    return frame < 0 || frame >= frames ? 0 : data[at + step * channels * height * width]!;
  });
}

test.each([
  [8, 4, 3, false],
  [9, 4, 3, false],
  [9, 4, 3, true],
  [4, 2, 3, false], // nothing is left over
  [8, 4, 1, false], // no other frame
  [8, 4, 1, true],
  [3, 8, 3, false], // fewer channels than the divisor
])("%d channels, by %d, clips of %d frames, online: %s", (channels, div, frames, online) => {
  const x = noise([2 * frames, channels, 2, 3]);
  expect([...run(x, { frames, div, online })]).toEqual(expected(x, frames, div, online));
  expect([...run(x, { frames: "frames", div, online })]).toEqual(expected(x, frames, div, online));
});

test("a batch that is no whole number of clips", () => {
  const x = new Graph().input("x", [7, 8, 2, 2]);
  expect(() => temporalShift(x, { frames: 3 })).toThrow(/temporalShift.*3 frames/);
});

test.each([true, false])("the gradient is the shift backwards, online: %s", (online) => {
  const shape = [6, 9, 2, 2];
  const graph = new Graph();
  const x = graph.input("x", shape);
  const loss = reduceSum(
    mul(temporalShift(x, { frames: 3, div: 4, online }), graph.input("projection", shape)),
    [0, 1, 2, 3],
  );
  graph.output("loss", loss);
  graph.output("gradient", differentiate(loss, [x])[0]!);
  const value = noise(shape);
  const projection = noise(shape, 2);
  const at = (data: TensorData) =>
    interpret(graph, { inputs: { x: data, projection }, parameters: new Map(), precision: "float64" });
  const gradient = toFloat64(at(value).get("gradient")!);
  const direction = toFloat64(noise(shape, 3));
  const step = 1e-5;
  const loss1 = (sign: number) => {
    const moved = toFloat64(value).map((entry, i) => entry + sign * step * direction[i]!);
    return toFloat64(at(tensor("float64", shape, moved)).get("loss")!)[0]!;
  };
  const slope = (loss1(1) - loss1(-1)) / (2 * step);
  expect(gradient.reduce((sum, entry, i) => sum + entry * direction[i]!, 0)).toBeCloseTo(slope, 8);
});

test("frame by frame, with what is remembered of the last one, is the online shift of a clip", () => {
  const x = noise([4, 9, 2, 2]);
  const graph = new Graph();
  const { shifted, next } = shiftFromLast(graph.input("x", [1, 9, 2, 2]), graph.input("last", [1, 2, 2, 2]), 4);
  graph.output("shifted", shifted);
  graph.output("next", next);
  let last: TensorData = tensor("float64", [1, 2, 2, 2], new Float64Array(8));
  const frames = [0, 1, 2, 3].flatMap((frame) => {
    const one = tensor("float64", [1, 9, 2, 2], toFloat64(x).slice(frame * 36, (frame + 1) * 36));
    const outputs = interpret(graph, { inputs: { x: one, last }, parameters: new Map(), precision: "float64" });
    last = outputs.get("next")!;
    return [...toFloat64(outputs.get("shifted")!)];
  });
  expect(frames).toEqual([...run(x, { frames: 4, div: 4, online: true })]);
});
