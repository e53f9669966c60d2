// How many numbers a layer gives for a picture: the model says it, or a grey picture shows it.
import { fixedOutputSize } from "../../image/transform.ts";
import type { LoadedModel } from "../../model-folder/model.ts";
import { inferenceGraph } from "../../models/graph.ts";
import { readOnnx } from "../../onnx/read.ts";
import { elementCount } from "../../tensor.ts";
import { type Engine, requireOutput } from "../engine/engine.ts";

/** @param layer an output of the model */
export async function layerWidth(engine: Engine, model: LoadedModel, layer: string): Promise<number> {
  const [, ...sizes] = declaredShape(model, layer) ?? ["batch", "?"];
  if (sizes.every((size) => typeof size === "number")) return elementCount(sizes);
  const { width, height } = fixedOutputSize(engine.transform) ?? USUAL;
  const pixels = { width, height, data: new Uint8Array(3 * width * height).fill(128) };
  const outputs = await engine.run([{ pixels, width, height, isOwn: true }], [layer]);
  return elementCount(requireOutput(outputs, layer).shape);
}

const USUAL = { width: 224, height: 224 };

function declaredShape(model: LoadedModel, layer: string): readonly (number | string)[] | undefined {
  if (model.kind === "native") return inferenceGraph(model.definition).outputs.get(layer)?.shape;
  return readOnnx(model.bytes).outputs.find(({ name }) => name === layer)?.shape;
}
