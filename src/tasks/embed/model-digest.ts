// What a model computes a layer with, as a digest: neither its name nor its path, and not what comes after the layer, so that a model whose last
// layer was trained or learnt anew still has the features that it had.

import { isOp } from "../../graph/tensor.ts";
import type { LoadedModel, NativeModel } from "../../model-folder/model.ts";
import { inferenceGraph } from "../../models/graph.ts";
import type { DigestHost } from "../../platform/host.ts";
import { DIGEST_DIGITS, shortDigest } from "./space.ts";

/** @param layer a name that the model has */
export async function modelDigest(host: DigestHost, model: LoadedModel, layer: string): Promise<string> {
  if (model.kind === "native") return nativeDigest(host, model, layer);
  return (await host.sha256(model.bytes)).slice(0, DIGEST_DIGITS);
}

async function nativeDigest(host: DigestHost, { definition, weights }: NativeModel, layer: string): Promise<string> {
  const { architecture, config } = definition;
  // How many classes there are is seen in the weights, where the layer depends on it.
  const { [architecture.classesField]: _, ...fields } = config as Record<string, unknown>;
  const graph = inferenceGraph(definition, {}, { layers: [layer] });
  const names = graph
    .needed([graph.outputs.get(layer)!])
    .flatMap((node) => (isOp(node, "parameter") ? [node.attributes.name] : []))
    .toSorted();
  const lines: string[] = [architecture.name, JSON.stringify(fields)];
  for (const name of names) {
    const { dtype, shape, data } = weights.get(name)!;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    lines.push(`${name} ${dtype} ${shape.join(",")} ${await host.sha256(bytes)}`);
  }
  return shortDigest(host, lines.join("\n"));
}
