// What a layer gives for a picture: the model says it, or grey pictures show it.
import { UsageError } from "../../errors.ts";
import { fixedOutputSize } from "../../image/transform.ts";
import type { LoadedModel } from "../../model-folder/model.ts";
import { inferenceGraph } from "../../models/graph.ts";
import { readOnnx } from "../../onnx/read.ts";
import { type Engine, requireOutput } from "../engine/engine.ts";
import { effectivePooling, type Pooling, pooledWidth, poolFeatures } from "./pooling.ts";

export interface PooledLayer {
  /** "none" where the layer is one vector anyway. */
  readonly pooling: Pooling;
  readonly width: number;
}

/**
 * What is made of a layer.
 *
 * @param layer a layer that the model has
 * @param pooling what is wanted
 * @throws UsageError where that cannot be made of it
 */
export async function pooledLayer(
  engine: Engine,
  model: LoadedModel,
  layer: string,
  wanted: Pooling,
): Promise<PooledLayer> {
  const declared = declaredShape(model, layer);
  if (declared !== undefined) {
    const pooling = effectivePooling(declared, wanted);
    const width = pooledWidth(declared, pooling);
    if (wanted === "first" && declared.length !== 3) throw noTokens(layer, declared);
    if (width !== undefined) return { pooling, width };
  }
  // Two, so that a first size that does not count pictures is noticed.
  const view = grey(fixedOutputSize(engine.transform) ?? USUAL);
  const value = requireOutput(await engine.run([view, view], [layer]), layer);
  const [first] = poolFeatures(value, 2, wanted, layer);
  if (wanted === "first" && value.shape.length !== 3) throw noTokens(layer, value.shape);
  return { pooling: effectivePooling(value.shape, wanted), width: first!.length };
}

function noTokens(layer: string, shape: readonly (number | string)[]): UsageError {
  return new UsageError(
    `layer "${layer}" gives [${shape.join(", ")}], not tokens, so there is no first one`,
    "leave the pooling out",
  );
}

const USUAL = { width: 224, height: 224 };

function grey({ width, height }: typeof USUAL) {
  const pixels = { width, height, data: new Uint8Array(3 * width * height).fill(128) };
  return { pixels, width, height, isOwn: false };
}

function declaredShape(model: LoadedModel, layer: string): readonly (number | string)[] | undefined {
  if (model.kind === "native")
    return inferenceGraph(model.definition, {}, { layers: [layer] }).outputs.get(layer)?.shape;
  return readOnnx(model.bytes).outputs.find(({ name }) => name === layer)?.shape;
}
