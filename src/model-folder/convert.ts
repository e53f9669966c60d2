// From anybody's checkpoint to a model of this library: which entry it is, what its names became, and in which precision it is kept.
import { SaccadeError, UsageError, WeightsMismatchError } from "../errors.ts";
import { ANSWER_OUTPUTS, classesOf } from "../models/answers.ts";
import { architectures } from "../models/architectures.ts";
import { inferenceGraph } from "../models/graph.ts";
import { withMetadata } from "../onnx/metadata.ts";
import { readOnnx } from "../onnx/read.ts";
import { type DType, numberToHalf, type TensorData, toFloat32 } from "../tensor.ts";
import { packInt8Rows, unpackInt8Rows } from "../weights/int8-rows.ts";
import { readWeights, type Weights, type WeightsFormat } from "../weights/load.ts";
import type { ModelCard, NativeModel, OnnxModel } from "./model.ts";
import { nativeModel } from "./native.ts";
import { onnxModel } from "./onnx-model.ts";
import { scoreOutput } from "./picture-file.ts";
import { type Recognised, recogniseCheckpoint } from "./recognise.ts";

export const STORED_PRECISIONS = ["float32", "float16", "int8"] as const;
export type StoredPrecision = (typeof STORED_PRECISIONS)[number];

export interface ConvertOptions extends Omit<ModelCard, "name"> {
  /** Entry of a PyTorch checkpoint ("model_ema"). Default: the most usual one that is there. */
  readonly entry?: string;
  /** An architecture or a registered model. Default: what fits. */
  readonly architecture?: string;
  /** Fields of the configuration. A complete one needs no architecture. */
  readonly config?: Readonly<Record<string, unknown>>;
  /**
   * Precision to keep floating-point weights in. Default: the checkpoint's own. Computation is in float32 either way. "int8": whole numbers times a
   * scale for each row of a matrix, all else in float16; the model has the values that such a file gives.
   */
  readonly dtype?: StoredPrecision;
}

export interface Conversion {
  readonly model: NativeModel;
  readonly format: WeightsFormat;
  /** What was chosen or left out of the file. */
  readonly notes: readonly string[];
  /** Tensors that have another name in the model than in the file. */
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  /** Tensors that were computed out of the file's. */
  readonly computed: readonly string[];
  /** Tensors of the file that the model has no use for. */
  readonly dropped: readonly string[];
}

/**
 * Reads a checkpoint as a model.
 * @throws WeightsMismatchError when it does not fit the architecture; UsageError when no architecture is given and none fits, and for labels
 * that are not as many as the classes.
 */
export function convertCheckpoint(bytes: Uint8Array, where: string, options: ConvertOptions = {}): Conversion {
  const { entry, architecture, config, dtype, ...card } = options;
  const weights = readWeights(bytes, where, entry === undefined ? {} : { entry });
  const { definition, tensors, notes, pretext } =
    architecture === undefined
      ? recogniseConfigured(weights, where, config)
      : recogniseCheckpoint(weights, where, { architecture, config });
  const model = nativeModel(definition, tensors, {
    name: where,
    ...(pretext === undefined ? {} : { pretext }),
    ...card,
  });
  requireLabels(model);
  return {
    model: dtype === undefined ? model : { ...model, weights: inPrecision(model.weights, dtype) },
    format: weights.format,
    notes: [...weights.notes, ...notes],
    ...compareNames(weights.tensors, model.weights),
  };
}

/**
 * A model as another one of the same weights: with other labels, another transform or licence, or in another precision.
 * @throws UsageError for what a finished model cannot change, and for labels that are not as many as the classes
 */
export function convertModel(model: NativeModel, where: string, options: ConvertOptions = {}): Conversion {
  const { entry, architecture, config, dtype, ...card } = options;
  if (entry !== undefined || architecture !== undefined || config !== undefined)
    throw new UsageError(
      `${where} is a model folder, and its config.json says what it is`,
      "leave --entry and --architecture out, or convert the weights file in it",
    );
  const provenance = { ...model.card.provenance, ...card.provenance };
  const weights = dtype === undefined ? model.weights : inPrecision(model.weights, dtype);
  const converted = { ...model, weights, card: { ...model.card, ...card, provenance } };
  requireLabels(converted);
  return { model: converted, format: "safetensors", notes: [], renamed: [], computed: [], dropped: [] };
}

/**
 * An ONNX file that says more about itself: labels, transform, licence, what its scores are. All of it is in the one file.
 *
 * @throws UsageError for what a compiled model cannot change, and for labels that are not as many as the classes
 */
