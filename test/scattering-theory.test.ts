// What the theory promises of such extractors, on numbers: no two pictures come farther apart, shifts matter less the more is averaged over, and filters for which that is not certain
// are refused. Pictures have the padded size and are shifted around, so that no border speaks.
import { expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel, type ModelDefinition } from "../src/models/registry.ts";
import { scatteringAdmissibility } from "../src/models/scattering/bounds.ts";
import { scatteringSchema } from "../src/models/scattering/config.ts";
import { filterFrameAdmissibility, filterFrameSchema } from "../src/models/scattering/filter-frame.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { hashedValues } from "./golden-case.ts";

function answersOf(definition: ModelDefinition, image: TensorData<"float32">): Float64Array[] {
  const graph = inferenceGraph(definition);
  const outputs = interpret(graph, { inputs: { image }, parameters: initialWeights(graph, 0), outputs: ["features"] });
  const features = outputs.get("features")!;
  const [count, width] = features.shape as [number, number];
  const all = toFloat64(features);
  return Array.from({ length: count }, (_, n) => all.slice(n * width, (n + 1) * width));
}

const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.hypot(...Array.from(a, (value, i) => value - b[i]!));

/** Pictures (2, 1, size, size) of noise. */
function noise(size: number): TensorData<"float32"> {
  return tensor("float32", [2, 1, size, size], hashedValues("noise", 2 * size * size, 1, 0, 3));
}

function expectNonExpansive(definition: ModelDefinition, size: number, bound: number): void {
  const image = noise(size);
  const [first, second] = answersOf(definition, image);
  const plane = size * size;
  const apart = distance(image.data.slice(0, plane), image.data.slice(plane));
  expect(distance(first!, second!)).toBeGreaterThan(0);
  expect(distance(first!, second!)).toBeLessThan(bound * apart);
}

test.each([
  { non_linearity: "modulus", pooling: "subsample" },
  { non_linearity: "relu", pooling: "max" },
  { non_linearity: "tanh", pooling: "average" },
  { non_linearity: "sigmoid", pooling: "subsample" },
] as const)("scattering with $non_linearity and $pooling brings no pictures farther apart", (choices) => {
  const config = scatteringSchema.parse({ J: 2, L: 4, shape: [8, 8], pre_pad: true, in_channels: 1, ...choices });
  const { bound } = scatteringAdmissibility(config);
  expect(bound).toBeLessThan(1.0001);
  expectNonExpansive(defineModel("scattering", config), 16, bound);
});

test("kymatio's filters answer with no more than there is, but for 3.1415 in place of pi", () => {
  const { layers, bound } = scatteringAdmissibility(scatteringSchema.parse({ J: 2, shape: [32, 32] }));
  for (const { bessel } of layers) expect(bessel / (Math.PI / 31415e-4) ** 2).toBeCloseTo(1, 6);
  expect(bound).toBeLessThan(1.0001);
});

test("the more is averaged over, the less a shift matters", () => {
  const size = 32;
  const moved = [1, 2, 3].map((J) => {
    const shape = [size - 2 ** (J + 1), size - 2 ** (J + 1)];
    const definition = defineModel("scattering", { J, L: 4, shape, pre_pad: true, in_channels: 1 });
    const { data } = noise(size);
    const shifted = Float32Array.from({ length: size * size }, (_, i) => data[(i & ~31) | ((i + 1) & 31)]!);
    const both = tensor("float32", [2, 1, size, size], Float32Array.from([...data.slice(0, size * size), ...shifted]));
    const [before, after] = answersOf(definition, both);
    return distance(before!, after!) / Math.hypot(...before!);
  });
  expect(moved[1]!).toBeLessThan(moved[0]! / 1.5);
  expect(moved[2]!).toBeLessThan(moved[1]! / 1.5);
});

const EDGES = [[[1, 0, -1]], [[1], [0], [-1]]];
const MEAN = [
  [1 / 9, 1 / 9, 1 / 9],
  [1 / 9, 1 / 9, 1 / 9],
  [1 / 9, 1 / 9, 1 / 9],
];
const LAYER = { kernels: EDGES, low_pass: MEAN, factor: 2 };
const OWN = { shape: [16, 12], in_channels: 1, layers: [LAYER, LAYER], low_pass: MEAN, output_stride: 4 };

test("anybody's filters: what they answer, and that they may be scaled until no pictures come farther apart", () => {
  expect(() => defineModel("filter_frame", OWN)).toThrow(UsageError);
  expect(() => defineModel("filter_frame", OWN)).toThrow("not admissible");
  for (const non_linearity of ["modulus", "relu", "tanh", "sigmoid"] as const)
    for (const pooling of ["subsample", "average", "max"] as const) {
      const config = { ...OWN, shape: [16, 16] as [number, number], normalize: true, non_linearity, pooling };
      const { admissible, bound } = filterFrameAdmissibility(filterFrameSchema.parse(config));
      expect([admissible, bound <= 1 + 1e-9]).toEqual([true, true]);
      expectNonExpansive(defineModel("filter_frame", config), 16, 1);
    }
});

test("a filter is what its kernel says, at the borders too, which are mirrored where something is missing", () => {
  const delta = [[1]];
  const config = {
    shape: [3, 4],
    in_channels: 1,
    layers: [{ kernels: [[[0, 0, 0.5]], [[0, -0.5, 0]]], low_pass: [[0]] }],
    low_pass: delta,
    output_stride: 1,
  };
  const image = tensor(
    "float32",
    [1, 1, 3, 4],
    Float32Array.from({ length: 12 }, (_, i) => i + 1),
  );
  const [answers] = answersOf(defineModel("filter_frame", config), image);
  const [nothing, before, itself] = [0, 12, 24].map((at) =>
    Array.from(answers!.slice(at, at + 12), (v) => v.toFixed(4)),
  );
  expect(new Set(nothing!.map(Number).map(Math.abs))).toEqual(new Set([0]));
  // Convolution turns the kernel: the pixel on the left is seen; lines are rings.
  expect(before!.map(Number)).toEqual([2, 0.5, 1, 1.5, 4, 2.5, 3, 3.5, 6, 4.5, 5, 5.5]);
  expect(itself!.map(Number)).toEqual(Array.from({ length: 12 }, (_, i) => (i + 1) / 2));
});
