// Which file a model's weights were read from, as bytes: whoever wants to know whether weights are the same need not look at each of them. It goes with the
// weights themselves, so that a model whose weights were changed has none.
import type { TensorData } from "../tensor.ts";
import type { LoadedModel, NativeModel } from "./model.ts";

const origins = new WeakMap<ReadonlyMap<string, TensorData>, Uint8Array>();

/** Notes that a model's weights are what its definition makes of these bytes. */
export function withOrigin(model: NativeModel, file: Uint8Array): NativeModel {
  // What was learnt on top lies in another file.
  if (model.definition.learnt === undefined) origins.set(model.weights, file);
  return model;
}

/** The bytes that the weights were read from; undefined where that is not one file, or not known. */
export function originOf(model: LoadedModel): Uint8Array | undefined {
  return model.kind === "native" ? origins.get(model.weights) : undefined;
}
