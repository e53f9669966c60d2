// The sweep over registered models: initialise, fit, write and read a model folder; export, run, compare; and the gradients of a training
// step.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { add, concat, mul, reduceMean, reduceSum, reshape, values } from "../src/graph/build.ts";
import { differentiate } from "../src/graph/gradients/differentiate.ts";
import { Scope } from "../src/graph/scope.ts";
import { Graph, type Tensor, widen } from "../src/graph/tensor.ts";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { loadModel, requireNative, writeModelFolder } from "../src/model-folder/load.ts";
import type { NativeModel } from "../src/model-folder/model.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { ANSWER_OUTPUTS, type Answers } from "../src/models/answers.ts";
import type { TextInput } from "../src/models/architecture.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { channelsOfInput } from "../src/models/grey.ts";
import { layerNames } from "../src/models/layers.ts";
import { defineModel, type ModelDefinition } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { elementCount, type TensorData, tensor, toFloat32 } from "../src/tensor.ts";
import { softCrossEntropy } from "../src/train/losses.ts";
import { hashedValues, maxDifference } from "./golden-case.ts";

export interface SweepOptions {
  /** Fields that change the registered configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Of pictures; texts have their model's length. */
  readonly height?: number;
  readonly width?: number;
}

/** Two of what a model takes: `image` (2, channels, [frames,] height, width), or `ids` (2, context), texts of different lengths. */
export function sweepInput(
  { architecture, config }: ModelDefinition,
  { height = 0, width = 0 }: SweepOptions,
): { readonly name: "image" | "ids"; readonly value: TensorData<"float32" | "int64"> } {
  const input = architecture.input(config);
  if (input.kind === "text") return { name: "ids", value: texts(input) };
  const shape = [2, channelsOfInput(input), ...(input.kind === "video" ? [input.frames ?? 3] : []), height, width];
  return { name: "image", value: tensor("float32", shape, hashedValues("picture", elementCount(shape), 1.5, 0, 0)) };
}

/** All tokens in turn, so that each has a gradient; the last one ends a text. */
function texts({ context, vocabulary }: TextInput): TensorData<"int64"> {
  const ids = BigInt64Array.from({ length: 2 * context }, (_, i) => BigInt(i % (vocabulary - 1)));
  ids[context - 1] = BigInt(vocabulary - 1);
  ids[2 * context - 3] = BigInt(vocabulary - 1);
  return tensor("int64", [2, context], ids);
}

function initialised(name: string, config: SweepOptions["config"]): NativeModel {
  const definition = defineModel(name, config);
  return nativeModel(definition, initialWeights(inferenceGraph(definition), 0), { name });
}

