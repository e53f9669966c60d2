// From a loaded model to the ONNX bytes a session runs, and what a task must know about them.
import { FormatError, UsageError } from "../errors.ts";
import { countMacs } from "../graph/macs.ts";
import type { Graph } from "../graph/tensor.ts";
import { ANSWER_OUTPUTS, type Answers } from "../models/answers.ts";
import {
  type FrameGraph,
  frameGraph,
  type InferenceForm,
  type InputSize,
  inferenceGraph,
  isFasterWhereSampled,
  type PixelSize,
  runsInSteps,
  type StageKind,
  stageGraphs,
  usualGraph,
} from "../models/graph.ts";
import { channelsOfInput } from "../models/grey.ts";
import { layerOf, unknownLayer } from "../models/layers.ts";
import { pictureInput, usualTransform } from "../models/picture-input.ts";
import type { ModelDefinition } from "../models/registry.ts";
import { type TokenLayers, tokenLayers } from "../models/token-layers.ts";
import { onnxLayers, withOutput } from "../onnx/layers.ts";
import { type Kernels, lower, type Precision } from "../onnx/lower.ts";
import { type ModelMetadata, readMetadata, writeMetadata } from "../onnx/metadata.ts";
import { readOnnx } from "../onnx/read.ts";
import type { FoundScores, ScoreKind } from "../onnx/score-kind.ts";
import { printVocabulary } from "../text/vocabulary-files.ts";
import { clipEntry } from "./clip-entry.ts";
import { usualExtent } from "./describe.ts";
import type { LoadedModel, ModelCard, NativeModel, OnnxModel } from "./model.ts";
import { clipFileFacts, countGlimpses, isClipFile, pictureFacts } from "./picture-file.ts";
import { originOf } from "./weights-origin.ts";

/** What a task must know about a model of pictures. */
export interface PictureModel {
  readonly card: ModelCard;
  readonly inputName: string;
  /** The first output of what it answers (models/answers.ts): class scores, or for embedding models the embedding. */
  readonly logitsName: string;
  /** What Embedder reads: the first output of the answer where there are no features of whole pictures. */
  readonly embeddingName: string;
  readonly answers: Answers;
  /** Of detections: the overlap from which on two boxes of a class are of one thing; undefined where each thing is found once. */
  readonly suppression?: number | undefined;
  /** Of queries: the indexes of classes that are things; undefined where all are. */
  readonly things?: readonly number[] | undefined;
  /** What the class scores are. */
  readonly scores: FoundScores;
  /** Whether scores come for every step, (steps, N, classes), and the last ones are the answer. */
  readonly scoresSteps: boolean;
  /** The output that is above 0 where a picture is none of the classes; undefined for models that cannot say it. */
  readonly unknownName?: string | undefined;
  /** Whether a gate decides how much of the model a picture is given; the output `exit` says it. */
  readonly hasGate?: boolean | undefined;
  /** How many looks `gaze.N.regions` and `gaze.N.points` describe; 0 for models that do not look sparsely. */
  readonly glimpses: number;
  /** The reductions of tokens that it can tell of when it is compiled so that it does (`explains`). */
  readonly reductions: readonly TokenLayers[];
  /** The input that says where pictures end in their images: (N, 2), height and width, pixels. Absent where there is none. */
  readonly sizesName?: string | undefined;
  /** What to do to pictures when neither the caller nor the model says. */
  readonly usualTransform: string;
}

export interface CompiledModel extends PictureModel {
  /** For any size, as far as the model goes. Made when it is first asked for. */
  readonly bytes: Uint8Array;
  /** What `bytes` take: normalised float32 (N, 3, height, width) or (N, 3, frames, height, width), or pixels, uint8 (N, height, width, 3). */
  readonly takes: "image" | "clips" | "pixels";
  /** Of "image" and "clips": three, or one where pictures are seen in grey (models/grey.ts). */
  readonly channels: 1 | 3;
  /** Of what takes clips, the frames of one: what it was made for, and whether it takes no other number. */
  readonly frames?: { readonly usual: number; readonly isFixed: boolean };
  /** How exactly a model of this library is compiled. Absent for ONNX files. */
  readonly precision?: Precision;
  /** The same model in another form. ONNX files have only one. */
  readonly inForm?: (form: InferenceForm) => Uint8Array;
  /** Of a model of this library whose weights were read from one file: that file, and in words all else that decides `inForm`'s bytes. */
  readonly origin?: { readonly file: Uint8Array; readonly facts: string };
  /** The same model as the stages that its gate leaves out or not, to the same answers in less time. Absent where there is no gate. */
  readonly inStages?: (form: Pick<InferenceForm, "pixels">) => CompiledStages;
}

