// Spatial kernels against PyTorch 2.13 in float64 (nine decimals); inputs are sin(1.7 i + 0.3).
import { expect, test } from "vitest";
import { elementCount, type TensorData, tensor } from "../../tensor.ts";
import * as g from "../build.ts";
import { Graph, type Tensor } from "../tensor.ts";
import { interpret } from "./interpret.ts";

const f64 = (shape: readonly number[], numbers: readonly number[]) =>
  tensor("float64", shape, Float64Array.from(numbers));
const wave = (...shape: number[]) =>
  f64(
    shape,
    Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(1.7 * i + 0.3)),
  );

function check(
  feeds: readonly TensorData[],
  build: (...tensors: Tensor[]) => Tensor,
  shape: readonly number[],
  expected: readonly number[],
): void {
  const graph = new Graph();
  graph.output("result", build(...feeds.map((value, i) => graph.input(`x${i}`, value.shape))));
  const inputs = Object.fromEntries(feeds.map((value, i) => [`x${i}`, value]));
  const result = interpret(graph, { inputs, parameters: new Map(), precision: "float64" }).get("result")!;
  expect(result.shape).toEqual(shape);
  Array.from(result.data as Float64Array).forEach((x, i) => {
    expect(Math.abs(x - expected[i]!), `element ${i}: ${x}`).toBeLessThan(2e-9);
  });
}
const bias = f64([2], [0.1, -0.2]);

test("conv: groups, strides, dilations, padding", () => {
  check(
    [wave(1, 4, 5, 4), wave(2, 2, 3, 2), bias],
    (x, w, b) => g.conv(x!, g.mul(w!, 0.5), b, { strides: [2, 1], padding: [1, 1], dilations: [1, 2], groups: 2 }),
    [1, 2, 3, 4],
    [
      -0.203060292, 0.52393533, 0.359964855, -0.327227515, 0.329430345, 0.321377603, 0.02441887, -0.377801242,
      0.273899699, -0.32396395, 0.404519553, 0.091171981, -0.565454088, 0.44872478, 0.055667373, -0.527466016,
      -0.698006991, -0.16994261, 0.609589116, -0.14808572, -0.375272009, -0.674036956, 0.445338536, -0.174628126,
    ],
  );
});

test("conv in three dimensions", () => {
  check(
    [wave(1, 1, 3, 3, 3), wave(2, 1, 2, 2, 2)],
    (x, w) => g.conv(x!, w!, undefined, { strides: [1, 2, 1], padding: [0, 1, 0] }),
    [1, 2, 2, 2, 2],
    [
      -0.595892, 0.753466837, 0.850642251, -0.935005153, 0.817714321, -0.492068074, -1.111054672, 0.566146251,
      -0.870394833, -0.037240109, 1.136404455, 0.139787923, 0.739196687, 0.38432693, -0.928636131, -0.590168681,
    ],
  );
});

test("convTranspose: groups, strides, dilations, output padding", () => {
  check(
    [wave(1, 4, 2, 3), wave(4, 1, 3, 2), bias],
    (x, w, b) =>
      g.convTranspose(x!, w!, b, {
        strides: [2, 1],
        padding: [1, 0],
        outputPadding: [1, 0],
        dilations: [1, 2],
        groups: 2,
      }),
    [1, 2, 4, 5],
    [
      -0.911648163, -0.729980189, 1.002366967, -0.641273274, 0.614175912, 0.871764457, 2.215920559, -1.917278656,
      1.599171442, 0.413944797, 0.614175912, -1.25802239, 0.544547307, -0.571050733, -0.335853418, -0.571050733,
      1.630944774, -0.059310295, 0.376543123, 0.464591301, -1.150993811, 0.377257897, 1.686320941, -1.364557386,
      -0.983986519, 1.555718431, 0.194474015, -4.479081354, 0.758815287, 1.974635171, -0.983986519, -0.800216114,
      2.105237681, 0.231833365, -1.677860782, 0.231833365, 0.288937411, -2.235687934, -0.757827152, 1.421606697,
    ],
  );
});

test("maxPool with overlapping windows", () => {
  check(
    [wave(1, 1, 5, 5)],
    (x) => g.maxPool(x, [3, 3], { strides: [2, 2], padding: [1, 1] }),
    [1, 1, 3, 3],
    [
      0.909297427, 0.972007501, 0.972007501, 0.699240032, 0.972007501, 0.972007501, 0.699240032, 0.991549985,
      0.991549985,
    ],
  );
});

test("maxPool in three dimensions", () => {
  check(
    [wave(1, 1, 3, 4, 4)],
    (x) => g.maxPool(x, [1, 3, 3], { strides: [1, 2, 2], padding: [0, 1, 1] }),
    [1, 1, 3, 2, 2],
    [
      0.909297427, 0.909297427, 0.972007501, 0.618835022, 0.699240032, 0.991549985, 0.254682333, 0.991549985,
      0.359887143, 0.999810581, 0.98575009, 0.98575009,
    ],
  );
});

test("averagePool counting the padding", () => {
  check(
    [wave(1, 1, 4, 4)],
    (x) => g.averagePool(x, [3, 3], { strides: [2, 2], padding: [1, 1] }),
    [1, 1, 2, 2],
    [0.279855985, -0.116256783, 0.328582714, -0.22584212],
  );
});

test("averagePool without the padding", () => {
  check(
    [wave(1, 1, 4, 4)],
    (x) => g.averagePool(x, [3, 3], { strides: [2, 2], padding: [1, 1], countIncludesPadding: false }),
    [1, 1, 2, 2],
    [0.629675967, -0.174385175, 0.492874071, -0.22584212],
  );
});

