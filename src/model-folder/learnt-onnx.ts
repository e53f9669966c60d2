// A learnt head on an ONNX file: both as one file, which is a model like any other.
import { FormatError } from "../errors.ts";
import { cast } from "../graph/build.ts";
import type { Dim } from "../graph/dimensions.ts";
import { trace } from "../graph/scope.ts";
import { fitWeights } from "../models/graph.ts";
import { learntHead, pooledFeatures } from "../models/learnt-head/graph.ts";
import { LEARNT_PREFIX, type LearntHead } from "../models/learnt-head/head.ts";
import { joinModel } from "../onnx/join.ts";
import { onnxLayers } from "../onnx/layers.ts";
import { withMetadata } from "../onnx/metadata.ts";
import { readOnnx } from "../onnx/read.ts";
import type { Files } from "../platform/host.ts";
import type { NamedTensors } from "../weights/remap.ts";
import type { OnnxFolder } from "./folder.ts";
import { MAX_WEIGHT_BYTES } from "./folder-weights.ts";
import { readHeadWeights } from "./head-weights.ts";
import type { ModelCard, OnnxModel } from "./model.ts";
import { type WholeOnnx, wholeOnnx } from "./onnx-file.ts";

/** Outputs of a learnt model. What the file calls by these names itself gets others. */
const OUTPUTS = ["logits", "features", "unknown"];

/**
 * The ONNX file of a model with a learnt head: it answers with the head, and has the labels and the preprocessing inside.
 *
 * @param card what the learnt model says about itself
 * @throws FormatError for a file that has no such layer or cannot be extended; WeightsMismatchError for weights of another head
 */
export function learntOnnx(bytes: Uint8Array, head: LearntHead, weights: NamedTensors, card: ModelCard): OnnxModel {
  const renamed = otherNames(bytes);
  const graph = headGraph(bytes, head, renamed.get(head.layer) ?? head.layer, card.name);
  const values = fitWeights(graph, weights, `the head "${head.name}"`);
  const joined = joinModel(bytes, card.name, {
    after: graph,
    weights: values,
    outputs: [...graph.outputs.keys()],
    renamed,
  });
  const { name: _, provenance, labels, transform, licence } = card;
  const whole = withMetadata(joined, {
    labels,
    transform,
    licence,
    provenance: provenance === undefined ? undefined : JSON.stringify(provenance),
    answers: "classes",
    scores: "logits",
    unknown: head.unknown?.score,
  });
  return { kind: "onnx", card: { ...card, scores: "logits" }, bytes: whole };
}

/** Names that the file's own outputs of these names can have. It may be a learnt model itself. */
function otherNames(bytes: Uint8Array): ReadonlyMap<string, string> {
  const taken = new Set(onnxLayers(bytes));
  for (let times = 1; ; times++) {
    const names = OUTPUTS.map((name) => [name, `model${times === 1 ? "" : times}/${name}`] as const);
    if (!names.some(([, other]) => taken.has(other))) return new Map(names);
  }
}

/** The ONNX file of a folder, whole: with the learnt head on it, where there is one. */
export async function readOnnxFolder(
  files: Files,
  folder: string,
  { path, card, file }: OnnxFolder,
): Promise<WholeOnnx & { readonly fileBytes: number }> {
  const read = await files.read(path, { maxBytes: MAX_WEIGHT_BYTES });
  const whole = await wholeOnnx(files, path, read);
  const fileBytes = read.length;
  if (file?.head === undefined) return { ...whole, fileBytes };
  const weights = await readHeadWeights(files, folder, file);
  return { ...whole, ...learntOnnx(whole.bytes, file.head, weights, { ...card, name: path }), fileBytes };
}

/** From the model's layer to the head's outputs. */
function headGraph(bytes: Uint8Array, head: LearntHead, layer: string, name: string) {
  const output = readOnnx(bytes).outputs.find((value) => value.name === head.layer);
  const dtype = output?.dtype === "float16" ? ("float16" as const) : ("float32" as const);
  if (output !== undefined && output.dtype !== dtype)
    throw new FormatError(name, `its output "${head.layer}" is ${output.dtype}, and a head takes float32 or float16`);
  const [batch, ...sizes] = output?.shape ?? ["batch", head.width];
  if (output?.shape === undefined && head.pooling !== "none")
    throw new FormatError(
      name,
      `it does not say which shape "${head.layer}" has, so that no ${head.pooling} can be taken`,
    );
  // A file may leave sizes open that are as the head needs them.
  const isKnown = sizes.every((size) => typeof size === "number");
  if (!isKnown && head.pooling !== "none")
    throw new FormatError(name, `"${head.layer}" has free sizes, so that no ${head.pooling} can be taken`);
  const shape: Dim[] = [typeof batch === "number" ? batch : "batch", ...(isKnown ? (sizes as number[]) : [head.width])];
  return trace((scope) => {
    const value = cast(scope.graph.input(layer, shape, dtype), "float32");
    const features = pooledFeatures(value, head); // (N, width)
    const { logits, unknown } = learntHead(scope.at(LEARNT_PREFIX.slice(0, -1)), features, head);
    return { logits, features, ...(unknown === undefined ? {} : { unknown }) };
  });
}
