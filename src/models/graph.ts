// From a model definition to its inference graph, and from named tensors to checked parameters.
import { UsageError, WeightsMismatchError } from "../errors.ts";
import { type Dim, evaluateDim, type Shape, shapesEqual } from "../graph/dimensions.ts";
import { initialize } from "../graph/initializers.ts";
import { trace } from "../graph/scope.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { type InferenceOptions, Mode } from "../nn/mode.ts";
import { elementCount, type TensorData, tensor } from "../tensor.ts";
import type { ImageInput, NamedTensors } from "./architecture.ts";
import { asSeen, channelsOfInput } from "./grey.ts";
import { layerOf } from "./layers.ts";
import { pictureInput } from "./picture-input.ts";
import { normalizedImage, type PixelNormalization, pixelInput } from "./pixels.ts";
import type { ModelDefinition } from "./registry.ts";

export interface InputSize {
  readonly batch?: Dim;
  readonly frames?: Dim;
  readonly height?: Dim;
  readonly width?: Dim;
}

/** How an inference graph takes pictures, and how much of them it computes. Values are the same in every form. */
export interface InferenceForm extends InferenceOptions {
  /** The input `image` is pixels, uint8 (batch, height, width, 3), which the graph normalises. Default: normalised float32. */
  readonly pixels?: PixelNormalization;
  /** The input `image` has three channels, whatever the model sees of them. Default: as many as it sees. */
  readonly inColour?: boolean;
  /** Layers (models/layers.ts) that are outputs too. */
  readonly layers?: readonly string[];
  /** With `pixels`: `size.width` counts blocks of so many pixels, and the input is (batch, height, blocks, 3 * block). Default 1. */
  readonly pixelBlock?: number;
}

/**
 * The forward pass with input `image` (batch, 3, [frames,] height, width), one channel where the model sees grey, or of a model of texts `ids` (batch, context). Sizes not given stay
 * free where the architecture allows it.
 */
export function inferenceGraph(definition: ModelDefinition, size: InputSize = {}, form: InferenceForm = {}): Graph {
  const { architecture, config } = definition;
  const input = architecture.input(config);
  if (input.kind === "text") {
    if (form.pixels !== undefined) pictureInput(definition);
    const traced = trace((scope) => {
      const ids = scope.graph.input("ids", [size.batch ?? "batch", input.context], "int64");
      return architecture.build(scope, ids, config, Mode.inference(form));
    });
    return withLayers(traced, form);
  }
  const fixed = input.size === "free" ? undefined : input.size;
  const height = size.height ?? fixed?.height ?? "height";
  const width = size.width ?? fixed?.width ?? "width";
  const spatial = input.kind === "video" ? [size.frames ?? input.frames ?? "frames", height, width] : [height, width];
  const mode = Mode.inference(form);
  const batch = size.batch ?? "batch";
  const graph = trace((scope) => {
    if (form.pixels === undefined)
      return architecture.build(scope, imageInput(scope.graph, [batch, ...spatial], input, form), config, mode);
    if (input.kind === "video") throw pixelsOfVideos();
    const pixels = pixelInput(scope.graph, { batch, height, width, block: form.pixelBlock ?? 1 }, form.pixels);
    return architecture.buildFromPixels === undefined
      ? architecture.build(scope, asSeen(normalizedImage(pixels), input), config, mode)
      : architecture.buildFromPixels(scope, pixels, config, mode);
  });
  return withLayers(graph, form);
}

const usualGraphs = new WeakMap<ModelDefinition, Graph>();

/** The graph of every size that a definition leaves free, traced once, for those who only look at it. */
export function usualGraph(definition: ModelDefinition): Graph {
  const traced = usualGraphs.get(definition) ?? inferenceGraph(definition);
  usualGraphs.set(definition, traced);
  return traced;
}

/** Declares `image` as the model sees it, or in colour. */
function imageInput(graph: Graph, [batch, ...spatial]: readonly Dim[], input: ImageInput, form: InferenceForm): Tensor {
  if (form.inColour === true) return asSeen(graph.input("image", [batch!, 3, ...spatial]), input);
  return graph.input("image", [batch!, channelsOfInput(input), ...spatial]);
}

function pixelsOfVideos(): UsageError {
  return new UsageError("pixels as bytes are for models of pictures; this one takes videos");
}

function withLayers(graph: Graph, { layers = [] }: InferenceForm): Graph {
  for (const name of layers) if (!graph.outputs.has(name)) graph.output(name, layerOf(graph, name));
  return graph;
}

/**
 * Whether an inference graph for pictures of a size is faster when it computes features only where they are sampled. Small pictures have most of
 * their pixels seen anyway.
 */
export function isFasterWhereSampled(
  { architecture, config }: ModelDefinition,
  size: PixelSize,
  options: Pick<InferenceOptions, "keepsBytes"> = {},
): boolean {
  const from = architecture.sampledFrom?.(config, options) ?? Number.POSITIVE_INFINITY;
  return size.height * size.width >= from && Math.min(size.height, size.width) >= SHORTEST_SAMPLED_SIDE;
}

/** In pixels. A map needs two cells each way, and nobody gains anything from narrower strips. */
const SHORTEST_SAMPLED_SIDE = 32;

export interface PixelSize {
  readonly height: number;
  readonly width: number;
}

/** A model as graphs that run one after another. */
export interface StageGraphs {
  /** The stage of each step, in order; a stage may serve several steps. */
  readonly steps: readonly string[];
  /** By stage. Inputs: `image` and `state.*`, where they are read. */
  readonly graphs: ReadonlyMap<string, Graph>;
}

/** Which stages of a model: those after which it may stop early, a look and the steps that follow moving pictures, or those that a gate leaves out. */
export type StageKind = "stages" | "following" | "gated";

