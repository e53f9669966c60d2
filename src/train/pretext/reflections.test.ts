import { expect, test } from "vitest";
import { UsageError } from "../../errors.ts";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { trace } from "../../graph/scope.ts";
import { defineModel } from "../../models/registry.ts";
import { elementCount, tensor, toFloat64 } from "../../tensor.ts";
import { blended, reflectionsObjective, restorationLoss } from "./reflections.ts";

const SHAPE = [2, 3, 6, 8];
const OPTIONS = {
  objective: "reflections",
  blur: [1, 3],
  strength: [0.5, 1],
  squares_weight: 0.2,
  gradients_weight: 0.4,
} as const;

/** What two pictures become, each of one grey or of pixels that a function says. */
function blend(pictures: readonly ((at: number) => number)[], drawn: readonly [number, number]): Float64Array {
  const size = elementCount(SHAPE.slice(1));
  const image = Float32Array.from({ length: 2 * size }, (_, i) => pictures[Math.floor(i / size)]!(i % size));
  const graph = trace((scope) => ({
    blend: blended(scope.graph.input("image", SHAPE), OPTIONS, ({ name, shape }) => scope.graph.input(name, shape)),
  }));
  const numbers = (value: number) => tensor("float32", [2], new Float32Array(2).fill(value));
  const inputs = { image: tensor("float32", SHAPE, image), blur: numbers(drawn[0]), strength: numbers(drawn[1]) };
  return toFloat64(interpret(graph, { inputs, parameters: new Map() }).get("blend")!);
}

test("a reflection adds its blurred light, in the strength that is drawn", () => {
  const found = blend([() => 0.2, () => 0.4], [0.5, 0.5]);
  expect(found[0]).toBeCloseTo(0.2 + 0.75 * 0.4, 6);
  expect(found.at(-1)).toBeCloseTo(0.4 + 0.75 * 0.2, 6);
});

test("what is blurred keeps its light away from the border, and loses its edges", () => {
  const found = blend([() => 0, (at) => (at % 8 < 4 ? 0 : 0.8)], [0, 1]);
  const row = [...found.subarray(0, 8)];
  expect(row).toEqual(row.toSorted((a, b) => a - b));
  expect(row[3]! + row[4]!).toBeCloseTo(0.8, 6);
});

test("where both are more than white, the reflection is made darker, and nothing is above white", () => {
  const found = blend([() => 0.75, () => 0.5], [1, 1]);
  // 1.25 is 0.25 too much, and 1.3 times that is taken from what is reflected, 0.5; of the other, from 0.75.
  expect(found[0]).toBeCloseTo(0.75 + 0.5 - 1.3 * 0.25, 6);
  expect(found.at(-1)).toBeCloseTo(0.5 + 0.75 - 1.3 * 0.25, 6);
});

test("the loss is a fifth of the squares and four tenths of the changes", () => {
  const graph = trace((scope) => {
    const [picture, target] = ["picture", "target"].map((name) => scope.graph.input(name, [1, 1, 2, 2]));
    return { loss: restorationLoss(picture!, target!, OPTIONS) };
  });
  const value = (...data: number[]) => tensor("float32", [1, 1, 2, 2], Float32Array.from(data));
  const inputs = { picture: value(1, 0, 0, 0), target: value(0, 0, 0, 0) };
  const loss = toFloat64(interpret(graph, { inputs, parameters: new Map() }).get("loss")!)[0];
  expect(loss).toBeCloseTo(0.2 * 0.25 + 0.4 * (0.5 + 0.5), 6);
});

test("a model that does not answer with pictures is refused", () => {
  expect(() => reflectionsObjective(OPTIONS, defineModel("resnet18"))).toThrow(UsageError);
});
