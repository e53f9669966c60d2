// What a benchmark can measure: a registered model with random weights (time does not depend on values), a model folder, a checkpoint, or
// anybody's ONNX file. All look alike from here on.
import { SaccadeError } from "../../errors.ts";
import {
  fixedOutputSize,
  parseTransform,
  pixelNormalization,
  printTransform,
  valueSteps,
} from "../../image/transform.ts";
import { compileModel, exportOnnx, hasPrecision } from "../../model-folder/compile.ts";
import { usualExtent } from "../../model-folder/describe.ts";
import { type LoadOptions, loadModel } from "../../model-folder/load.ts";
import type { LoadedModel, NativeModel, OnnxModel } from "../../model-folder/model.ts";
import { modelAtSize } from "../../model-folder/native.ts";
import { aboutTokens, withTokenDial } from "../../model-folder/token-dial.ts";
import { ANSWER_OUTPUTS, type Answers } from "../../models/answers.ts";
import { type InputExtent, type ModelCost, modelCost } from "../../models/cost.ts";
import { inferenceGraph, initialWeights } from "../../models/graph.ts";
import { channelsOfInput } from "../../models/grey.ts";
import { pictureInput, usualTransform } from "../../models/picture-input.ts";
import { changedModel, type ModelDefinition, registry } from "../../models/registry.ts";
import type { Kernels, Precision } from "../../onnx/lower.ts";
import { readOnnx } from "../../onnx/read.ts";
import type { Host } from "../../platform/host.ts";
import type { BenchModel } from "./plan.ts";

/** A model as a session takes it. */
export interface Compiled {
  readonly bytes: Uint8Array;
  readonly inputName: string;
  readonly outputName: string;
  /** Whether it takes bytes (N, height, width, 3), as Classifier feeds them, instead of normalised floats. */
  readonly takesPixels?: boolean;
}

export interface Subject {
  readonly model: LoadedModel;
  readonly name: string;
  readonly parameters: number | undefined;
  readonly answers: Answers;
  /** The size it was made for. */
  readonly usual: InputExtent;
  /** Channels of its input: one where it sees pictures in grey. */
  readonly channels: 1 | 3;
  /** How pixels become numbers, in the transform language, without any resizing. */
  readonly normalization: string;
  /** Why it cannot be measured like that; undefined when it can. */
  refuses(extent: InputExtent, precision: Precision): string | undefined;
  /** undefined for files whose products nobody counts. Throws like `modelCost`. */
  cost(extent: InputExtent): ModelCost | undefined;
  /** For pictures of one size, any number of them. */
  compile(extent: InputExtent, precision: Precision, kernels: Kernels): Compiled;
}

/**
 * Finds what a name or path means and makes it ready to be compiled.
 *
 * @param seed of the random weights that registered models get
 * @throws NotFoundError, FormatError, UsageError
 */
export async function openSubject(
  host: Host,
  model: Pick<BenchModel, "source" | "tokens">,
  seed: number,
  onNotice?: (line: string) => void,
): Promise<Subject> {
  const { source, tokens } = model;
  const name = benchName(model);
  const options = tokens === undefined ? {} : { tokens };
  if (registry.has(source)) {
    const definition = registeredWith(source, withTokenDial<LoadOptions>(options));
    const weights = initialWeights(inferenceGraph(definition), seed);
    return nativeSubject(name, { kind: "native", card: { name: source }, definition, weights });
  }
  return subjectOf(name, await loadModel(host, source, options), onNotice);
}

function registeredWith(name: string, options: LoadOptions): ModelDefinition {
  try {
    return changedModel(name, {}, options.config);
  } catch (error) {
    throw aboutTokens(error, options);
  }
}

/** "deit_small_patch16_224, merge=13:tome" */
export function benchName({ source, tokens }: Pick<BenchModel, "source" | "tokens">): string {
  return tokens === undefined ? source : `${source}, ${typeof tokens === "number" ? `${tokens} tokens` : tokens}`;
}

