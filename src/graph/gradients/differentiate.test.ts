// Every gradient against central differences of the float64 interpreter, along random directions; and ONNX Runtime's answers against the
// interpreter's.
import { Tensor as EngineTensor, InferenceSession } from "onnxruntime-node";
import { expect, test } from "vitest";
import { expectClose } from "../../../test/compare.ts";
import { type CaseInput, type OpCase, opCases } from "../../../test/op-cases.ts";
import { ShapeError } from "../../errors.ts";
import { lower } from "../../onnx/lower.ts";
import { RandomSource } from "../../random.ts";
import { elementCount, type TensorData, tensor, toFloat32, toFloat64 } from "../../tensor.ts";
import * as g from "../build.ts";
import { evaluateDim, isStatic, type Shape } from "../dimensions.ts";
import { interpret } from "../interpreter/interpret.ts";
import type { Op } from "../ops.ts";
import { Graph, type Tensor } from "../tensor.ts";
import { differentiate } from "./differentiate.ts";

const SIZES = new Map(Object.entries({ batch: 2, height: 7, width: 5, tokens: 3 }));
const random = new RandomSource(7);
const isFloat = (spec: CaseInput) => (spec.dtype ?? "float32") === "float32";

function draw(spec: CaseInput, shape: readonly number[]): TensorData {
  const length = elementCount(shape);
  const low = spec.low ?? (isFloat(spec) ? -2 : 0);
  const high = spec.high ?? (isFloat(spec) || spec.dtype === "bool" ? 2 : 5);
  const integer = () => low + random.integer(high - low);
  switch (spec.dtype ?? "float32") {
    case "float32":
      return tensor(
        "float64",
        shape,
        Float64Array.from({ length }, () => low + random.uniform() * (high - low)),
      );
    case "int64":
      return tensor(
        "int64",
        shape,
        BigInt64Array.from({ length }, () => BigInt(integer())),
      );
    case "int32":
      return tensor("int32", shape, Int32Array.from({ length }, integer));
    case "bool":
      return tensor("bool", shape, Uint8Array.from({ length }, integer));
    default:
      throw new Error(`gradient cases have no ${spec.dtype} inputs`);
  }
}

const noise = (shape: readonly number[]) =>
  tensor(
    "float64",
    shape,
    Float64Array.from({ length: elementCount(shape) }, () => random.normal()),
  );

/** The values with one of them moved along a direction. */
function moved(inputs: Record<string, TensorData>, name: string, direction: TensorData, step: number) {
  const value = inputs[name]!;
  const data = toFloat64(value).map((x, i) => x + step * (direction.data[i] as number));
  return { ...inputs, [name]: tensor("float64", value.shape, data) };
}

/** The case's graph, with numbers for sizes as training graphs have them, or with the sizes left free. */
function built({ inputs, sizes, build }: OpCase, free: boolean) {
  const known = new Map([...SIZES, ...Object.entries(sizes ?? {})]);
  const concrete = (shape: Shape) => shape.map((size) => evaluateDim(size, known));
  const graph = new Graph();
  const entries = Object.entries(inputs).map(([name, spec]) => {
    const shape = concrete(spec.shape);
    return { name, spec, tensor: graph.input(name, free ? spec.shape : shape, spec.dtype), value: draw(spec, shape) };
  });
  const y = build(Object.fromEntries(entries.map(({ name, tensor }) => [name, tensor])), graph);
  return { graph, entries, y, shape: concrete(y.shape) };
}

/** Some cases speak of free sizes in what they build. */
function ready(opCase: OpCase): ReturnType<typeof built> {
  try {
    const fixed = built(opCase, false);
    if (isStatic(fixed.y.shape)) return fixed;
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
  }
  return built(opCase, true);
}

/** A graph with the loss sum(projection * y) and its gradients "d NAME"; undefined where the case has none. */
function gradientCase(opCase: OpCase) {
  const { graph, entries, y, shape } = ready(opCase);
  if (y.dtype !== "float32") return undefined;
  const axes = y.shape.map((_, i) => i);
  const loss = g.reduceSum(g.mul(y, graph.input("projection", y.shape)), axes);
  const leaves = entries.filter(({ spec }) => isFloat(spec));
  try {
    const tensors = leaves.map(({ tensor }) => tensor);
    differentiate(loss, tensors).forEach((gradient, i) => {
      graph.output(`d ${leaves[i]!.name}`, gradient);
    });
  } catch (error) {
    // Where a gradient needs to know sizes it says so.
    expect(isStatic(y.shape), String(error)).toBe(false);
    expect(String(error)).toContain("needs fixed sizes");
    return undefined;
  }
  graph.output("loss", loss);
  const parameters = new Map([...graph.parameters.values()].map(({ name, shape }) => [name, noise(shape)]));
  const inputs = { ...Object.fromEntries(entries.map(({ name, value }) => [name, value])), projection: noise(shape) };
  return { graph, leaves, inputs, parameters };
}

type GradientCase = NonNullable<ReturnType<typeof gradientCase>>;