/** A model folder holds all of the model. */
export async function sweepFolder(name: string, { config }: SweepOptions): Promise<void> {
  const model = initialised(name, config);
  const folder = await mkdtemp(join(tmpdir(), "saccade-sweep-"));
  try {
    await writeModelFolder(nodeHost.files, folder, model);
    const reloaded = requireNative(await loadModel(nodeHost, folder));
    expect(reloaded.card.transform).toBe(model.card.transform);
    expect(reloaded.card.labels).toEqual(model.card.labels);
    expect(reloaded.definition.config).toEqual(model.definition.config);
    expect([...reloaded.weights.keys()].sort()).toEqual([...model.weights.keys()].sort());
    for (const [parameter, value] of model.weights)
      expect(maxDifference(reloaded.weights.get(parameter), value), parameter).toBe(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Standard operators, nodes as they were traced, and ONNX Runtime's own, simplified, give the same finite numbers: in the end, and after every
 * layer that has a name.
 */
export async function sweepRun(name: string, options: SweepOptions): Promise<void> {
  const model = initialised(name, options.config);
  const input = sweepInput(model.definition, options);
  const layers = layerNames(inferenceGraph(model.definition));
  const answers = answersKind(model.definition);
  const offered = inferenceGraph(model.definition).outputs;
  const outputs = new Set([...ANSWER_OUTPUTS[answers], ...(offered.has("features") ? ["features"] : []), ...layers]);
  const run = async (target: "portable" | "onnxruntime") => {
    const simplify = target === "onnxruntime";
    const bytes = exportOnnx(model, { target, outputs: [...outputs], simplify, form: { layers } });
    await using session = await nodeHost.createSession(bytes, { device: "cpu" });
    return await session.run({ [input.name]: input.value });
  };
  const results = [await run("portable"), await run("onnxruntime")];
  for (const output of outputs) {
    const { shape } = results[0]![output]!;
    // A vector, tokens or a map for each of two pictures; a GFNet has logits for every look.
    if (output !== "logits") expect(shape[0], `${output} counts pictures`).toBe(2);
    expect([2, 3, 4], `${output} is a vector, tokens or a map`).toContain(shape.length);
    expect(
      results[0]![output]!.data.every((value) => Number.isFinite(value)),
      `${output} is finite`,
    ).toBe(true);
    expect(maxDifference(results[1]![output], results[0]![output]!), output).toBeLessThan(1e-4);
  }
}

/** Every trained parameter gets a gradient that is finite and not all zero, with every drop-path mask in place. */
export async function sweepGradients(name: string, options: SweepOptions): Promise<void> {
  const definition = defineModel(name, options.config);
  const { name: inputName, value } = sweepInput(definition, options);
  const graph = new Graph();
  const mode = Mode.training();
  const input = graph.input(inputName, value.shape, value.dtype);
  const outputs = definition.architecture.build(new Scope(graph), input, definition.config, mode);
  const kind = answersKind(definition);
  const answers = answersOf(outputs, kind);
  const classes = answers[0]!.shape[1] as number;
  const isScored = ["classes", "embedding", "semantic"].includes(kind);
  const targetInput = isScored ? graph.input("targets", [2, classes]) : undefined;
  const loss = answers
    .map((answer, i) => (targetInput === undefined ? weighted(answer, i) : softCrossEntropy(answer, targetInput)))
    .reduce((a, b) => add(a, b));
  const trained = [...graph.parameters.values()].filter(({ trainable }) => trainable);
  const gradients = differentiate(
    loss,
    trained.map((parameter) => widen(parameter.tensor)),
  );
  const sums = gradients.map((gradient) =>
    reshape(
      reduceSum(
        mul(gradient, gradient),
        gradient.shape.map((_, axis) => axis),
      ),
      [1],
    ),
  );
  graph.output("gradient_squares", concat(sums, 0));

  const bytes = lower(graph, { parameters: shakenWeights(graph), target: "onnxruntime" });
  await using session = await nodeHost.createSession(bytes, { device: "cpu" });
  const targets = Float32Array.from({ length: 2 * classes }, (_, i) => (i === 0 || i === 2 * classes - 1 ? 1 : 0));
  const { gradient_squares: squares } = await session.run({
    [inputName]: value,
    ...(isScored ? { targets: tensor("float32", [2, classes], targets) } : {}),
    ...Object.fromEntries(
      mode.masks.map(({ name: mask, keep, shape }) => {
        const sizes = shape as number[];
        return [mask, tensor("float32", sizes, new Float32Array(elementCount(sizes)).fill(1 / keep))];
      }),
    ),
  });
  const wrong = trained
    .map((parameter, i) => `${parameter.name}: ${Math.sqrt(squares!.data[i] as number)}`)
    .filter((line) => !(Number.parseFloat(line.slice(line.lastIndexOf(" "))) > 0) || line.endsWith("Infinity"));
  expect(wrong).toEqual([]);
}

const answersKind = ({ architecture, config }: ModelDefinition) => architecture.answers(config);

/** A loss to which every value counts, each otherwise. */
function weighted(answer: Tensor, seed: number): Tensor {
  const shape = answer.shape as number[];
  const weights = hashedValues(`weights.${seed}`, elementCount(shape), 1, 0, 0);
  return reduceMean(
    mul(answer, values(answer.graph, shape, weights)),
    shape.map((_, axis) => axis),
  );
}

/** What the weights of a model are trained by: scores (N, classes), or the outputs of what it answers. */
function answersOf(outputs: Readonly<Record<string, Tensor>>, kind: Answers): Tensor[] {
  if (!["classes", "embedding", "semantic"].includes(kind)) {
    // What only training asks for: points that detectors look for on the way, what queries are made of, what earlier layers say, and the scores of a gate, whose
    // choice has no slope.
    const besides = Object.keys(outputs).filter((name) =>
      /^(?:(?:keypoints|proposals|many|aux)\.|gate_logits$)/.test(name),
    );
    const all = [...ANSWER_OUTPUTS[kind], ...besides].map((name) => outputs[name]!);
    return all.filter(({ dtype }) => dtype === "float32");
  }
  const logits = outputs.logits!;
  // Of every pixel: then the heads before the last one answer for themselves, because what stopped there reaches no other.
  if (logits.shape.length === 4)
    return Object.entries(outputs)
      .filter(([name]) => name === "logits" || /^exit\.\d+\.logits$/.test(name))
      .map(([, map]) => reduceMean(map, [2, 3]));
  // What cosines are multiplied by is trained too.
  return [outputs.scale === undefined ? logits : mul(logits, outputs.scale)];
}

/** Initial weights with noise: papers start some layers at zero, and what is behind those learns nothing in the first step. */
function shakenWeights(graph: Graph): Map<string, TensorData> {
  const weights = initialWeights(graph, 0);
  for (const { name, shape, trainable } of graph.parameters.values()) {
    if (!trainable) continue;
    const noise = hashedValues(name, elementCount(shape), 0.05, 0, 1);
    const start = toFloat32(weights.get(name)!);
    weights.set(
      name,
      tensor(
        "float32",
        shape,
        noise.map((value, i) => value + start[i]!),
      ),
    );
  }
  return weights;
}