export interface ExportOptions extends Kernels {
  /** "int8": linear layers in eight bits, faster and not quite the same numbers. Default "float32". */
  readonly precision?: Precision;
  /** Default true; false keeps the nodes as they were traced. */
  readonly simplify?: boolean;
  /** Only these outputs. Default: all. */
  readonly outputs?: readonly string[];
  /** Sizes to fix; others stay free. */
  readonly size?: InputSize;
  /** How pictures come in, and how much of them is computed. Default: normalised floats, and what is faster at the sizes that are fixed. */
  readonly form?: InferenceForm;
  /** Version of this program, recorded in the file. */
  readonly producerVersion?: string;
}

/** A native model as a self-contained ONNX file: weights, labels, transform, licence and provenance inside. */
export function exportOnnx(model: NativeModel, options: ExportOptions = {}): Uint8Array {
  const { definition } = model;
  const { architecture, config } = definition;
  const keepsBytes = options.precision === "int8" && options.form?.pixels !== undefined;
  const form = {
    onlyWhereSampled: isFasterAt(definition, keepsBytes, options.size),
    keepsBytes,
    fewKernels: fewKernels(options),
    ...options.form,
  };
  return lower(inferenceGraph(definition, options.size, form), {
    parameters: model.weights,
    ...kernelsOf(options),
    precision: options.precision ?? "float32",
    simplify: options.simplify ?? true,
    graphName: definition.registered?.name ?? architecture.name,
    metadata: writeMetadata({
      ...describe(model, options),
      answers: architecture.answers(config),
      suppression: architecture.suppression?.(config)?.toString(),
      things: architecture.things?.(config)?.join(","),
    }),
    ...(options.outputs === undefined ? {} : { outputs: options.outputs }),
    ...(options.producerVersion === undefined ? {} : { producerVersion: options.producerVersion }),
  });
}

/** Kernels among other options. */
const kernelsOf = ({ target = "portable", gridSample, normedSums = false }: Kernels): Kernels => ({
  target,
  normedSums,
  ...(gridSample === undefined ? {} : { gridSample }),
});

/** Of whatever device has a good kernel for maps, and is better off with few. */
const fewKernels = ({ target, gridSample }: Kernels) => target === "webgpu" && gridSample === "kernel";

/** Sizes that are free may be small. */
function isFasterAt(definition: ModelDefinition, keepsBytes: boolean, { height, width }: InputSize = {}): boolean {
  const isFixed = typeof height === "number" && typeof width === "number";
  return isFixed && isFasterWhereSampled(definition, { height, width }, { keepsBytes });
}

/** One frame of a stream as a file. What is remembered of the frames before is fed and given. */
export interface CompiledFrame extends Pick<FrameGraph, "state" | "start"> {
  readonly bytes: Uint8Array;
  /** Multiply-accumulates of a frame. */
  readonly macs: number;
}

/**
 * A model of videos for one frame at a time, of one size in pixels.
 *
 * @throws UsageError for a model that has to see later frames too
 */
export function exportFrame(
  model: NativeModel,
  size: PixelSize,
  { precision = "float32", ...kernels }: Kernels & Pick<ExportOptions, "precision"> = {},
): CompiledFrame {
  const { graph, state, start } = frameGraph(model.definition, size);
  const bytes = lower(graph, { parameters: model.weights, precision, ...kernelsOf(kernels) });
  return { bytes, state, start, macs: countMacs(graph, new Map(), [graph.outputs.get("logits")!]).total };
}

/** A model as files that run one after another. */
export interface CompiledStages {
  /** The stage of each step, in order. */
  readonly steps: readonly string[];
  /** ONNX bytes by stage. An output `next.NAME` is the input `state.NAME` of later steps. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Multiply-accumulates of each step for one picture. */
  readonly macs: readonly number[];
  /** How many looks `gaze.N.regions` and `gaze.N.points` of all steps describe. */
  readonly glimpses: number;
}

