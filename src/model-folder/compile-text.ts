// From a loaded text model to the ONNX bytes a session runs, and what whoever feeds it must know.
import { FormatError, NotFoundError, UsageError } from "../errors.ts";
import type { TextInput } from "../models/architecture.ts";
import { defineModel, type ModelDefinition } from "../models/registry.ts";
import type { LoweringTarget } from "../onnx/lower.ts";
import { readMetadata } from "../onnx/metadata.ts";
import { readOnnx } from "../onnx/read.ts";
import { toFloat32 } from "../tensor.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import { exportOnnx } from "./compile.ts";
import type { LoadedModel, ModelCard, OnnxModel } from "./model.ts";

/** A model that gives texts' vectors: `ids` (batch, context) int64 in, `logits` (batch, width) and `scale` () out. */
export interface TextModel {
  readonly card: ModelCard;
  readonly vocabulary: Vocabulary;
  /** Tokens of a text, start and end among them. */
  readonly context: number;
  /** Numbers in a vector. */
  readonly width: number;
  /** By what cosines are multiplied, where it is known without running the model. */
  readonly scale: number | undefined;
  /** Made when it is first asked for. */
  readonly bytes: Uint8Array;
}

/**
 * What a session and its tokenizer need.
 *
 * @throws UsageError for a model of pictures, FormatError for an ONNX file that this library did not write, NotFoundError without a vocabulary
 */
export function compileText(model: LoadedModel, target: LoweringTarget = "onnxruntime"): TextModel {
  const { card } = model;
  const definition = model.kind === "native" ? model.definition : exportedDefinition(model);
  const { context } = textInput(definition, card.name);
  const { classesField } = definition.architecture;
  const stored = model.kind === "native" ? model.weights.get("logit_scale") : undefined;
  if (card.vocabulary === undefined)
    throw new NotFoundError(
      "vocabulary",
      card.name,
      "put vocab.json and merges.txt (or tokenizer.json, or OpenAI's bpe_simple_vocab_16e6.txt.gz) beside its weights; saccade pull clip_text_vit_b16 fetches OpenAI's",
    );
  return {
    card,
    vocabulary: card.vocabulary,
    context,
    width: (definition.config as Readonly<Record<string, number>>)[classesField]!,
    scale: stored === undefined ? undefined : Math.exp(toFloat32(stored)[0]!),
    get bytes() {
      return model.kind === "onnx" ? model.bytes : exportOnnx(model, { target, outputs: ["logits", "scale"] });
    },
  };
}

function textInput(definition: ModelDefinition, name: string): TextInput {
  const input = definition.architecture.input(definition.config);
  if (input.kind === "text") return input;
  throw new UsageError(
    `${name} is a model of pictures, and a text model is wanted here`,
    "text models are listed by: saccade models (clip_text_…)",
  );
}

function exportedDefinition({ bytes, card }: OnnxModel): ModelDefinition {
  const { architecture, config } = readMetadata(readOnnx(bytes).metadata);
  if (architecture !== undefined) return defineModel(architecture, config);
  throw new FormatError(card.name, "it does not say that it is a text model", {
    hint: "give a model folder or a checkpoint, or what saccade export made of one",
  });
}
