// What a weight file, an ONNX file or a model folder holds, and where its numbers go wrong.
import { AbortedError, FormatError, NotFoundError, SaccadeError, WeightsMismatchError } from "../errors.ts";
import { type ModelCost, modelCost } from "../models/cost.ts";
import { inferenceGraph } from "../models/graph.ts";
import { layerNames } from "../models/layers.ts";
import { defineModel, type ModelDefinition, registry } from "../models/registry.ts";
import { readMetadata } from "../onnx/metadata.ts";
import { isOnnx, type OnnxSummary, readOnnx } from "../onnx/read.ts";
import type { FoundScores } from "../onnx/score-kind.ts";
import { visitWeights } from "../onnx/weight-values.ts";
import type { Host } from "../platform/host.ts";
import type { SessionOptions } from "../runtime/session.ts";
import { elementCount } from "../tensor.ts";
import { type ReadWeightsOptions, readWeights, type Weights } from "../weights/load.ts";
import { checkValues, type ValueCheck } from "./check-values.ts";
import { type ConfigFile, cardOf } from "./config-file.ts";
import { definitionOf } from "./definition.ts";
import { countedExtent } from "./describe.ts";
import { countFaults, type Faults } from "./faults.ts";
import { type NativeFolder, type OnnxFolder, readFolder } from "./folder.ts";
import { MAX_WEIGHT_BYTES, readWeightsAt, requireWeights } from "./folder-weights.ts";
import { readHeadWeights } from "./head-weights.ts";
import { readOnnxFolder } from "./learnt-onnx.ts";
import { bundledFolder, loadModel, pulledPath } from "./load.ts";
import type { ModelCard, OnnxModel } from "./model.ts";
import { nativeModel } from "./native.ts";
import { type ExternalFile, type WholeOnnx, wholeOnnx } from "./onnx-file.ts";
import { onnxModel } from "./onnx-model.ts";
import { pictureFacts } from "./picture-file.ts";
import { detectHeadless, detectModels, detectToldModel, fitText, headlessText } from "./recognise.ts";
import { type TokenFacts, tokenFacts } from "./token-facts.ts";
import { vocabularyBeside } from "./vocabulary.ts";

export interface TensorFacts {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** Values that are not a number, and infinite ones; only when they were counted. */
  readonly nan?: number;
  readonly infinite?: number;
}

