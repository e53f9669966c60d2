// A model in memory, ready to be compiled, with everything it never travels without.
import type { ModelDefinition } from "../models/registry.ts";
import type { TensorData } from "../tensor.ts";

/** What a model says about itself. */
export interface ModelCard {
  /** For people: a registered name, or the path it came from. */
  readonly name: string;
  /** Class names by index; absent for embeddings and for models that do not say. */
  readonly labels?: readonly string[];
  /** Evaluation preprocessing, in the transform language. */
  readonly transform?: string;
  readonly licence?: string;
  readonly provenance?: Readonly<Record<string, string | number | boolean>>;
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
  readonly bytes: Uint8Array;
}

export type LoadedModel = NativeModel | OnnxModel;