export function convertOnnx(model: OnnxModel, options: ConvertOptions = {}): OnnxModel {
  const { entry, architecture, config, dtype, provenance, earlyExit: _, clip: _clip, ...texts } = options;
  // What was said beside the file goes into it too.
  const { name, provenance: origin, earlyExit: __, clip: __clip, ...said } = model.card;
  const labels = options.labels ?? said.labels;
  if (entry !== undefined || architecture !== undefined || config !== undefined || dtype !== undefined)
    throw new UsageError(
      `${model.card.name} is an ONNX file: its graph and its weights stay as they are`,
      "leave --entry, --architecture, --config and --dtype out",
    );
  const summary = readOnnx(model.bytes);
  const classes = labels === undefined ? undefined : scoreOutput(summary, model.card.name).shape?.[1];
  // One number a picture says yes or no.
  if (
    labels !== undefined &&
    typeof classes === "number" &&
    ![classes, classes === 1 ? 2 : classes].includes(labels.length)
  )
    throw new UsageError(`the model scores ${classes} classes, but there are ${labels.length} labels`);
  const bytes = withMetadata(model.bytes, {
    ...said,
    ...texts,
    ...(labels === undefined ? {} : { labels }),
    ...(provenance === undefined ? {} : { provenance: JSON.stringify({ ...origin, ...provenance }) }),
  });
  return onnxModel(bytes, name);
}

/** A wrong number of names is found now and not at the first picture. */
function requireLabels({ card: { labels }, definition }: NativeModel): void {
  if (labels === undefined) return;
  const answers = definition.architecture.answers(definition.config);
  const { shape } = inferenceGraph(definition).outputs.get(ANSWER_OUTPUTS[answers][0])!;
  const classes = classesOf(answers, shape);
  if (classes !== undefined && labels.length !== classes)
    throw new UsageError(`the model scores ${classes} classes, but there are ${labels.length} labels`);
}

/** A complete configuration tells its architecture by what fits; an incomplete one changes the registered model that fits. */
function recogniseConfigured(
  weights: Weights,
  where: string,
  config: Readonly<Record<string, unknown>> | undefined,
): Recognised {
  let misfit: WeightsMismatchError | undefined;
  for (const name of config === undefined ? [] : architectures.keys()) {
    try {
      return recogniseCheckpoint(weights, where, { architecture: name, config });
    } catch (error) {
      if (error instanceof WeightsMismatchError) misfit ??= error;
      else if (!(error instanceof SaccadeError)) throw error;
    }
  }
  if (misfit !== undefined) throw misfit;
  return recogniseCheckpoint(weights, where, { config });
}

/** Renaming keeps the tensors themselves, so they tell which name became which. */
function compareNames(
  before: ReadonlyMap<string, TensorData>,
  after: ReadonlyMap<string, TensorData>,
): Pick<Conversion, "renamed" | "computed" | "dropped"> {
  const nameBefore = new Map([...before].map(([name, value]) => [value, name]));
  const kept = new Set(after.values());
  const renamed: { from: string; to: string }[] = [];
  const computed: string[] = [];
  for (const [to, value] of after) {
    const from = nameBefore.get(value);
    if (from === undefined) computed.push(to);
    else if (from !== to) renamed.push({ from, to });
  }
  const dropped = [...before].filter(([name, value]) => !kept.has(value) && !after.has(name)).map(([name]) => name);
  return { renamed, computed, dropped };
}

const FLOATS: readonly DType[] = ["float64", "float32", "float16", "bfloat16"];

/** Floating-point tensors in the precision asked for, the others as they are. Throws UsageError for values beyond float16. */
export function inPrecision(
  weights: ReadonlyMap<string, TensorData>,
  dtype: StoredPrecision,
): ReadonlyMap<string, TensorData> {
  if (dtype === "int8") return unpackInt8Rows(packInt8Rows(inPrecision(weights, "float16")));
  return new Map(
    [...weights].map(([name, value]) => {
      if (value.dtype === dtype || !FLOATS.includes(value.dtype)) return [name, value];
      const numbers = toFloat32(value);
      if (dtype === "float32") return [name, { dtype, shape: value.shape, data: numbers }];
      const data = Uint16Array.from(numbers, numberToHalf);
      const lost = data.findIndex((half, i) => (half & 0x7fff) === 0x7c00 && Number.isFinite(numbers[i]));
      if (lost >= 0) throw new UsageError(`${name} holds ${numbers[lost]}, which float16 cannot`, "keep it in float32");
      return [name, { dtype, shape: value.shape, data }];
    }),
  );
}
