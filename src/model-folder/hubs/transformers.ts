// Folders of huggingface/transformers (save_pretrained): config.json with `model_type`, `architectures` and `id2label`, as ours.
import { z } from "zod";
import { FormatError } from "../../errors.ts";
import { faultsText } from "../../models/check-config.ts";
import { CLIP_CLASSES, CLIP_MODEL_TYPES, clipTextConfig } from "../../models/clip-text/transformers.ts";
import { transformersConvnext } from "../../models/convnext/transformers.ts";
import { transformersRegnet } from "../../models/regnet/transformers.ts";
import { transformersResnet } from "../../models/resnet/transformers.ts";
import { transformersSwin } from "../../models/swin/transformers.ts";
import type { TransformersFamily } from "../../models/transformers.ts";
import { transformersDeit, transformersVit } from "../../models/vit/transformers.ts";
import type { ScoreKind } from "../../onnx/score-kind.ts";
import type { ConfigFile } from "../config-file.ts";
import { parseHubConfig, withoutPlaceholders } from "./hub-config.ts";
import { processorTransform } from "./image-processor.ts";

/** What is read. */
export const FAMILIES: readonly TransformersFamily[] = [
  transformersVit,
  transformersDeit,
  transformersSwin,
  transformersConvnext,
  transformersResnet,
  transformersRegnet,
];

const families: ReadonlyMap<string, TransformersFamily> = new Map(FAMILIES.map((family) => [family.modelType, family]));

const transformersSchema = z.looseObject({
  model_type: z.string().max(200).nullish(),
  architectures: z.array(z.string().max(200)).max(100).nullish(),
  id2label: z.record(z.string(), z.string().max(1000)).nullish(),
  num_labels: z.int().min(1).max(1_000_000).nullish(),
  problem_type: z.string().max(200).nullish(),
  quantization_config: z.unknown().optional(),
});

export type TransformersConfig = z.infer<typeof transformersSchema>;

/** The fields that all families share. Throws FormatError naming the one that is out of bounds. */
export function parseTransformersConfig(json: unknown, where: string): TransformersConfig {
  return parseHubConfig(transformersSchema, json, where);
}

/** A transformers folder as ours, and how its tensors' names become ours. */
export interface TransformersModel {
  readonly file: ConfigFile;
  readonly adoptNames: TransformersFamily["adoptNames"];
}

/** The image processor of a family's models, where the family is known here. */
export function usualProcessor({ model_type }: TransformersConfig): string | undefined {
  return families.get(model_type ?? "")?.processor;
}

/** What one exports to, where our architectures do not compute a model. */
export const OPTIMUM_HINT =
  "export it to ONNX with Optimum and give that folder: optimum-cli export onnx --model FOLDER OUT";

/**
 * config.json and preprocessor_config.json of a transformers folder as ours.
 *
 * @param processor the object that describes the image processor, and its file; undefined when the folder has none
 * @throws FormatError that says what the model is, when it is none of ours
 */
export function transformersModel(
  json: unknown,
  where: string,
  processor: ProcessorFile | undefined,
): TransformersModel {
  const config = parseTransformersConfig(json, where);
  if (isClip(config)) return clipTextModel(json, config, where);
  const family = families.get(config.model_type ?? "");
  const classifier = family?.classifiers.find((name) => config.architectures?.includes(name));
  if (family === undefined || classifier === undefined) throw noneOfOurs(config, where);
  refuseQuantised(config, where);
  if (transformersScores(config, where) === "independent-logits") throw severalLabels(where, OPTIMUM_HINT);
  const { labels, classes } = transformersLabels(config, where);
  const transform =
    processor === undefined ? undefined : processorTransform(processor.json, processor.where, family.processor);
  return {
    adoptNames: family.adoptNames,
    file: {
      architecture: family.architecture,
      config: { ...fieldsOf(() => family.toConfig(json, classifier), where), num_classes: classes },
      ...(labels === undefined ? {} : { labels: [...labels] }),
      ...(transform === undefined ? {} : { transform }),
      provenance: { source: `a folder of transformers, ${classifier}` },
    },
  };
}

function isClip({ model_type, architectures }: TransformersConfig): boolean {
  return CLIP_MODEL_TYPES.includes(model_type ?? "") && CLIP_CLASSES.some((name) => architectures?.includes(name));
}

