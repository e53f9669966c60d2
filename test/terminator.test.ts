// Terminator: kernels, their loss and all names against the goldens (in engines: in the slow suite), its size, what it says of pictures side by side, a training step's loss, and what cannot be.
import { describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { Scope } from "../src/graph/scope.ts";
import { Graph } from "../src/graph/tensor.ts";
import { inferenceGraph, initialWeights, parameterCount } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { elementCount, tensor, toFloat64 } from "../src/tensor.ts";
import { slowNeuralObjective } from "../src/train/terminator/objective.ts";
import { goldenCases, hashedValues } from "./golden-case.ts";
import { toyOf } from "./registry-toys.ts";
import { expectTerminator, expectTerminatorKernels } from "./terminator-parity.ts";
import { onlyLabels } from "./train/labelled-inputs.ts";

describe.each(goldenCases("terminator"))("%s", (name) => {
  test.runIf(name.includes("mini"))("answers and blocks, with all names", () => expectTerminator(name));
  test("kernels and slow neural loss", () => expectTerminatorKernels(name, "interpreter"));
});

test("has 1.34 million parameters, a quarter of which are the slow nets'", () => {
  const graph = inferenceGraph(defineModel("terminator_32"));
  expect(parameterCount(graph)).toBe(1_336_855);
  const slow = [...graph.parameters.values()].filter(({ name }) => name.includes(".Kernel."));
  expect(slow.reduce((sum, { shape }) => sum + elementCount(shape), 0)).toBe(318_976);
});

const toy = defineModel("terminator_32", toyOf("terminator_32").config);
const parameters = initialWeights(inferenceGraph(toy), 0);
const pictures = hashedValues("picture", 3 * 3 * 64, 1, 0, 0);

function logitsOf(first: number, count: number): Float64Array {
  const image = tensor("float32", [count, 3, 8, 8], pictures.slice(first * 192, (first + count) * 192));
  const outputs = interpret(inferenceGraph(toy), { inputs: { image }, parameters, outputs: ["logits"] });
  return toFloat64(outputs.get("logits")!);
}

test("what it says of a picture depends on those beside it, and on nothing else", () => {
  const [alone, pair, other] = [logitsOf(0, 1), logitsOf(0, 2), logitsOf(1, 2)];
  const apart = (a: Float64Array, b: Float64Array) =>
    Math.max(...[...a.slice(0, 11)].map((v, i) => Math.abs(v - b[i]!)));
  expect(apart(alone, logitsOf(0, 1))).toBe(0);
  expect(apart(alone, pair)).toBeGreaterThan(1e-3);
  expect(apart(pair.slice(11), other)).toBeGreaterThan(1e-3);
});

test("the loss is the answer's, the kernels' and the squares'", () => {
  const lossOf = (weight: number, squaresWeight: number) => {
    const graph = new Graph();
    const image = graph.input("image", [2, 3, 8, 8]);
    const targets = graph.input("targets", [2, 11]);
    const objective = slowNeuralObjective({ weight, squaresWeight });
    const refuse = () => {
      throw new Error("nothing is drawn");
    };
    const inputs = {
      scope: new Scope(graph),
      model: toy,
      image,
      targets,
      mode: Mode.training(),
      draw: refuse,
      progress: refuse,
      ...onlyLabels,
    };
    graph.output("loss", objective(inputs).loss);
    const values = {
      image: tensor("float32", [2, 3, 8, 8], pictures.slice(0, 384)),
      targets: tensor(
        "float32",
        [2, 11],
        Float32Array.from({ length: 22 }, (_, i) => (i === 3 || i === 12 ? 1 : 0)),
      ),
    };
    return toFloat64(interpret(graph, { inputs: values, parameters, outputs: ["loss"] }).get("loss")!)[0]!;
  };
  const answer = lossOf(0, 0);
  const squares = [...parameters.values()].reduce(
    (sum, value) => sum + toFloat64(value).reduce((s, v) => s + v * v, 0),
    0,
  );
  expect(lossOf(0, 0.01) - answer).toBeCloseTo(0.01 * squares, 4);
  const kernels = lossOf(1, 0) - answer;
  expect(kernels).toBeGreaterThan(0);
  expect(lossOf(2, 0) - answer).toBeCloseTo(2 * kernels, 6);
});

test.each([
  [{ previous: [0, 1, 1, 1, 2] }, "previous must not be more than there are outputs before the last one"],
  [{ global_layers: [2] }, "bottleneck_factors, global_layers and previous must be equally many"],
  [{ gibs_groups: 5 }, "gibs_groups must divide"],
])("%o cannot be", (config, message) => {
  expect(() => defineModel("terminator", config)).toThrow(UsageError);
  expect(() => defineModel("terminator", config)).toThrow(message);
});
