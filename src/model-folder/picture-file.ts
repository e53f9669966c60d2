// Anybody's ONNX file as a model of pictures: how it takes them, and which of its outputs are class scores of what kind.
import { FormatError } from "../errors.ts";
import { ANSWER_OUTPUTS, type Answers, isAnswers } from "../models/answers.ts";
import type { PixelSize } from "../models/graph.ts";
import { readMetadata } from "../onnx/metadata.ts";
import { type OnnxSummary, type OnnxValueInfo, readOnnx } from "../onnx/read.ts";
import { type FoundScores, findScoreKind, type ScoreKind } from "../onnx/score-kind.ts";
import { describeValue } from "../runtime/feeds.ts";
import type { CompiledModel } from "./compile.ts";
import type { OnnxModel } from "./model.ts";

/**
 * What a task must know about a file: one input, float32 (N, 3, H, W), (N, 1, H, W) or uint8 (N, H, W, 3), and class scores as `logits` or another output of
 * one number a class.
 *
 * @param scores what the caller says the scores are
 * @param layer what Embedder is to read: then nothing else need be there
 * @throws FormatError for a file that is no such model
 */
export function pictureFacts(
  model: OnnxModel,
  scores?: ScoreKind,
  layer?: string,
): Omit<CompiledModel, "card" | "bytes"> {
  const summary = readOnnx(model.bytes);
  return factsOf(model, summary, pictureInput(summary, model.card.name), scores, layer);
}

/** The same of a file that takes clips: float32 (N, 3, frames, H, W). Throws FormatError for a file that is no such model. */
export function clipFileFacts(model: OnnxModel, scores?: ScoreKind): Omit<CompiledModel, "card" | "bytes"> {
  const summary = readOnnx(model.bytes);
  const [input] = summary.inputs;
  const [, channels, frames, height, width] = input?.shape ?? [];
  if (!isClips(summary) || input === undefined || (typeof channels === "number" && channels !== 3))
    throw new FormatError(model.card.name, "a video model has one input, float32 (N, 3, frames, H, W)", {
      hint: "saccade inspect FILE shows its inputs; saccade run feeds any tensors",
    });
  const isFixed = typeof frames === "number";
  return {
    ...factsOf(model, summary, { input, takes: "clips", channels: 3, size: sizeOf(height, width) }, scores),
    frames: { usual: isFixed ? frames : USUAL_FRAMES, isFixed },
  };
}

/** Frames of a clip where a file takes any number. */
const USUAL_FRAMES = 8;

/** Whether a file takes clips. */
export function isClipFile({ bytes }: OnnxModel): boolean {
  return isClips(readOnnx(bytes));
}

const isClips = ({ inputs }: OnnxSummary) =>
  inputs.length === 1 && inputs[0]!.dtype === "float32" && inputs[0]!.shape?.length === 5;

interface FileInput {
  readonly input: OnnxValueInfo;
  readonly takes: CompiledModel["takes"];
  readonly channels: 1 | 3;
  readonly size: PixelSize;
}

function factsOf(
  model: OnnxModel,
  summary: OnnxSummary,
  { input, takes, channels, size }: FileInput,
  scores?: ScoreKind,
  layer?: string,
): Omit<CompiledModel, "card" | "bytes"> {
  const { card } = model;
  const output = layer === undefined ? scoreOutput(summary, card.name) : readOutput(summary, layer);
  const answers = answersOf(summary);
  const isScored = layer === undefined && ["classes", "embedding"].includes(answers);
  return {
    takes,
    channels,
    inputName: input.name,
    logitsName: output.name,
    embeddingName: layer ?? summary.outputs.find(({ name }) => name === "features")?.name ?? output.name,
    answers,
    suppression: suppressionOf(summary),
    things: thingsOf(summary),
    scores: isScored ? scoresOf(model, output, scores) : NO_SCORES,
    scoresSteps: answersSteps(summary, output),
    unknownName: unknownOutput(summary),
    glimpses: countGlimpses(summary.outputs.map(({ name }) => name)),
    reductions: [],
    usualTransform: `resize_small(${Math.round((Math.min(size.height, size.width) * 256) / 224)},bilinear)|central_crop(${size.width},${size.height})${takes === "pixels" || channels === 1 ? "" : "|normalize(imagenet)"}`,
  };
}

/** Other programs' files do not say: they are taken for classifiers. */
function answersOf({ metadata }: OnnxSummary): Answers {
  const { answers } = readMetadata(metadata);
  return isAnswers(answers) ? answers : "classes";
}

