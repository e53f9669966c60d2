// A model in memory, ready to be compiled, with everything it never travels without.
import type { SolvedThresholds } from "../models/architecture.ts";
import type { ModelDefinition } from "../models/registry.ts";
import type { ScoreKind } from "../onnx/score-kind.ts";
import type { TensorData } from "../tensor.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import type { ClipFacts } from "./clip-entry.ts";

/** What stopping early is worth, solved on pictures: for models that run in steps. */
export interface EarlyExit {
  /** The pictures that it was solved on, as the user named them, and how many. */
  readonly data?: string | undefined;
  readonly pictures?: number | undefined;
  readonly points: readonly EarlyExitThresholds[];
}

export interface EarlyExitThresholds extends SolvedThresholds {
  /** Share answered rightly, 0..1, measured on one half of the pictures with thresholds of the other. */
  readonly top1?: number | undefined;
}

/** What is known of a model whose answer was learnt on another one's features. */
export interface LearntFacts {
  /** Pictures that it was learnt from, class by class in the order of the labels. */
  readonly pictures: readonly number[];
  /** Share answered rightly, 0..1, when each picture is answered by heads that have not seen it, with a 95 % interval. */
  readonly accuracy?: { readonly top1: number; readonly low: number; readonly high: number } | undefined;
  /** What was asked for, so that learning on asks for the same: a head, its strength, a seed. */
  readonly asked?: Readonly<Record<string, string | number>> | undefined;
  /** Which features they are: what `EmbeddingSpace` says. */
  readonly space: Readonly<Record<string, string | number | boolean | null>>;
}

/** What a model says about itself. */
export interface ModelCard {
  /** For people: a registered name, or the path it came from. */
  readonly name: string;
  /** Class names by index; absent for embeddings and for models that do not say. */
  readonly labels?: readonly string[];
  /** Evaluation preprocessing, in the transform language. */
  readonly transform?: string;
  readonly licence?: string;
  /** What the scores are, where the graph of an ONNX file does not say. */
  readonly scores?: ScoreKind;
  readonly provenance?: Readonly<Record<string, string | number | boolean>>;
  /** Of a text model: what its tokenizer knows. */
  readonly vocabulary?: Vocabulary;
  /** Of a model whose embeddings are compared with texts': the text model that gives these, as a user would name it. */
  readonly textModel?: string;
  /** Thresholds for average budgets; they take the place of those that an official checkpoint carries. */
  readonly earlyExit?: EarlyExit;
  /** Answers whose probability is below this are called unknown; what that costs is the card's to say. */
  readonly unknownBelow?: number;
  /** Of a model of videos: which frames it is shown. */
  readonly clip?: ClipFacts;
  /** How a learnt head came about. */
  readonly learnt?: LearntFacts;
  /** Of a model that was pre-trained without labels, and whose last layer has learnt nothing: the objective that it learnt by. */
  readonly pretext?: string;
}

/** An architecture of this library with its weights. */
export interface NativeModel {
  readonly kind: "native";
  readonly card: ModelCard;
  readonly definition: ModelDefinition;
  /** Checked against the architecture: complete, nothing left over. */
  readonly weights: ReadonlyMap<string, TensorData>;
}

/** An ONNX file: exported by this library, or anybody's. */
export interface OnnxModel {
  readonly kind: "onnx";
  readonly card: ModelCard;
  /** All of it: what the file keeps in others is inside. */
  readonly bytes: Uint8Array;
}

export type LoadedModel = NativeModel | OnnxModel;