/** A model that is loaded already. @param name for the report */
export function subjectOf(name: string, model: LoadedModel, onNotice?: (line: string) => void): Subject {
  return model.kind === "onnx" ? foreignSubject(name, model, onNotice) : nativeSubject(name, model);
}

function nativeSubject(name: string, model: NativeModel): Subject {
  const { architecture, config } = model.definition;
  const usual = usualExtent(model.definition, model.card.transform);
  const transform = parseTransform(model.card.transform ?? usualTransform(model.definition));
  const answers = architecture.answers(config);
  const costs = new Map<string, ModelCost>();
  const cost = (extent: InputExtent): ModelCost => {
    const key = JSON.stringify(extent);
    const known = costs.get(key) ?? modelCost(model.definition, extent);
    costs.set(key, known);
    return known;
  };
  return {
    model,
    name,
    parameters: cost(usual).parameters,
    answers,
    usual,
    channels: channelsOfInput(pictureInput(model.definition)),
    normalization: normalizationOf(model.card.transform ?? usualTransform(model.definition)),
    cost,
    refuses(extent) {
      try {
        cost(extent);
        return undefined;
      } catch (error) {
        if (error instanceof SaccadeError) return error.message;
        throw error;
      }
    },
    compile: ({ height, width, frames }, precision, kernels) => {
      // In eight bits some models begin with the bytes.
      const pixels =
        precision === "int8" && architecture.keepsBytes === true ? pixelNormalization(transform) : undefined;
      return {
        bytes: exportOnnx(modelAtSize(model, { height, width }), {
          ...kernels,
          precision,
          outputs: ANSWER_OUTPUTS[answers],
          size: { height, width, ...(frames === undefined ? {} : { frames }) },
          ...(pixels === undefined ? {} : { form: { pixels } }),
        }),
        inputName: "image",
        outputName: ANSWER_OUTPUTS[answers][0],
        takesPixels: pixels !== undefined,
      };
    },
  };
}

function foreignSubject(name: string, model: OnnxModel, onNotice?: (line: string) => void): Subject {
  const compiled = compileModel(model, onNotice === undefined ? {} : { onNotice });
  const transform = compiled.card.transform ?? compiled.usualTransform;
  const { inputs, initializers } = readOnnx(model.bytes);
  const shape = inputs[0]?.shape ?? [];
  return {
    model,
    name,
    parameters: initializers
      .filter(({ dtype }) => dtype.startsWith("float") || dtype === "bfloat16")
      .reduce((sum, initializer) => sum + initializer.shape.reduce((product, size) => product * size, 1), 0),
    answers: compiled.answers,
    channels: compiled.channels,
    usual: foreignExtent(shape, transform),
    normalization: normalizationOf(transform),
    cost: () => undefined,
    refuses({ height, width, batch = 1 }, precision) {
      if (!hasPrecision(model, precision)) return `the file cannot be turned to ${precision}`;
      const wanted = [batch, compiled.channels, height, width];
      const fits = wanted.every((size, i) => typeof shape[i] !== "number" || shape[i] === size);
      return fits ? undefined : `the file takes [${shape.join(", ")}] only`;
    },
    compile: () => ({ bytes: compiled.bytes, inputName: compiled.inputName, outputName: compiled.logitsName }),
  };
}

/** (N, channels, H, W), any of which may be free: then what the transform makes of pictures. */
function foreignExtent([, , height, width]: readonly (number | string)[], transform: string): InputExtent {
  const made = fixedOutputSize(parseTransform(transform)) ?? { height: 224, width: 224 };
  return {
    height: typeof height === "number" ? height : made.height,
    width: typeof width === "number" ? width : made.width,
  };
}

/** The last step of a transform; pictures of the right size need no other. */
function normalizationOf(transform: string): string {
  const steps = valueSteps(parseTransform(transform));
  return printTransform(steps.length === 0 ? parseTransform("value_range(0,1)") : steps);
}