/** Compares each gradient with the loss's slope along a random direction. */
function checkSlopes({ graph, leaves, inputs, parameters }: GradientCase): void {
  const run = (values: Record<string, TensorData>, outputs?: string[]) =>
    interpret(graph, {
      inputs: values,
      parameters,
      precision: "float64",
      ...(outputs === undefined ? {} : { outputs }),
    });
  const results = run(inputs);
  for (const { name, value } of leaves) {
    const direction = noise(value.shape);
    const lossAt = (step: number) => run(moved(inputs, name, direction, step), ["loss"]).get("loss")!.data[0] as number;
    const slope = (lossAt(STEP) - lossAt(-STEP)) / (2 * STEP);
    const gradient = toFloat64(results.get(`d ${name}`)!);
    const predicted = gradient.reduce((sum, d, i) => sum + d * (direction.data[i] as number), 0);
    const error = Math.abs(predicted - slope) / Math.max(1, Math.abs(slope));
    expect(error, `d ${name}: predicted ${predicted}, measured ${slope}`).toBeLessThan(1e-6);
  }
}

const rounded = (value: TensorData): TensorData =>
  value.dtype === "float64" ? tensor("float32", value.shape, toFloat32(value)) : value;

/** Compares ONNX Runtime's gradients with the interpreter's. */
async function checkEngine({ graph, ...values }: GradientCase): Promise<void> {
  const inputs = Object.fromEntries(Object.entries(values.inputs).map(([name, value]) => [name, rounded(value)]));
  const parameters = new Map([...values.parameters].map(([name, value]) => [name, rounded(value)]));
  const session = await InferenceSession.create(lower(graph, { parameters, target: "onnxruntime" }), {
    intraOpNumThreads: 1,
  });
  const feeds = Object.entries(inputs).map(([name, { dtype, data, shape }]) => [
    name,
    new EngineTensor(dtype as EngineTensor.Type, data as EngineTensor.DataType, [...shape]),
  ]);
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  for (const [name, expected] of interpret(graph, { inputs, parameters })) {
    const { type, dims, data } = results[name]!;
    expectClose({ dtype: type as "float32", shape: dims, data: data as Float32Array }, expected, 1e-4);
  }
}

/** Both. */
async function check(opCase: OpCase): Promise<void> {
  const ready = gradientCase(opCase);
  if (ready === undefined) return;
  checkSlopes(ready);
  await checkEngine(ready);
}

const STEP = 1e-5;
/** Their gradients are meant to differ from their slopes. */
const EXCEPTIONS: readonly Op[] = ["stopGradient", "clampGradient"];
const differentiable = (opCase: OpCase) => {
  const specs = Object.values(opCase.inputs);
  return specs.some(isFloat) && specs.every(({ dtype }) => dtype !== "float16");
};

