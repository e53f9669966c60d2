// Whether a graphics card's kernels for maps and normed sums compute what they should. Where they do, one of them stands for several plain ones; where a
// driver or a provider has one wrong, answers would be wrong without a word. So they are asked a small question first.
import { add, gridSample, layerNorm } from "../graph/build.ts";
import { sampleGrid } from "../graph/interpreter/sampling.ts";
import { trace } from "../graph/scope.ts";
import { lower, TRUSTED_SAMPLING } from "../onnx/lower.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../tensor.ts";
import type { Session } from "./session.ts";

const MAP = [2, 5, 6, 9]; // pictures, channels, height, width

/** In the middle and between cells, on the centres of the outermost ones, on the edges, just beyond them, and ever farther away. */
const PLACES = [0, 0.31, -0.47, -8 / 9, 5 / 6, -1, 1, -1.06, 1.04, 1.3, -3.7, 40, -1e6, 1e6];

/** Of tokens, and of a single row, which the provider treats otherwise. */
const ROWS = [
  [2, 3, 256],
  [1, 512],
];
const EPSILON = 1e-3;

/** No value of the question is larger than 4. */
const TOLERANCE = 1e-4;

/**
 * Compares a device's GridSample, in every way that graphs may ask for it (`TRUSTED_SAMPLING`), and its normed sums with known values.
 *
 * @param open makes a session on the device
 * @throws what opening and running throws
 */
export async function kernelsRight(
  open: (model: Uint8Array) => Promise<Pick<Session, "run" | "dispose">>,
): Promise<boolean> {
  const feeds = checkFeeds();
  const expected = checkAnswers(feeds);
  const session = await open(checkModel());
  try {
    const answers = await session.run(feeds);
    return [...expected].every(([name, values]) => {
      const actual = answers[name];
      return actual !== undefined && isClose(toFloat64(actual), values);
    });
  } finally {
    await session.dispose();
  }
}

/** One kernel for each. */
export function checkModel(): Uint8Array {
  const graph = trace(({ graph }) => {
    const features = graph.input("features", MAP);
    const grid = graph.input("grid", [MAP[0]!, PLACES.length, PLACES.length, 2]);
    const outputs = TRUSTED_SAMPLING.map((way, i) => [`sampled.${i}`, gridSample(features, grid, way)] as const);
    const normed = ROWS.flatMap((shape, i) => {
      const width = [shape.at(-1)!];
      const [scale, bias] = ["scale", "bias"].map((name) => graph.parameter(`${name}.${i}`, width, { kind: "ones" }));
      const sum = add(graph.input(`x.${i}`, shape), graph.input(`y.${i}`, shape));
      return [
        [`sum.${i}`, sum],
        [`normal.${i}`, layerNorm(sum, scale!, bias!, EPSILON)],
      ] as const;
    });
    return Object.fromEntries([...outputs, ...normed]);
  });
  return lower(graph, { parameters: affines(), target: "webgpu", gridSample: "kernel", normedSums: true });
}

type Feeds = Record<string, TensorData>;

function checkFeeds(): Feeds {
  // Every x with every y; the other way round for the second picture.
  const grid: number[] = [];
  for (const way of [1, -1]) for (const y of PLACES) for (const x of PLACES) grid.push(way * x, way * y);
  return {
    features: waves(MAP, 1.7),
    grid: tensor("float32", [MAP[0]!, PLACES.length, PLACES.length, 2], Float32Array.from(grid)),
    ...Object.fromEntries(
      ROWS.flatMap((shape, i) => [
        [`x.${i}`, waves(shape, 0.9, 0.4)],
        [`y.${i}`, waves(shape, 2.3)],
      ]),
    ),
  };
}

const affines = () =>
  new Map<string, TensorData>(
    ROWS.flatMap((shape, i) => [
      [`scale.${i}`, waves(shape.slice(-1), 0.7)],
      [`bias.${i}`, waves(shape.slice(-1), 1.1)],
    ]),
  );

/** No two values alike, within 1 of `middle`. */
function waves(shape: readonly number[], step: number, middle = 0): TensorData<"float32"> {
  const data = Float32Array.from({ length: elementCount(shape) }, (_, i) => middle + Math.sin(i * step + 0.3));
  return tensor("float32", shape, data);
}

function checkAnswers(feeds: Feeds): Map<string, Float64Array> {
  const answers = new Map<string, Float64Array>();
  const [features, grid] = [feeds.features!, feeds.grid!].map((value) => ({
    dtype: "float32" as const,
    shape: value.shape,
    data: toFloat64(value),
  }));
  TRUSTED_SAMPLING.forEach((way, i) => {
    answers.set(`sampled.${i}`, sampleGrid([features!, grid!], way).data as Float64Array);
  });
  const parameters = affines();
  ROWS.forEach((shape, i) => {
    const y = toFloat64(feeds[`y.${i}`]!);
    const sum = toFloat64(feeds[`x.${i}`]!).map((value, at) => value + y[at]!);
    const [scale, bias] = ["scale", "bias"].map((name) => toFloat64(parameters.get(`${name}.${i}`)!));
    answers.set(`sum.${i}`, sum);
    answers.set(`normal.${i}`, normalized(sum, shape.at(-1)!, scale!, bias!));
  });
  return answers;
}

function normalized(values: Float64Array, width: number, scale: Float64Array, bias: Float64Array): Float64Array {
  return values.map((value, at) => {
    const row = values.subarray(at - (at % width), at - (at % width) + width);
    const mean = row.reduce((total, x) => total + x, 0) / width;
    const variance = row.reduce((total, x) => total + (x - mean) ** 2, 0) / width;
    return ((value - mean) / Math.sqrt(variance + EPSILON)) * scale[at % width]! + bias[at % width]!;
  });
}

/** What is no number is not close to any. */
function isClose(actual: Float64Array, expected: Float64Array): boolean {
  return actual.length === expected.length && expected.every((value, i) => Math.abs(actual[i]! - value) <= TOLERANCE);
}