export interface LayerFacts {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

export interface Inspection {
  readonly path: string;
  readonly kind: "checkpoint" | "onnx" | "model folder";
  readonly format: Weights["format"] | "onnx";
  /** Bytes of the file that holds the tensors. */
  readonly fileBytes: number;
  /** Files beside an ONNX file that hold tensors of it. */
  readonly external?: readonly ExternalFile[];
  readonly notes: readonly string[];
  readonly tensors: readonly TensorFacts[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Registered models that the tensors fit, and what is not official about them: "resnet50 with 10 classes, behind \"model.\"". */
  readonly fits: readonly string[];
  /** Layers whose values embed can read, with their shapes, (batch, …): of a model folder whose weights fit, and of a checkpoint's first fit. */
  readonly layers?: readonly LayerFacts[];
  /** What a model folder or an ONNX file says about itself. */
  readonly card?: Omit<ModelCard, "name">;
  /** Of a model folder whose weights fit, where the picture decides how many tokens go on: what that makes of the cost. */
  readonly cost?: Pick<ModelCost, "macs" | "macsAtLeast" | "decisions">;
  readonly onnx?: Omit<OnnxSummary, "initializers" | "metadata">;
  /** Of a model that goes on with fewer tokens; of an ONNX file what it says of that. */
  readonly reduction?: Pick<TokenFacts, "tokens"> & Partial<TokenFacts>;
  /** Of a text model with its vocabulary: how many tokens that has. */
  readonly tokens?: number;
  /** Of an ONNX file of pictures: the output that holds the class scores, and what these are. */
  readonly scores?: FoundScores & { readonly output: string };
  /** What a run on a grey picture showed, or why there was none; only when values were checked. */
  readonly trial?: ValueCheck | { readonly notRun: string };
  readonly folder?: {
    readonly architecture: string;
    readonly config: Readonly<Record<string, unknown>>;
    /** Whose config.json it is: our own, or that of a library for the hub. */
    readonly layout: NativeFolder["layout"];
    /** Why the weights do not fit the configuration; undefined when they do. */
    readonly misfit: string | undefined;
  };
}

export interface InspectOptions extends ReadWeightsOptions, Pick<SessionOptions, "onNotice" | "signal"> {
  /** Also looks at every value: of the weights, and of what a model computes on a grey picture, as far as it is one. */
  readonly check?: boolean;
}

/**
 * Reads a weight file, an ONNX file, a model folder, or a model by its name.
 * @throws NotFoundError, FormatError and LimitError that say what is wrong with the file
 */
export async function inspect(host: Host, source: string, options: InspectOptions = {}): Promise<Inspection> {
  const found = await inspectFiles(host, source, options);
  const trial = options.check === true ? await tryOut(host, source, options) : undefined;
  return trial === undefined ? found : { ...found, trial };
}

/** What is no model, or none that can be run on a picture, is not. */
async function tryOut(host: Host, source: string, { onNotice, signal }: InspectOptions): Promise<Inspection["trial"]> {
  try {
    const more = { ...(onNotice === undefined ? {} : { onNotice }), ...(signal === undefined ? {} : { signal }) };
    return await checkValues(host, await loadModel(host, source), more);
  } catch (error) {
    if (error instanceof SaccadeError && !(error instanceof AbortedError)) return { notRun: error.message };
    throw error;
  }
}

async function inspectFiles(host: Host, source: string, options: InspectOptions): Promise<Inspection> {
  const path = await locate(host, source);
  const entry = await host.files.stat(path);
  if (entry === undefined) throw new NotFoundError("file", path, "give a weight file, an ONNX file or a model folder");
  if (entry.isDirectory) return inspectFolder(host, path, options);
  const bytes = await host.files.read(path, { maxBytes: MAX_WEIGHT_BYTES });
  if (isOnnx(bytes)) return inspectOnnx(path, bytes.length, await wholeOnnx(host.files, path, bytes), options);
  const weights = readAnyWeights(bytes, path, options);
  return {
    path,
    kind: "checkpoint",
    ...weightFacts(weights, bytes.length, options),
    ...checkpointFits(weights),
  };
}

function checkpointFits(weights: Weights): Pick<Inspection, "fits" | "layers"> {
  const fits = detectModels(weights);
  const [first] = fits;
  if (first !== undefined) return { fits: fits.map(fitText), layers: layersOf(defineModel(first.name)) };
  const told = detectToldModel(weights);
  if (told === undefined) {
    const headless = detectHeadless(weights);
    return headless === undefined
      ? { fits: [] }
      : { fits: [headlessText(headless)], layers: layersOf(headless.definition) };
  }
  const { definition, note } = told;
  return { fits: [`${definition.architecture.name} (${note})`], layers: layersOf(definition) };
}

function layersOf(definition: ModelDefinition): LayerFacts[] {
  const names = layerNames(inferenceGraph(definition));
  const { outputs } = inferenceGraph(definition, {}, { layers: names });
  return names.map((name) => ({ name, shape: outputs.get(name)!.shape }));
}

async function locate(host: Host, source: string): Promise<string> {
  const bundled = await bundledFolder(host, source);
  if (bundled !== undefined) return bundled;
  if (!registry.has(source)) return source;
  const path = pulledPath(host, source);
  if ((await host.files.stat(path)) === undefined)
    throw new NotFoundError("weights", source, `download the official ones with: saccade pull ${source}`);
  return path;
}

async function inspectFolder(host: Host, folder: string, options: InspectOptions): Promise<Inspection> {
  const found = await readFolder(host.files, folder);
  if (found.kind === "onnx") {
    const whole = await readOnnxFolder(host.files, folder, found);
    return inspectOnnx(found.path, whole.fileBytes, whole, options, found.card);
  }
  const { file, layout } = found;
  const place = await requireWeights(host.files, folder);
  const stored = await readWeightsAt(host.files, place, (bytes, path) => readAnyWeights(bytes, path, options));
  const learnt = await readHeadWeights(host.files, folder, file);
  const weights = { ...stored, tensors: new Map([...stored.tensors, ...learnt]) };
  const { name: _, ...card } = cardOf(file, folder);
  const { architecture, config } = file;
  const vocabulary = await vocabularyBeside(host.files, folder, definitionOf(file));
  const facts = weightFacts(weights, weights.fileBytes, options);
  const misfit = misfitOf(found, weights, folder);
  const reduction = tokenFacts(file);
  return {
    path: folder,
    kind: "model folder",
    ...facts,
    notes: [...layoutNotes(found), ...facts.notes],
    fits: [],
    ...(misfit === undefined ? { layers: layersOf(definitionOf(file)) } : {}),
    card,
    ...(reduction === undefined ? {} : { reduction }),
    ...(misfit === undefined ? decidedCost(file) : {}),
    ...(vocabulary === undefined ? {} : { tokens: vocabulary.size }),
    folder: { architecture, config, layout, misfit },
  };
}

function decidedCost(file: ConfigFile): Pick<Inspection, "cost"> {
  const definition = definitionOf(file);
  if (inferenceGraph(definition).decidedSizes.size === 0) return {};
  const { macs, macsAtLeast, decisions } = modelCost(definition, countedExtent(definition, file.transform));
  return { cost: { macs, macsAtLeast, decisions } };
}

function layoutNotes({ layout, file }: NativeFolder): string[] {
  if (layout === "saccade") return [];
  return [
    `it is a folder of ${layout}; saccade convert makes one of our own of it`,
    ...(file.transform === undefined && definitionOf(file).architecture.transform !== undefined
      ? [
          "it has no preprocessor_config.json: classify, embed, eval and convert must be told how pictures are prepared, with --transform",
        ]
      : []),
  ];
}

function misfitOf({ file, adoptNames }: NativeFolder, { tensors, unread }: Weights, name: string): string | undefined {
  try {
    nativeModel(definitionOf(file), adoptNames(tensors), { name }, unread);
    return undefined;
  } catch (error) {
    if (error instanceof WeightsMismatchError) return error.message;
    throw error;
  }
}

function inspectOnnx(
  path: string,
  fileBytes: number,
  { bytes, external }: WholeOnnx,
  options: InspectOptions,
  besides: OnnxFolder["card"] = {},
): Inspection {
  const { initializers, metadata, ...onnx } = readOnnx(bytes);
  const read = onnxModel(bytes, path);
  const model = { ...read, card: { ...besides, ...read.card } };
  const { name: _, vocabulary, ...card } = model.card;
  const { architecture, config } = readMetadata(metadata);
  return {
    path,
    kind: "onnx",
    format: "onnx",
    fileBytes,
    ...(external.length === 0 ? {} : { external }),
    notes: architecture === undefined ? [] : [`made by saccade from the architecture "${architecture}"`],
    tensors: options.check === true ? withFaults(initializers, bytes) : initializers,
    metadata: withoutVocabulary(metadata),
    fits: [],
    card,
    ...(typeof config?.tokens === "string" ? { reduction: { tokens: config.tokens } } : {}),
    ...(vocabulary === undefined ? {} : { tokens: vocabulary.size }),
    onnx,
    ...scoreFacts(model),
  };
}

/** A million characters, which nobody reads: what they say is told in a number. */
function withoutVocabulary(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !/^saccade\.(?:vocab|merges)$/.test(key)));
}

