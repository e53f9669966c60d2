// The Gabor texture branch: filters that stay within their bounds and whose gradients are those of finite differences, regions that a gate chooses and learns to choose, statistics that do
// not know where something is, and configurations that cannot be.
import { expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { mul, reduceSum, values } from "../src/graph/build.ts";
import { differentiate } from "../src/graph/gradients/differentiate.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { Scope, trace } from "../src/graph/scope.ts";
import { Graph, type Tensor, widen } from "../src/graph/tensor.ts";
import { gaborAnswers, gaborKernels } from "../src/models/gabor/filters.ts";
import { chooseRegions, enlarged, proposals } from "../src/models/gabor/regions.ts";
import { textureStatistics } from "../src/models/gabor/statistics.ts";
import { initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { hashedValues } from "./golden-case.ts";

const FILTERS = {
  num_filters: 3,
  kernel_size: 7,
  wavelength: [2, 9] as [number, number],
  deviation: [1, 3] as [number, number],
  aspect: [0.3, 2] as [number, number],
};
const NUMBERS = ["wavelength", "orientation", "deviation", "aspect", "phase"];

test("the gradient of each of a filter's five numbers is that of finite differences, through filters and statistics", () => {
  const graph = new Graph();
  const patches = graph.input("patches", [2, 1, 12, 12]);
  const answers = gaborAnswers(new Scope(graph), patches, FILTERS);
  const said = textureStatistics(answers, 4); // (2, 18)
  const weights = values(graph, [2, 18], hashedValues("weights", 36, 1, 0, 0));
  const loss = reduceSum(mul(said, weights), [0, 1]);
  graph.output("loss", loss);
  const parameters = initialWeights(graph, 0);
  // Away from where they begin, where a phase of 0 makes some of them even.
  for (const [name, { data, shape }] of parameters)
    parameters.set(
      name,
      tensor(
        "float32",
        shape,
        hashedValues(name, 3, 0.4, 0, 1).map((v, i) => v + Number(data[i])),
      ),
    );
  const names = [...graph.parameters.keys()];
  expect(names.sort()).toEqual([...NUMBERS].sort());
  const gradients = differentiate(
    loss,
    names.map((name) => widen(graph.parameters.get(name)!.tensor)),
  );
  for (const [i, name] of names.entries()) graph.output(`gradient.${name}`, gradients[i]!);
  const inputs = { patches: tensor("float32", [2, 1, 12, 12], hashedValues("patches", 288, 1, 0, 0)) };
  const exact = interpret(graph, { inputs, parameters, outputs: names.map((name) => `gradient.${name}`) });
  const lossAt = (changed: ReadonlyMap<string, TensorData>) =>
    toFloat64(interpret(graph, { inputs, parameters: new Map(changed), outputs: ["loss"] }).get("loss")!)[0]!;
  // Histograms have kinks, over which a longer step would go.
  const step = 2 ** -12;
  for (const name of names)
    for (let filter = 0; filter < 3; filter++) {
      const moved = (by: number) => {
        const { data, shape } = parameters.get(name)!;
        const there = Float32Array.from(data as Float32Array, (value, i) => (i === filter ? value + by : value));
        return lossAt(new Map([...parameters, [name, tensor("float32", shape, there)]]));
      };
      const estimate = (moved(step) - moved(-step)) / (2 * step);
      const gradient = toFloat64(exact.get(`gradient.${name}`)!)[filter]!;
      expect(Math.abs(gradient - estimate), `${name} of filter ${filter}`).toBeLessThan(
        1e-2 * (1 + Math.abs(estimate)),
      );
      expect(Math.abs(gradient)).toBeGreaterThan(1e-6);
    }
});

/** What is computed of constants and parameters. */
function run(build: (scope: Scope) => Tensor, given: Readonly<Record<string, TensorData>> = {}): TensorData {
  const graph = trace((scope) => ({ answer: build(scope) }));
  const parameters = new Map([...initialWeights(graph, 0), ...Object.entries(given)]);
  return interpret(graph, { inputs: {}, parameters, outputs: ["answer"] }).get("answer")!;
}

test("however far what is learnt goes, filters are filters", () => {
  for (const far of [-1e4, 1e4]) {
    const given = Object.fromEntries(
      NUMBERS.map((name) => [name, tensor("float32", [3, 1], new Float32Array(3).fill(far))]),
    );
    const kernels = toFloat64(run((scope) => gaborKernels(scope, FILTERS), given));
    for (const value of kernels) expect(Math.abs(value)).toBeLessThanOrEqual(1);
    expect(Math.max(...kernels.map(Math.abs))).toBeGreaterThan(0.01);
  }
});

test("statistics say how, and not where", () => {
  const answers = hashedValues("answers", 2 * 36, 1, 0.2, 0);
  const turned = answers.map((_, i) => answers[36 * Math.floor(i / 36) + ((i + 7) % 36)]!);
  const said = (data: Float32Array) =>
    toFloat64(run(({ graph }) => textureStatistics(values(graph, [1, 2, 6, 6], data), 5)));
  const [here, there] = [said(answers), said(turned)];
  for (const [i, value] of here!.entries()) expect(there![i]!).toBeCloseTo(value, 6);
  // A histogram of values within reach sums to one.
  expect(here!.slice(2, 7).reduce((a, b) => a + b)).toBeCloseTo(1, 1);
});

test("the gate chooses what scores highest, which counts as one, and its gradient is that of the score", () => {
  const regions = proposals([1, 2]);
  expect(regions).toHaveLength(10);
  const graph = new Graph();
  const map = graph.input("map", [1, 1, 4, 4]);
  const { boxes, weights } = chooseRegions(new Scope(graph), map, regions, 2);
  graph.output("boxes", boxes);
  graph.output("weights", weights);
  const weight = widen(graph.parameters.get("weight")!.tensor);
  graph.output("gradient", differentiate(reduceSum(weights, [0, 1]), [weight])[0]!);
  // Bright at the right, above all at the bottom.
  const bright = Float32Array.from([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 4, 4, 0, 0, 4, 4]);
  const parameters = new Map([
    ["weight", tensor("float32", [1, 1], new Float32Array([0.5]))],
    ["bias", tensor("float32", [1], new Float32Array([-1]))],
  ]);
  const inputs = { map: tensor("float32", [1, 1, 4, 4], bright) };
  const outputs = interpret(graph, { inputs, parameters, outputs: ["boxes", "weights", "gradient"] });
  expect([...toFloat64(outputs.get("boxes")!)]).toEqual([0.5, 0.5, 1, 1, 0.5, 0.25, 1, 0.75]);
  expect([...toFloat64(outputs.get("weights")!)]).toEqual([1, 1]);
  const slope = (score: number) => Math.exp(-score) / (1 + Math.exp(-score)) ** 2;
  expect(toFloat64(outputs.get("gradient")!)[0]).toBeCloseTo(4 * slope(1) + 2.5 * slope(0.25), 5);
});

test("a region is enlarged as it is", () => {
  const image = Float32Array.from({ length: 64 }, (_, i) => (i % 8) + 10 * Math.floor(i / 8));
  const part = run(({ graph }) =>
    enlarged(values(graph, [1, 1, 8, 8], image), values(graph, [1, 1, 4], [0.5, 0.25, 1, 0.75]), 4),
  );
  expect(part.shape).toEqual([1, 1, 4, 4]);
  const expected = [2, 3, 4, 5].flatMap((row) => [4, 5, 6, 7].map((column) => column + 10 * row));
  for (const [i, value] of toFloat64(part).entries()) expect(value).toBeCloseTo(expected[i]!, 4);
});

test.each([
  [{ kernel_size: 8 }, "kernel_size must be odd"],
  [{ wavelength: [4, 2] }, "the least and the most"],
  [{ region_scales: [1], num_regions: 2 }, "num_regions must be no more"],
  [{ backbone: "vit_tiny" }, "no convolutional backbone"],
])("%o cannot be", (config, message) => {
  expect(() => defineModel("gabor", config)).toThrow(UsageError);
  expect(() => defineModel("gabor", config)).toThrow(message);
});
