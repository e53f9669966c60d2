import { expect, test } from "vitest";
import { SessionError } from "../errors.ts";
import type { TensorData } from "../tensor.ts";
import { checkFeeds, checkOutputNames } from "./feeds.ts";
import type { ValueInfo } from "./session.ts";

const inputs: readonly ValueInfo[] = [
  { name: "image", dtype: "float32", shape: ["batch", 3, 2, 2] },
  { name: "rate", dtype: "float32", shape: [] },
];
const image = (shape: readonly number[], data = new Float32Array(shape.reduce((a, b) => a * b, 1))): TensorData => ({
  dtype: "float32",
  shape,
  data,
});
const rate = image([]);

function problemOf(feeds: Record<string, TensorData>): SessionError | undefined {
  try {
    checkFeeds(inputs, feeds);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(SessionError);
    return error as SessionError;
  }
}

test("free dimensions take any size, a declared scalar any shape", () => {
  for (const batch of [0, 1, 7]) expect(problemOf({ image: image([batch, 3, 2, 2]), rate })).toBeUndefined();
  expect(problemOf({ image: image([1, 3, 2, 2]), rate: image([4]) })).toBeUndefined();
});

test.each([
  [{ rate }, /input "image" is missing/],
  [{ image: image([1, 3, 2, 2]), rate, extra: rate }, /no input "extra"/],
  [{ image: image([1, 3, 2]), rate }, /expected 4 dimensions \[batch, 3, 2, 2\], got 3 \[1, 3, 2\]/],
  [{ image: image([1, 4, 2, 2]), rate }, /dimension 1 must be 3/],
  [{ image: image([1, 3, 2, 2], new Float32Array(11)), rate }, /needs 12 elements, the data has 11/],
  [{ image: image([-1, 3, 2, 2], new Float32Array(0)), rate }, /whole numbers/],
  [{ image: { dtype: "uint8", shape: [1, 3, 2, 2], data: new Uint8Array(12) }, rate }, /expected float32, got uint8/],
  [
    { image: { dtype: "float32", shape: [1, 3, 2, 2], data: new Float64Array(12) } as unknown as TensorData, rate },
    /float32 data must be a Float32Array, got Float64Array/,
  ],
] as [Record<string, TensorData>, RegExp][])("wrong feeds %#", (feeds, message) => {
  expect(problemOf(feeds)?.message).toMatch(message);
});

test("the error carries what was expected and what came", () => {
  expect(problemOf({ image: image([2, 1, 2, 2]), rate })?.data).toEqual({
    input: "image",
    expected: { dtype: "float32", shape: ["batch", 3, 2, 2] },
    actual: { dtype: "float32", shape: [2, 1, 2, 2], elements: 8 },
  });
});

test("output names", () => {
  const outputs: readonly ValueInfo[] = ["a", "b"].map((name) => ({ name, dtype: "float32", shape: [] }));
  expect(checkOutputNames(outputs)).toEqual(["a", "b"]);
  expect(checkOutputNames(outputs, ["b", "b"])).toEqual(["b"]);
  expect(() => checkOutputNames(outputs, ["c"])).toThrow(/no output "c"/);
  expect(() => checkOutputNames(outputs, [])).toThrow(/at least one output/);
});
