import { expect, test } from "vitest";
import { nodeHost } from "../../platform/node/host.ts";
import { finish, meanVector, projectionDigest, requireProjection } from "./finish.ts";

const AS_IT_IS = { power: false, normalize: false };
const close = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 6));

test("unit length, the signed square root, and both", () => {
  const x = Float32Array.of(4, -9, 0);
  expect([...finish(x, AS_IT_IS)]).toEqual([4, -9, 0]);
  expect([...finish(x, { ...AS_IT_IS, power: true })]).toEqual([2, -3, 0]);
  const length = Math.sqrt(4 + 9);
  expect([...finish(x, { power: true, normalize: true })]).toEqual(close([2 / length, -3 / length, 0]));
  expect([...finish(new Float32Array(2), { power: true, normalize: true })]).toEqual([0, 0]);
});

test("a projection is of features of unit length", () => {
  const projection = {
    mean: Float64Array.of(0.1, 0.2),
    components: Float64Array.of(1, 0, 0.6, 0.8, 0, 1),
    scale: Float64Array.of(1, 10, 2),
  };
  // (3, 4) is (0.6, 0.8) of unit length.
  const expected = [0.5, 10 * (0.6 * 0.5 + 0.8 * 0.6), 2 * 0.6];
  expect([...finish(Float32Array.of(3, 4), { ...AS_IT_IS, projection })]).toEqual(close(expected));
  expect(() => requireProjection(projection, 2)).not.toThrow();
  expect(() => requireProjection(projection, 3)).toThrow(/for vectors of 2 numbers, and the layer gives 3/);
  const cut = { ...projection, components: Float64Array.of(1, 0, 0) };
  expect(() => requireProjection(cut, 2)).toThrow(/from 2 to 3 numbers has 6 components, not 3/);
});

test("equal projections have equal digests, whatever numbers they are kept as", async () => {
  const numbers = [0.5, 0.25];
  const digest = (scale: number, kind: typeof Float32Array | typeof Float64Array = Float64Array) =>
    projectionDigest(nodeHost, { mean: kind.from(numbers), components: kind.from(numbers), scale: kind.of(scale) });
  expect(await digest(1)).toBe(await digest(1, Float32Array));
  expect(await digest(1)).not.toBe(await digest(2));
});

test("the mean of several vectors", () => {
  expect([...meanVector([Float32Array.of(1, 2), Float32Array.of(3, 6)])]).toEqual([2, 4]);
});