function withFaults(tensors: readonly TensorFacts[], bytes: Uint8Array): TensorFacts[] {
  const faults = new Map<string, Faults>();
  visitWeights(bytes, (name, value) => faults.set(name, countFaults(value)));
  return tensors.map((facts) => ({ ...facts, ...(faults.get(facts.name) ?? { nan: 0, infinite: 0 }) }));
}

/** Files that are no models of pictures have none. */
function scoreFacts(model: OnnxModel): Pick<Inspection, "scores"> {
  try {
    const { scores, logitsName, answers } = pictureFacts(model);
    return answers === "classes" ? { scores: { ...scores, output: logitsName } } : {};
  } catch (error) {
    if (error instanceof FormatError) return {};
    throw error;
  }
}

/** One model's tensors; all of them where the file does not say which ones are the model. */
function readAnyWeights(bytes: Uint8Array, path: string, { entry, all }: InspectOptions): Weights {
  const options = { ...(entry === undefined ? {} : { entry }), ...(all === undefined ? {} : { all }) };
  try {
    return readWeights(bytes, path, options);
  } catch (error) {
    if (!(error instanceof FormatError) || entry !== undefined || all === true) throw error;
    let everything: Weights;
    try {
      everything = readWeights(bytes, path, { all: true });
    } catch {
      throw error;
    }
    if (everything.tensors.size === 0) throw error;
    return { ...everything, notes: [`all tensors of the file are listed: ${error.message}`, ...everything.notes] };
  }
}

function weightFacts(weights: Weights, fileBytes: number, { check = false }: InspectOptions) {
  const { format, notes, metadata } = weights;
  const tensors = [...weights.tensors].map(([name, value]): TensorFacts => {
    const { dtype, shape, data } = value;
    return { name, dtype, shape, bytes: data.byteLength, ...(check ? countFaults(value) : {}) };
  });
  return { format, fileBytes, notes, metadata, tensors };
}

/** Sums over a list of tensors. */
export function summarizeTensors(tensors: readonly TensorFacts[]) {
  const dtypes = new Map<string, { tensors: number; elements: number; bytes: number }>();
  let elements = 0;
  let bytes = 0;
  for (const { dtype, shape, bytes: size } of tensors) {
    const count = elementCount(shape);
    const sum = dtypes.get(dtype) ?? { tensors: 0, elements: 0, bytes: 0 };
    dtypes.set(dtype, { tensors: sum.tensors + 1, elements: sum.elements + count, bytes: sum.bytes + size });
    elements += count;
    bytes += size;
  }
  return { count: tensors.length, elements, bytes, dtypes };
}