/** CLIP is read for its text tower, which has no classes and sees no pictures. */
function clipTextModel(json: unknown, config: TransformersConfig, where: string): TransformersModel {
  refuseQuantised(config, where);
  return {
    adoptNames: (tensors) => tensors, // the architecture knows these names
    file: {
      architecture: "clip_text",
      config: fieldsOf(() => clipTextConfig(json), where),
      provenance: { source: `a folder of transformers, ${config.architectures?.[0]}` },
    },
  };
}

function refuseQuantised({ quantization_config }: TransformersConfig, where: string): void {
  if (quantization_config == null) return;
  throw new FormatError(where, "its weights are quantised (quantization_config), which is not read", {
    hint: "save the model dequantised",
  });
}

/** An image processor's fields, and the file they are in. */
export interface ProcessorFile {
  readonly json: unknown;
  readonly where: string;
}

function fieldsOf(read: () => Readonly<Record<string, unknown>>, where: string): Readonly<Record<string, unknown>> {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    throw new FormatError(where, faultsText(error), { hint: OPTIMUM_HINT });
  }
}

/** The error for a model that our architectures would take for one of classes that exclude each other. */
export function severalLabels(where: string, hint: string): FormatError {
  return new FormatError(where, 'problem_type is "multi_label_classification": several labels at once', { hint });
}

/** What a classifier's outputs are, where config.json says it. Throws FormatError for outputs that are no scores of classes. */
export function transformersScores(
  { problem_type }: Pick<TransformersConfig, "problem_type">,
  where: string,
): ScoreKind | undefined {
  if (problem_type == null) return undefined;
  if (problem_type === "single_label_classification") return "logits";
  if (problem_type === "multi_label_classification") return "independent-logits";
  throw new FormatError(where, `problem_type is "${problem_type}"; what is read here are models that score classes`);
}

/** Names by index. transformers' own placeholders are none. */
export function transformersLabels(
  { id2label, num_labels }: TransformersConfig,
  where: string,
): { labels: readonly string[] | undefined; classes: number } {
  if (id2label == null) return { labels: undefined, classes: num_labels ?? 2 };
  const classes = Object.keys(id2label).length;
  const labels = Array.from({ length: classes }, (_, i) => id2label[String(i)]);
  const missing = labels.indexOf(undefined);
  if (classes === 0 || missing >= 0)
    throw new FormatError(where, `id2label has ${classes} entries, and none for class ${Math.max(missing, 0)}`);
  return { labels: withoutPlaceholders(labels as string[]), classes };
}

interface Task {
  /** Of the class's name. */
  readonly ending: RegExp;
  readonly what: string;
  /** Whether its ONNX file could be used here. */
  readonly classifies?: true;
}

/** What classes of transformers do, in the order in which they are looked for. */
const TASKS: readonly Task[] = [
  { ending: /ForImageClassification/, what: "an image classifier", classifies: true },
  { ending: /ForVideoClassification$/, what: "a video classifier" },
  { ending: /ObjectDetection$/, what: "an object detector" },
  { ending: /Segmentation$/, what: "a segmentation model" },
  { ending: /DepthEstimation$/, what: "a depth estimator" },
  { ending: /(?:MaskedImageModeling|ForPreTraining)$/, what: "a model from pretraining, without a classifier" },
  {
    ending:
      /(?:LMHeadModel|LM|(?:Sequence|Token)Classification|QuestionAnswering|ConditionalGeneration|MultipleChoice)$/,
    what: "a language model",
  },
  { ending: /(?:CTC|ForAudio\w*|ForSpeech\w*)$/, what: "an audio model" },
  { ending: /Model$/, what: "a model without a classifier" },
];

/** Says what a folder is that none of our architectures computes. */
function noneOfOurs({ model_type, architectures }: TransformersConfig, where: string): FormatError {
  const name = architectures?.[0];
  const task = name === undefined ? undefined : TASKS.find(({ ending }) => ending.test(name));
  const family = families.get(model_type ?? "");
  const read =
    family === undefined
      ? `image classifiers of the families ${[...families.keys()].join(", ")}`
      : family.classifiers.join(" and ");
  const kind = `${task?.what ?? "a model"}${model_type == null ? "" : ` of transformers' family "${model_type}"`}`;
  return new FormatError(
    where,
    `this is ${kind}${name === undefined ? ", which does not say of which class it is (architectures)" : ` (${name})`}; read are ${read}`,
    { hint: task?.classifies === true ? OPTIMUM_HINT : "what is read here are models that classify pictures" },
  );
}