/** Each stage of a model as an ONNX file of its own. Throws UsageError for a model that has no stages. */
export function exportStages(
  model: NativeModel,
  options: Kernels &
    Pick<ExportOptions, "precision" | "producerVersion"> & {
      /** How pictures come in. Default: normalised floats. */
      readonly form?: Pick<InferenceForm, "pixels">;
      /** Default "stages": those after which it may stop early. */
      readonly kind?: StageKind;
    },
): CompiledStages {
  const { definition, weights, card } = model;
  const staged = stageGraphs(definition, { ...options.form, fewKernels: fewKernels(options) }, options.kind);
  if (staged === undefined && options.kind === "following")
    throw new UsageError(`${card.name} does not start from what it found in the last picture`, "SparseFormers do");
  if (staged === undefined && options.kind === "gated")
    throw new UsageError(`${card.name} has no gate that leaves steps out`, 'a Mask2Former with "gate": true has one');
  if (staged === undefined)
    throw new UsageError(
      `${card.name} does not run in steps`,
      "GFNets and AdaptiveNNs do, and SparseFormers with an early answer (exit_layers)",
    );
  const { height, width } = usualExtent(definition, card.transform);
  const sizes = new Map([
    ["batch", 1],
    ["height", height],
    ["width", width],
  ]);
  const macs = new Map([...staged.graphs].map(([stage, graph]) => [stage, countMacs(graph, sizes).total]));
  const metadata = writeMetadata(describe(model, options));
  const file = (stage: string, graph: Graph) =>
    lower(graph, {
      parameters: weights,
      ...kernelsOf(options),
      precision: options.precision ?? "float32",
      graphName: `${definition.registered?.name ?? definition.architecture.name}.${stage}`,
      metadata: { ...metadata, [STAGE]: stage, [STEPS]: staged.steps.join(",") },
      ...(options.producerVersion === undefined ? {} : { producerVersion: options.producerVersion }),
    });
  return {
    steps: staged.steps,
    files: new Map([...staged.graphs].map(([stage, graph]) => [stage, file(stage, graph)])),
    macs: staged.steps.map((stage) => macs.get(stage)!),
    glimpses: countGlimpses([...staged.graphs.values()].flatMap((graph) => [...graph.outputs.keys()])),
  };
}

/** In the files of stages: which stage it is, and the stages of all steps in order. */
const STAGE = "saccade.stage";
const STEPS = "saccade.steps";

function describe({ definition, card }: NativeModel, { precision = "float32" }: ExportOptions): ModelMetadata {
  const { labels, transform, licence, provenance, vocabulary, textModel, unknownBelow, clip } = card;
  return {
    ...(vocabulary === undefined ? {} : printVocabulary(vocabulary)),
    text_model: textModel,
    labels,
    transform,
    licence,
    provenance: provenance === undefined ? undefined : JSON.stringify(provenance),
    architecture: definition.architecture.name,
    config: definition.config as Record<string, unknown>,
    precision,
    unknown: definition.learnt?.head.unknown?.score,
    unknown_below: unknownBelow === undefined ? undefined : String(unknownBelow),
    clip: clip === undefined ? undefined : JSON.stringify(clipEntry(clip)),
  };
}

export interface CompileOptions extends Kernels {
  /** Default "float32". */
  readonly precision?: Precision;
  /** What the scores are. Default: what the file says, else what its graph tells. */
  readonly scores?: ScoreKind;
  /**
   * What Embedder is to read, instead of the model's embedding: a layer of a model of this library, or any output or inner value of an ONNX file.
   * What comes after it is not computed.
   */
  readonly layer?: string;
  /** Whether pictures may end before their images do, and the model is told where, if it can be (`InferenceOptions.padded`). Default false. */
  readonly padded?: boolean;
  /** Whether what reductions of tokens say is among the outputs, which takes its time. Default false. */
  readonly explains?: boolean;
  /** Hears what had to be assumed. */
  readonly onNotice?: (line: string) => void;
}

/**
 * What a session needs. Foreign ONNX files pass through; assumptions made about them are said through `onNotice`.
 *
 * @throws UsageError for another precision than an ONNX file has, and for a layer that there is not
 */
export function compileModel(model: LoadedModel, options: CompileOptions = {}): CompiledModel {
  if (model.kind === "native") return compileNative(model, options);
  requirePrecision(model, options.precision);
  const { card } = model;
  const bytes = options.layer === undefined ? model.bytes : withLayer(model, options.layer);
  const facts = pictureFacts(model, options.scores, options.layer);
  if (card.transform === undefined)
    options.onNotice?.(`saccade: ${card.name} does not say how it wants pictures; using ${facts.usualTransform}`);
  return { card, bytes, ...facts };
}

function withLayer({ bytes, card }: OnnxModel, layer: string): Uint8Array {
  const names = onnxLayers(bytes);
  if (!names.includes(layer)) throw unknownLayer(layer, names);
  return withOutput(bytes, card.name, layer);
}

/** Whether an ONNX file, which is compiled already, may be asked for a precision: its own, or the default, which leaves it as it is. */
export function hasPrecision({ bytes }: OnnxModel, precision: Precision = "float32"): boolean {
  return precision === "float32" || readMetadata(readOnnx(bytes).metadata).precision === precision;
}

/** Throws UsageError when it may not. */
export function requirePrecision(model: OnnxModel, precision: Precision | undefined): void {
  if (hasPrecision(model, precision)) return;
  throw new UsageError(
    `${model.card.name} is an ONNX file: it cannot be turned to ${precision}`,
    `saccade export MODEL OUT.onnx --precision ${precision} writes one from a model folder or a checkpoint`,
  );
}

