// From a loaded model to the ONNX bytes a session runs, and what a task must know about them.
import { FormatError, UsageError } from "../errors.ts";
import { countMacs } from "../graph/macs.ts";
import type { Graph } from "../graph/tensor.ts";
import { type InputSize, inferenceGraph, stageGraphs } from "../models/graph.ts";
import { type GridSampleLowering, type LoweringTarget, lower } from "../onnx/lower.ts";
import { type ModelMetadata, writeMetadata } from "../onnx/metadata.ts";
import { readOnnx } from "../onnx/read.ts";
import type { LoadedModel, ModelCard, NativeModel } from "./model.ts";

export interface CompiledModel {
  readonly card: ModelCard;
  readonly bytes: Uint8Array;
  readonly inputName: string;
  /** Class scores, or for embedding models the embedding. */
  readonly logitsName: string;
  /** What Embedder reads. */
  readonly embeddingName: string;
  readonly answers: "classes" | "embedding";
  /** How many looks `gaze.N.regions` and `gaze.N.points` describe; 0 for models that do not look sparsely. */
  readonly glimpses: number;
  /** What to do to pictures when neither the caller nor the model says. */
  readonly usualTransform: string;
}

export interface ExportOptions {
  /** "portable": standard operators only, for any ONNX runtime. "onnxruntime": its own faster kernels where they pay. */
  readonly target?: LoweringTarget;
  /** How features are sampled. Default "kernel": the engine's own operator. */
  readonly gridSample?: GridSampleLowering;
  /** Only these outputs. Default: all. */
  readonly outputs?: readonly string[];
  /** Sizes to fix; others stay free. */
  readonly size?: InputSize;
  /** Version of this program, recorded in the file. */
  readonly producerVersion?: string;
}

/** A native model as a self-contained ONNX file: weights, labels, transform, licence and provenance inside. */
export function exportOnnx(model: NativeModel, options: ExportOptions = {}): Uint8Array {
  const { definition } = model;
  const { architecture, config } = definition;
  return lower(inferenceGraph(definition, options.size), {
    parameters: model.weights,
    target: options.target ?? "portable",
    gridSample: options.gridSample ?? "kernel",
    graphName: definition.registered?.name ?? architecture.name,
    metadata: { ...writeMetadata(describe(model)), [ANSWERS]: architecture.answers(config) },
    ...(options.outputs === undefined ? {} : { outputs: options.outputs }),
    ...(options.producerVersion === undefined ? {} : { producerVersion: options.producerVersion }),
  });
}

/** A model as files that run one after another. */
export interface CompiledStages {
  /** The stage of each step, in order. */
  readonly steps: readonly string[];
  /** ONNX bytes by stage. An output `next.NAME` is the input `state.NAME` of later steps. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Multiply-accumulates of each step for one picture. */
  readonly macs: readonly number[];
}

/** Each stage of a model as an ONNX file of its own. Throws UsageError for a model that has no stages. */
export function exportStages(
  model: NativeModel,
  options: Pick<ExportOptions, "target" | "producerVersion">,
): CompiledStages {
  const { definition, weights, card } = model;
  const staged = stageGraphs(definition);
  if (staged === undefined)
    throw new UsageError(`${card.name} does not run in steps`, "GFNets do; see: saccade models");
  const sizes = new Map([["batch", 1]]);
  const macs = new Map([...staged.graphs].map(([stage, graph]) => [stage, countMacs(graph, sizes).total]));
  const metadata = writeMetadata(describe(model));
  const file = (stage: string, graph: Graph) =>
    lower(graph, {
      parameters: weights,
      target: options.target ?? "portable",
      graphName: `${definition.registered?.name ?? definition.architecture.name}.${stage}`,
      metadata: { ...metadata, [STAGE]: stage, [STEPS]: staged.steps.join(",") },
      ...(options.producerVersion === undefined ? {} : { producerVersion: options.producerVersion }),
    });
  return {
    steps: staged.steps,
    files: new Map([...staged.graphs].map(([stage, graph]) => [stage, file(stage, graph)])),
    macs: staged.steps.map((stage) => macs.get(stage)!),
  };
}

/** In the files of stages: which stage it is, and the stages of all steps in order. */
const STAGE = "saccade.stage";
const STEPS = "saccade.steps";

/** Whether `logits` are class scores or an embedding. */
const ANSWERS = "saccade.answers";

function describe({ definition, card }: NativeModel): ModelMetadata {
  const { labels, transform, licence, provenance } = card;
  return {
    labels,
    transform,
    licence,
    provenance: provenance === undefined ? undefined : JSON.stringify(provenance),
    architecture: definition.architecture.name,
    config: definition.config as Record<string, unknown>,
  };
}

/** What a session needs. Foreign ONNX files pass through; assumptions made about them are said through `onNotice`. */
export function compileModel(model: LoadedModel, onNotice?: (line: string) => void): CompiledModel {
  return model.kind === "native" ? compileNative(model) : describeOnnx(model.card, model.bytes, onNotice);
}

function compileNative(model: NativeModel): CompiledModel {
  const { architecture, config } = model.definition;
  if (architecture.input(config).kind === "video")
    throw new FormatError(model.card.name, "this is a video model, and pictures are wanted here", {
      hint: "use: saccade run",
    });
  const graph = inferenceGraph(model.definition);
  const answers = architecture.answers(config);
  return {
    card: model.card,
    bytes: exportOnnx(model, { target: "onnxruntime" }),
    inputName: "image",
    logitsName: "logits",
    embeddingName: answers === "embedding" ? "logits" : "features",
    answers,
    glimpses: countGlimpses([...graph.outputs.keys()]),
    usualTransform: architecture.transform(config),
  };
}

function countGlimpses(outputs: readonly string[]): number {
  return outputs.filter((name) => /^gaze\.\d+\.points$/.test(name)).length;
}

/** Anybody's ONNX file: one float32 (N, 3, H, W) input, class scores as `logits` or the first output of two dimensions. */
function describeOnnx(card: ModelCard, bytes: Uint8Array, onNotice?: (line: string) => void): CompiledModel {
  const summary = readOnnx(bytes);
  const input = summary.inputs[0];
  const [, channels, height, width] = input?.shape ?? [];
  if (
    summary.inputs.length !== 1 ||
    input?.dtype !== "float32" ||
    input.shape?.length !== 4 ||
    (typeof channels === "number" && channels !== 3)
  )
    throw new FormatError(card.name, "a picture model has one float32 input (N, 3, H, W); this file does not", {
      hint: "saccade inspect FILE shows its inputs; saccade run feeds any tensors",
    });
  const scores =
    summary.outputs.find(({ name }) => name === "logits") ?? summary.outputs.find(({ shape }) => shape?.length === 2);
  if (scores === undefined) throw new FormatError(card.name, "no output has the shape (N, classes)");
  const size =
    typeof height === "number" && typeof width === "number" ? { height, width } : { height: 224, width: 224 };
  const usualTransform = `resize_small(${Math.round((Math.min(size.height, size.width) * 256) / 224)},bilinear)|central_crop(${size.width},${size.height})|normalize(imagenet)`;
  if (card.transform === undefined)
    onNotice?.(`saccade: ${card.name} does not say how it wants pictures; using ${usualTransform}`);
  return {
    card,
    bytes,
    inputName: input.name,
    logitsName: scores.name,
    embeddingName: summary.outputs.find(({ name }) => name === "features")?.name ?? scores.name,
    answers: summary.metadata[ANSWERS] === "embedding" ? "embedding" : "classes",
    glimpses: countGlimpses(summary.outputs.map(({ name }) => name)),
    usualTransform,
  };
}