/** Whether a model can stop between steps, or start from what it found in the last picture. */
export function runsInSteps({ architecture, config }: ModelDefinition, kind: StageKind = "stages"): boolean {
  return (architecture[kind]?.steps(config).length ?? 0) > 0;
}

/** The graphs of a model that can stop between steps; undefined for one that cannot. Free are the batch and what the architecture leaves free. */
export function stageGraphs(
  definition: ModelDefinition,
  { pixels, fewKernels = false }: Pick<InferenceForm, "pixels" | "fewKernels"> = {},
  which: StageKind = "stages",
): StageGraphs | undefined {
  if (!runsInSteps(definition, which)) return undefined;
  const { architecture, config } = definition;
  const stages = architecture[which]!;
  const steps = stages.steps(config);
  const { kind, size, frames = "frames" } = pictureInput(definition);
  const { height, width } = size === "free" ? { height: "height", width: "width" } : size;
  const spatial = kind === "video" ? [frames, height, width] : [height, width];
  if (kind === "video" && pixels !== undefined) throw pixelsOfVideos();
  const build = (stage: string) =>
    trace((scope) => {
      const inputs = {
        pictures: () =>
          pixels === undefined
            ? scope.graph.input("image", ["batch", 3, ...spatial])
            : pixelInput(scope.graph, { batch: "batch", height, width }, pixels),
        state: (name: string, shape: readonly number[]) => scope.graph.input(`state.${name}`, ["batch", ...shape]),
      };
      return stages.build(scope, stage, inputs, config, Mode.inference({ fewKernels }));
    });
  return { steps, graphs: new Map([...new Set(steps)].map((stage) => [stage, build(stage)])) };
}

/** A model of videos as the graph of one frame. */
export interface FrameGraph {
  /** Inputs: `image` (batch, 3, height, width) and `state.NAME`. Outputs: `logits`, `features`, and `next.NAME`. */
  readonly graph: Graph;
  /** For a session's `state`: input -> the output that replaces it. */
  readonly state: Readonly<Record<string, string>>;
  /** What the state's inputs are before the first frame: zeros. */
  readonly start: Readonly<Record<string, TensorData>>;
}

/**
 * The graph of one frame of a stream, which remembers the frames before.
 *
 * @throws UsageError for a model that has to see later frames too
 */
export function frameGraph(
  definition: ModelDefinition,
  { height, width, batch = 1 }: PixelSize & { readonly batch?: number },
): FrameGraph {
  const { architecture, config, registered } = definition;
  const { frameByFrame } = architecture;
  if (frameByFrame === undefined || !frameByFrame.works(config))
    throw new UsageError(
      `${registered?.name ?? architecture.name} answers for whole clips, not frame by frame`,
      frameByFrame === undefined
        ? "an online TSM does"
        : 'weights that were trained so have "online": true in their configuration',
    );
  const state: Record<string, string> = {};
  const start: Record<string, TensorData> = {};
  const graph = trace((scope) => {
    const remembered = (name: string, shape: Shape) => {
      const sizes = shape.map((size) => evaluateDim(size, new Map()));
      state[`state.${name}`] = `next.${name}`;
      start[`state.${name}`] = tensor("float32", sizes, new Float32Array(elementCount(sizes)));
      return scope.graph.input(`state.${name}`, sizes);
    };
    const frame = scope.graph.input("image", [batch, 3, height, width]);
    return frameByFrame.build(scope, frame, remembered, config, Mode.inference());
  });
  return { graph, state, start };
}

/**
 * The parameters a graph needs, taken from named tensors: nothing missing, nothing left over, every shape right.
 *
 * @param unread tensors of the file that nothing here reads: they explain what is missing
 * @throws WeightsMismatchError
 */
export function fitWeights(
  graph: Graph,
  tensors: NamedTensors,
  model: string,
  unread?: ReadonlyMap<string, string>,
): Map<string, TensorData> {
  const missing: string[] = [];
  const wrongShape: { name: string; expected: readonly number[]; actual: readonly number[] }[] = [];
  const fitted = new Map<string, TensorData>();
  for (const { name, shape } of graph.parameters.values()) {
    const value = tensors.get(name);
    if (value === undefined) missing.push(name);
    else if (!shapesEqual(value.shape, shape)) wrongShape.push({ name, expected: shape, actual: value.shape });
    else fitted.set(name, value);
  }
  const unexpected = [...tensors.keys()].filter((name) => !graph.parameters.has(name));
  if (missing.length + unexpected.length + wrongShape.length > 0)
    throw new WeightsMismatchError(model, {
      missing,
      unexpected,
      wrongShape,
      ...(unread === undefined ? {} : { unread }),
    });
  return fitted;
}

/** Fresh weights from a seed, as the paper initialises them. */
export function initialWeights(
  graph: Graph,
  seed: number,
  names: readonly string[] = [...graph.parameters.keys()],
): Map<string, TensorData> {
  const parameters = names.flatMap((name) => graph.parameters.get(name) ?? []);
  return new Map(
    parameters.map(({ name, shape, initializer }) => [
      name,
      tensor("float32", shape, initialize(name, shape, initializer, seed)),
    ]),
  );
}

/** The weights of a model in which nothing is learned: they follow from its configuration. Undefined for every other model. */
export function unlearnedWeights(definition: ModelDefinition): Map<string, TensorData> | undefined {
  const graph = inferenceGraph(definition);
  const isLearned = [...graph.parameters.values()].some(({ trainable }) => trainable);
  return isLearned ? undefined : initialWeights(graph, 0);
}

/** Number of trainable and other values a graph declares. */
export function parameterCount(graph: Graph): number {
  let sum = 0;
  for (const { shape } of graph.parameters.values()) sum += shape.reduce((a, b) => a * b, 1);
  return sum;
}