/** What tasks read, besides where a model looks. */
const TASK_OUTPUTS = ["features", "unknown", "exit"];

function compileNative(model: NativeModel, options: CompileOptions): CompiledModel {
  requirePictures(model);
  return compiledAs("image", model, options);
}

/** @throws FormatError for a model that takes clips */
export function requirePictures(model: NativeModel): void {
  if (isOfVideos(model))
    throw new FormatError(model.card.name, "this is a video model, and pictures are wanted here", {
      hint: "it takes clips: saccade classify clip.mp4 --model MODEL (VideoClassifier); saccade run feeds any tensors",
    });
}

function compiledAs(takes: CompiledModel["takes"], model: NativeModel, options: CompileOptions): CompiledModel {
  const { precision = "float32", layer, explains = false } = options;
  const kernels = kernelsOf({ target: "onnxruntime", ...options });
  const { architecture, config } = model.definition;
  const padded = options.padded === true && architecture.seesPadding === true;
  const traced = usualGraph(model.definition);
  if (layer !== undefined) layerOf(traced, layer); // there is one of that name
  const offered = [...traced.outputs.keys()];
  const answers = architecture.answers(config);
  const input = pictureInput(model.definition);
  const { frames, usual: made } = input;
  // Engines compute every output of a file, whether or not a run asks for it.
  const read = [...ANSWER_OUTPUTS[answers], ...TASK_OUTPUTS];
  const usual = offered.filter((name) => read.includes(name) || name.startsWith("gaze."));
  const reductions = tokenLayers(traced);
  const told = explains ? reductions.flatMap(({ origin, scores = [] }) => [origin, scores].flat()) : [];
  const layers = [...(layer === undefined ? [] : [layer]), ...told];
  const outputs = layer === undefined ? [...usual, ...told] : layers;
  const hasGate = layer === undefined && runsInSteps(model.definition, "gated");
  const inForm = (form: InferenceForm) =>
    exportOnnx(model, { ...kernels, precision, outputs, form: { ...form, layers, padded } });
  const origin = originOf(model);
  const facts = [architecture.name, config, model.definition.hasOtherTokens, kernels, precision, outputs, layers];
  return {
    card: model.card,
    ...(origin === undefined ? {} : { origin: { file: origin, facts: JSON.stringify(facts) } }),
    get bytes() {
      return inForm({});
    },
    inForm,
    precision,
    ...(hasGate
      ? { inStages: (form) => exportStages(model, { ...kernels, precision, kind: "gated", form: pixelsOf(form) }) }
      : {}),
    hasGate,
    sizesName: padded ? "sizes" : undefined,
    takes,
    channels: channelsOfInput(input),
    ...(takes === "clips" ? { frames: { usual: frames ?? made.frames ?? 1, isFixed: frames !== undefined } } : {}),
    inputName: "image",
    logitsName: ANSWER_OUTPUTS[answers][0],
    embeddingName:
      layer ?? (answers === "embedding" || !offered.includes("features") ? ANSWER_OUTPUTS[answers][0] : "features"),
    answers,
    suppression: architecture.suppression?.(config),
    things: architecture.things?.(config),
    scores: { kind: options.scores ?? "logits", operator: undefined },
    scoresSteps: architecture.stages?.looksInSteps === true,
    unknownName: offered.find((name) => name === "unknown"),
    glimpses: countGlimpses(offered),
    reductions,
    usualTransform: usualTransform(model.definition),
  };
}

/** What a model answers. Throws FormatError for an ONNX file that is no model of pictures. */
export function answersOfModel(model: LoadedModel): Answers {
  if (model.kind === "onnx") return pictureFacts(model).answers;
  const { architecture, config } = model.definition;
  return architecture.answers(config);
}

const pixelsOf = ({ pixels }: Pick<InferenceForm, "pixels">) => (pixels === undefined ? {} : { pixels });

/** Whether a model takes clips, and no pictures. */
export function takesClips(model: LoadedModel): boolean {
  return model.kind === "native" ? isOfVideos(model) : isClipFile(model);
}

const isOfVideos = ({ definition }: NativeModel) => pictureInput(definition).kind === "video";

/** What a session of a model of videos needs. Throws UsageError for a model of pictures, and as `compileModel`. */
export function compileClips(model: LoadedModel, options: Omit<CompileOptions, "layer"> = {}): CompiledModel {
  if (!takesClips(model))
    throw new UsageError(`${model.card.name} takes pictures, and a model of videos is wanted here`);
  if (model.kind === "native") return compiledAs("clips", model, options);
  requirePrecision(model, options.precision);
  return { card: model.card, bytes: model.bytes, ...clipFileFacts(model, options.scores) };
}