/** Damaged text is as none. */
function suppressionOf({ metadata }: OnnxSummary): number | undefined {
  const overlap = Number(readMetadata(metadata).suppression ?? Number.NaN);
  return overlap > 0 && overlap <= 1 ? overlap : undefined;
}

const NO_SCORES: FoundScores = { kind: "logits", operator: undefined };

/** What is known of an output, or of a value that becomes one. */
function readOutput({ outputs }: OnnxSummary, name: string): OnnxValueInfo {
  return outputs.find((output) => output.name === name) ?? { name, dtype: "float32", shape: undefined };
}

/** Only a file that says so has it: other programs' output of this name is something else. */
function unknownOutput({ outputs, metadata }: OnnxSummary): string | undefined {
  return readMetadata(metadata).unknown === undefined
    ? undefined
    : outputs.find(({ name }) => name === "unknown")?.name;
}

/** How many looks the outputs describe. */
export function countGlimpses(outputs: readonly string[]): number {
  return outputs.filter((name) => /^gaze\.\d+\.points$/.test(name)).length;
}

/** What the scores of a file are: as the caller says, as the file does, or as its graph tells. */
export function scoresOf({ card, bytes }: OnnxModel, output: OnnxValueInfo, said?: ScoreKind): FoundScores {
  const kind = said ?? card.scores;
  return kind === undefined
    ? findScoreKind(bytes, card.name, output.name, output.shape?.length)
    : { kind, operator: undefined };
}

const FLOATS = ["float32", "float16", "bfloat16", "float64"];

function pictureInput({ inputs }: OnnxSummary, name: string): FileInput {
  const [input, ...others] = inputs;
  const takes = input?.dtype === "uint8" ? ("pixels" as const) : ("image" as const);
  const [, second, third, last] = input?.shape ?? [];
  const [channels, height, width] = takes === "pixels" ? [last, second, third] : [second, third, last];
  if (
    others.length > 0 ||
    input === undefined ||
    !["float32", "uint8"].includes(input.dtype) ||
    input.shape?.length !== 4 ||
    (typeof channels === "number" && channels !== 3 && (channels !== 1 || takes === "pixels"))
  )
    throw new FormatError(
      name,
      "a picture model has one input, float32 (N, 3, H, W), (N, 1, H, W) or uint8 (N, H, W, 3); this file does not",
      { hint: "saccade inspect FILE shows its inputs; saccade run feeds any tensors" },
    );
  return { input, takes, channels: channels === 1 ? 1 : 3, size: sizeOf(height, width) };
}

function sizeOf(height: unknown, width: unknown): PixelSize {
  return typeof height === "number" && typeof width === "number" ? { height, width } : { height: 224, width: 224 };
}

/** Damaged text is as none. */
function thingsOf({ metadata }: OnnxSummary): readonly number[] | undefined {
  const { things } = readMetadata(metadata);
  if (things === undefined) return undefined;
  const indexes = things === "" ? [] : things.split(",").map(Number);
  return indexes.every((index) => Number.isInteger(index) && index >= 0) ? indexes : undefined;
}

/** The first output of what the file says that it answers, `logits` where it does not, else the first output of two dimensions, else the first that may be scores. */
export function scoreOutput(summary: OnnxSummary, name: string): OnnxValueInfo {
  const { outputs } = summary;
  const answers = answersOf(summary);
  const named = outputs.find((output) => output.name === ANSWER_OUTPUTS[answers][0]);
  const found = named ?? outputs.find(isTable) ?? outputs.find((output) => mayBeScores(output));
  const list = outputs.map((output) => describeValue({ ...output, shape: output.shape ?? ["…"] })).join("; ");
  const isKnown = (output: OnnxValueInfo) =>
    mayBeScores(output) || answersSteps(summary, output) || (output === named && answers !== "classes");
  if (found === undefined || !isKnown(found))
    throw new FormatError(name, "no output has one floating-point number a class, (N, classes)", {
      hint: `its outputs are ${list || "none"}; saccade run gives any of them`,
    });
  return found;
}

const isTable = ({ dtype, shape }: OnnxValueInfo) => shape?.length === 2 && FLOATS.includes(dtype);

/** Whether all but one of the sizes after the batch are 1, as far as they are known: (N, C), (N, C, 1, 1), (N). */
function mayBeScores({ dtype, shape }: OnnxValueInfo): boolean {
  const large = shape?.slice(1).filter((size) => typeof size === "number" && size !== 1) ?? [];
  return FLOATS.includes(dtype) && large.length <= 1;
}

/** Our own files of models in steps have the scores of all steps. */
function answersSteps({ metadata }: OnnxSummary, { shape }: OnnxValueInfo): boolean {
  return shape?.length === 3 && readMetadata(metadata).architecture !== undefined;
}