/** What the table leaves out: attribute combinations that gradients treat specially, and small networks. */
const MORE: readonly OpCase[] = [
  {
    title: "square",
    inputs: { x: { shape: [5] } },
    build: ({ x }) => g.pow(x!, 2),
  },
  {
    title: "both operands one tensor",
    inputs: { x: { shape: [3, 1] } },
    build: ({ x }) => g.div(g.mul(x!, g.transpose(x!, [1, 0])), g.add(g.mul(x!, x!), 1)),
  },
  ...[
    { weight: [4, 1, 3, 3], strides: [2, 2], padding: [1, 1], dilations: [1, 1], groups: 4 },
    { weight: [8, 1, 3, 2], strides: [2, 3], padding: [2, 0], dilations: [2, 1], groups: 4 },
    { weight: [6, 2, 2, 2], strides: [3, 1], padding: [0, 1], dilations: [1, 2], groups: 2 },
    { weight: [6, 4, 1, 1], strides: [1, 1], padding: [0, 0], dilations: [1, 1], groups: 1 },
    { weight: [6, 4, 1, 1], strides: [3, 2], padding: [0, 0], dilations: [1, 1], groups: 1 },
    { weight: [6, 4, 1, 1], strides: [2, 2], padding: [1, 1], dilations: [1, 1], groups: 1 },
    { weight: [5, 4, 2, 2], strides: [4, 3], padding: [0, 0], dilations: [1, 1], groups: 1 },
  ].flatMap(({ weight, ...options }): OpCase[] => [
    {
      title: `conv ${weight.join(" x ")}, strides ${options.strides}, dilations ${options.dilations}, ${options.groups} groups`,
      inputs: { x: { shape: [2, 4, 10, 9] }, weight: { shape: weight } },
      build: ({ x, weight }) => g.conv(x!, weight!, undefined, options),
    },
    {
      title: `convTranspose ${weight.join(" x ")}, strides ${options.strides}, dilations ${options.dilations}, ${options.groups} groups`,
      inputs: { x: { shape: [2, weight[0]!, 4, 3] }, weight: { shape: weight } },
      build: ({ x, weight }) => g.convTranspose(x!, weight!, undefined, options),
    },
  ]),
  {
    title: "conv of a volume, grouped",
    inputs: { x: { shape: [2, 4, 4, 5, 6] }, weight: { shape: [6, 2, 2, 3, 1] } },
    build: ({ x, weight }) => g.conv(x!, weight!, undefined, { strides: [1, 2, 2], padding: [1, 1, 0], groups: 2 }),
  },
  {
    title: "conv of pictures so large that each is multiplied on its own",
    inputs: { x: { shape: [3, 2, 66, 65] }, weight: { shape: [4, 2, 5, 3] }, bias: { shape: [4] } },
    build: ({ x, weight, bias }) => g.conv(x!, weight!, bias, { strides: [2, 2], padding: [2, 1], dilations: [1, 2] }),
  },
  {
    title: "slice with steps and from the end",
    inputs: { x: { shape: [7, 8] } },
    build: ({ x }) => g.slice(g.slice(x!, 0, 1, 6, 2), 1, -5, -1, 3),
  },
  {
    title: "a split, joined in another order",
    inputs: { x: { shape: [2, 9] } },
    build: ({ x }) => {
      const [a, b, c] = g.split(x!, 1, [2, 3, 2]) as [Tensor, Tensor, Tensor];
      return g.mul(g.concat([c, a, b], 1), g.slice(x!, 1, 1, 8));
    },
  },
  {
    title: "gather of a permutation",
    inputs: { x: { shape: [2, 4, 3] } },
    build: ({ x }, graph) =>
      g.gather(x!, g.constant(graph, tensor("int64", [2, 2], BigInt64Array.of(2n, 0n, -1n, 1n))), 1),
  },
  {
    title: "gather from a long table",
    inputs: { x: { shape: [300, 2] }, rows: { shape: [2, 3], dtype: "int64", low: -300, high: 300 } },
    build: ({ x, rows }) => g.gather(x!, rows!, 0),
  },
  {
    title: "gatherElements, one a line",
    inputs: { x: { shape: [4, 5] }, label: { shape: [4, 1], dtype: "int64", low: -5, high: 5 } },
    build: ({ x, label }) => g.gatherElements(g.logSoftmax(x!), label!, 1),
  },
  {
    title: "maxPool with gaps between windows",
    inputs: { x: { shape: [1, 2, 11, 12] } },
    build: ({ x }) => g.maxPool(x!, [2, 3], { strides: [5, 4], padding: [1, 0] }),
  },
  {
    title: "maxPool over windows larger than the map",
    inputs: { x: { shape: [2, 3, 1, 2] } },
    build: ({ x }) => g.maxPool(x!, [3, 3], { strides: [1, 2], padding: [1, 1] }),
  },
  {
    title: "maxPool of rows that are no multiple of the stride, of a volume",
    inputs: { x: { shape: [2, 3, 4, 7, 8] } },
    build: ({ x }) => g.maxPool(x!, [2, 3, 4], { strides: [1, 2, 3], padding: [0, 1, 1] }),
  },
  {
    title: "gridSample with few channels",
    inputs: { x: { shape: [2, 1, 4, 5] }, grid: { shape: [2, 3, 2, 2], low: -1.4, high: 1.4 } },
    build: ({ x, grid }) => g.gridSample(x!, grid!, { padding: "zeros" }),
  },
  {
    title: "two layers",
    inputs: { x: { shape: [3, 4] }, w: { shape: [4, 6] }, b: { shape: [6] }, v: { shape: [2, 6] } },
    build: ({ x, w, b, v }) => g.logSoftmax(g.gemm(g.gelu(g.gemm(x!, w!, b)), v!, undefined, { transposeB: true })),
  },
  {
    title: "attention",
    inputs: { x: { shape: [2, 5, 8] }, qkv: { shape: [24, 8], low: -1, high: 1 }, scale: { shape: [8] } },
    build: ({ x, qkv, scale }) => {
      const normal = g.layerNorm(x!, scale!, undefined, 1e-5); // (2, 5, 8)
      const all = g.matMul(normal, qkv!, { transposeB: true }); // (2, 5, 24)
      const heads = g.split(all, 2, [8, 8, 8]).map((t) => g.transpose(g.reshape(t, [2, 5, 2, 4]), [0, 2, 1, 3]));
      const [q, k, v] = heads as [Tensor, Tensor, Tensor]; // (2, 2, 5, 4)
      const weights = g.softmax(g.mul(g.matMul(q, k, { transposeB: true }), 0.5)); // (2, 2, 5, 5)
      return g.add(x!, g.reshape(g.transpose(g.matMul(weights, v), [0, 2, 1, 3]), [2, 5, 8]));
    },
  },
];

test.each(MORE.map((opCase) => [opCase.title, opCase] as const))("%s", (_title, opCase) => check(opCase));

test.each(
  (Object.keys(opCases) as Op[]).flatMap((op) =>
    (EXCEPTIONS.includes(op) ? [] : opCases[op])
      .filter(differentiable)
      .map((opCase) => [op, opCase.title, opCase] as const),
  ),
)("%s: %s", (_op, _title, opCase) => check(opCase));