const grid = f64([1, 2, 3, 2], [-1.3, 0.2, 0.1, -0.4, 0.9, 0.95, 1.4, -1.2, 0.25, 0, -0.999, 0.9]);
const grid3 = f64([1, 1, 2, 2, 3], [-1.1, 0.2, 0.3, 0.1, -0.4, -0.6, 0.9, 0.95, 1.2, 0.25, 0, 0]);

test("gridSample, zeros", () => {
  check(
    [wave(1, 2, 3, 4), grid],
    (x, at) => g.gridSample(x!, at!, { padding: "zeros" }),
    [1, 2, 2, 3],
    [
      0.0, -0.234982392, 0.060325577, 0.0, -0.87969576, 0.317166048, 0.0, -0.66623502, 0.399098869, 0.0, -0.493340995,
      0.083102845,
    ],
  );
});

test("gridSample in three dimensions, zeros", () => {
  check(
    [wave(1, 1, 2, 3, 4), grid3],
    (x, at) => g.gridSample(x!, at!, { padding: "zeros" }),
    [1, 1, 1, 2, 2],
    [0.183922288, -0.211484153, 0.119729661, -0.686518377],
  );
});

test("gridSample, border", () => {
  check(
    [wave(1, 2, 3, 4), grid],
    (x, at) => g.gridSample(x!, at!, { padding: "border" }),
    [1, 2, 2, 3],
    [
      0.801880579, -0.234982392, 0.14987721, -0.772764488, -0.87969576, 0.972007501, 0.565872722, -0.66623502,
      0.991549985, 0.618835022, -0.493340995, 0.254682333,
    ],
  );
});

test("gridSample in three dimensions, border", () => {
  check(
    [wave(1, 1, 2, 3, 4), grid3],
    (x, at) => g.gridSample(x!, at!, { padding: "border" }),
    [1, 1, 1, 2, 2],
    [0.613074293, -0.234982392, 0.991549985, -0.686518377],
  );
});

test("resize linear", () => {
  check(
    [wave(1, 1, 3, 4)],
    (x) => g.resize(x, [5, 3], "linear", false),
    [1, 1, 5, 3],
    [
      0.39781641, 0.189730643, -0.73227643, 0.520674006, 0.054882672, -0.617422003, 0.704960399, -0.147389284,
      -0.445140362, 0.778763275, -0.326561947, -0.203094983, 0.827965193, -0.446010389, -0.041731397,
    ],
  );
});

test("resize linear, corners aligned", () => {
  check(
    [wave(1, 1, 3, 4)],
    (x) => g.resize(x, [5, 3], "linear", true),
    [1, 1, 5, 3],
    [
      0.295520207, 0.189730643, -0.772764488, 0.512244623, 0.02117068, -0.565496885, 0.72896904, -0.147389284,
      -0.358229282, 0.850488271, -0.296699836, -0.104176036, 0.972007501, -0.446010389, 0.14987721,
    ],
  );
});

test("resize cubic", () => {
  check(
    [wave(1, 1, 3, 4)],
    (x) => g.resize(x, [5, 3], "cubic", false),
    [1, 1, 5, 3],
    [
      0.377381209, 0.316110318, -0.792105981, 0.525133163, 0.114475697, -0.675320945, 0.733722241, -0.209781627,
      -0.458496687, 0.838819275, -0.504449103, -0.177001145, 0.880012755, -0.67561714, 0.00637136,
    ],
  );
});

test("resize cubic, corners aligned", () => {
  check(
    [wave(1, 1, 3, 4)],
    (x) => g.resize(x, [2, 6], "cubic", true),
    [1, 1, 2, 6],
    [
      0.295520207, 0.826578291, 0.720762812, -0.238496858, -0.779518765, -0.772764488, 0.972007501, 0.562697179,
      -0.197731299, -0.935958138, -0.673322627, 0.14987721,
    ],
  );
});

test("resize nearest", () => {
  check(
    [wave(1, 1, 3, 4)],
    (x) => g.resize(x, [5, 3], "nearest", false),
    [1, 1, 5, 3],
    [
      0.295520207, 0.909297427, -0.529836141, 0.295520207, 0.909297427, -0.529836141, 0.72896904, 0.584917193,
      -0.87969576, 0.72896904, 0.584917193, -0.87969576, 0.972007501, 0.107753652, -0.999774431,
    ],
  );
});

test("resize in one dimension", () => {
  check(
    [wave(1, 3, 4)],
    (x) => g.resize(x, [7], "linear"),
    [1, 3, 7],
    [
      0.295520207, 0.514726357, 0.865456197, 0.189730643, -0.547188166, -0.686004364, -0.772764488, 0.72896904,
      0.677521952, 0.595206611, -0.147389284, -0.842448154, -0.54446731, -0.358229282, 0.972007501, 0.663345412,
      0.16948607, -0.446010389, -0.917656457, -0.260712662, 0.14987721,
    ],
  );
});

test("resize in three dimensions", () => {
  check(
    [wave(1, 1, 2, 2, 2)],
    (x) => g.resize(x, [3, 1, 3], "linear"),
    [1, 1, 3, 1, 3],
    [
      -0.117157967, -0.024445749, 0.06826647, -0.096260664, -0.002727726, 0.090805212, -0.07536336, 0.018990298,
      0.113343955,
    ],
  );
});
