import { expect, test } from "vitest";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { trace } from "../../graph/scope.ts";
import { tensor, toFloat64 } from "../../tensor.ts";
import { certaintyCrossEntropy, diceLoss, pixelCrossEntropy, pixelTargets } from "./losses.ts";

/** Both losses of one picture of two pixels in two classes. */
function losses(logits: readonly number[], classes: readonly bigint[]) {
  const graph = trace((scope) => {
    const scores = scope.graph.input("logits", [1, 2, 1, 2]);
    const targets = pixelTargets(scope.graph.input("semantic", [1, 1, 2], "int64"), 2);
    return { entropy: pixelCrossEntropy(scores, targets), dice: diceLoss(scores, targets) };
  });
  const inputs = {
    logits: tensor("float32", [1, 2, 1, 2], Float32Array.from(logits)),
    semantic: tensor("int64", [1, 1, 2], BigInt64Array.from(classes)),
  };
  const outputs = interpret(graph, { inputs, parameters: new Map() });
  return ["entropy", "dice"].map((name) => toFloat64(outputs.get(name)!)[0]!);
}

const log3 = Math.log(3); // a difference of log 3 is a probability of three quarters

test("of pixels that are half or three quarters right", () => {
  // Pixel 0 is class 0 with 3/4, pixel 1 is class 1 with 1/2.
  const [entropy, dice] = losses([log3, 0, 0, 0], [0n, 1n]);
  expect(entropy).toBeCloseTo(-(Math.log(0.75) + Math.log(0.5)) / 2, 6);
  const class0 = (2 * 0.75) / (0.75 ** 2 + 0.5 ** 2 + 1);
  const class1 = (2 * 0.5) / (0.25 ** 2 + 0.5 ** 2 + 1);
  expect(dice).toBeCloseTo(1 - (class0 + class1) / 2, 4);
});

test("a pixel of which nobody says what it is counts for nothing", () => {
  const [entropy, dice] = losses([log3, 40, 0, -40], [0n, 255n]);
  expect(entropy).toBeCloseTo(-Math.log(0.75), 6);
  // Class 1 is nowhere, and a quarter of it is found.
  const [found, nowhere] = [(2 * 0.75) / (0.75 ** 2 + 1), 1e-5 / (0.25 ** 2 + 1e-5)];
  expect(dice).toBeCloseTo(1 - (found + nowhere) / 2, 4);
});

test("a class that is nowhere and is not found is right", () => {
  const [entropy, dice] = losses([40, 40, -40, -40], [0n, 0n]);
  expect(entropy).toBeCloseTo(0, 6);
  expect(dice).toBeCloseTo(0, 4);
});

test("a class that is certain by itself pays for what it says of every known pixel", () => {
  const graph = trace((scope) => {
    const certainty = scope.graph.input("certainty", [1, 2, 1, 3]);
    const targets = pixelTargets(scope.graph.input("semantic", [1, 1, 3], "int64"), 2);
    return { entropy: certaintyCrossEntropy(certainty, targets) };
  });
  const inputs = {
    certainty: tensor("float32", [1, 2, 1, 3], Float32Array.of(0.75, 0.5, 1, 0.25, 0, 0)),
    semantic: tensor("int64", [1, 1, 3], BigInt64Array.of(0n, 1n, 255n)),
  };
  const [entropy] = toFloat64(interpret(graph, { inputs, parameters: new Map() }).get("entropy")!);
  const wrong = -Math.log(1e-6); // certain of the opposite
  expect(entropy).toBeCloseTo((-2 * Math.log(0.75) - Math.log(0.5) + wrong) / 2, 3);
});
