// A golden case of CLIP's text tower against every engine.
import { expect } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { fitWeights, inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, hashedValues, loadGolden, maxDifference } from "./golden-case.ts";

interface CaseJson {
  readonly salt: number;
  readonly input: { readonly values: readonly (readonly number[])[] };
  readonly image_embedding_shape: readonly number[];
  readonly float32_errors: Readonly<Record<string, number>>;
  readonly huggingface: { readonly names: readonly (readonly [string, string, string | null])[] };
}

const jsonOf = (golden: GoldenCase) => golden.json as unknown as CaseJson;

function idsOf(golden: GoldenCase): TensorData<"int64"> {
  const { values } = jsonOf(golden).input;
  return tensor("int64", [values.length, values[0]!.length], BigInt64Array.from(values.flat(), BigInt));
}

/** The case's model, its weights checked to fit with nothing missing and nothing left over, and what it is given. */
export function clipTextGraph(golden: GoldenCase) {
  const definition = defineModel("clip_text", golden.config);
  const graph = inferenceGraph(definition);
  const adopted = definition.architecture.adoptWeights(golden.weights, definition.config);
  return { graph, weights: fitWeights(graph, adopted, golden.name), ids: idsOf(golden) };
}

/** Embeddings, their unit vectors, tokens, scale and logits, each within the goldens' tolerance. The interpreter computes in float64. */
export async function expectClipTextParity(
  name: string,
  engine: "interpreter" | "cpu" | "wasm",
  target: "onnxruntime" | "portable" = "onnxruntime",
): Promise<void> {
  const golden = loadGolden(name)!;
  const { graph, weights: parameters, ids } = clipTextGraph(golden);
  const run = async () => {
    if (engine === "interpreter") return interpret(graph, { inputs: { ids }, parameters });
    await using session = await nodeHost.createSession(lower(graph, { parameters, target }), { device: engine });
    return new Map(Object.entries(await session.run({ ids })));
  };
  const answers = officialNames(await run(), golden);
  for (const [output, expected] of golden.outputs) {
    if (output.startsWith("block.")) continue; // after them come the tokens, which are compared
    const error = jsonOf(golden).float32_errors[output]!;
    const tolerance = engine === "interpreter" ? 3e-6 : 1e-4 + (output === "token_hidden" ? 20 : 4) * error;
    expect(maxDifference(answers.get(output), expected), output).toBeLessThan(tolerance);
  }
}

/** What the official code calls our outputs, and what it computes from them. */
function officialNames(outputs: ReadonlyMap<string, TensorData>, golden: GoldenCase): Map<string, TensorData> {
  const { image_embedding_shape: shape, salt } = jsonOf(golden);
  const embedding = outputs.get("logits")!;
  const scale = outputs.get("scale")!;
  const pictures = units(tensor("float32", shape, hashedValues("image_embedding", elementCount(shape), 1, 0, salt)));
  const texts = units(embedding);
  const logits = pictures.flatMap((a) =>
    texts.map((b) => Number(scale.data[0]) * a.reduce((sum, value, i) => sum + value * b[i]!, 0)),
  );
  const tokens = outputs.get("token_embedding")!;
  const every = tokens.shape[2]! / golden.outputs.get("token_hidden")!.shape[2]!; // every so many channels are stored
  const kept = toFloat64(tokens).filter((_, i) => i % every === 0);
  return new Map<string, TensorData>([
    ["text_embedding", embedding],
    ["text_embedding_normalised", tensor("float32", embedding.shape, Float32Array.from(texts.flat()))],
    [
      "token_hidden",
      tensor("float32", [...tokens.shape.slice(0, 2), tokens.shape[2]! / every], Float32Array.from(kept)),
    ],
    ["logit_scale_exp", tensor("float32", golden.outputs.get("logit_scale_exp")!.shape, scale.data as Float32Array)],
    ["logits_per_image", tensor("float32", [pictures.length, texts.length], Float32Array.from(logits))],
  ]);
}

function units(vectors: TensorData): number[][] {
  const [rows, width] = vectors.shape as [number, number];
  const data = toFloat64(vectors);
  return Array.from({ length: rows }, (_, row) => {
    const vector = [...data.subarray(row * width, (row + 1) * width)];
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  });
}

/** The case's weights as CLIPModel has them. */
export function huggingFaceNames(name: string): Map<string, TensorData> {
  const golden = loadGolden(name)!;
  const renamed = new Map<string, TensorData>();
  for (const [openai, theirs, change] of jsonOf(golden).huggingface.names) {
    const value = golden.weights.get(openai)!;
    if (change?.startsWith("split") === true) {
      const [rows, ...rest] = value.shape as [number, ...number[]];
      const third = elementCount(value.shape) / 3;
      for (const [i, part] of ["q", "k", "v"].entries()) {
        const data = (value.data as Float32Array).slice(i * third, (i + 1) * third);
        renamed.set(theirs.replace("{q,k,v}", part), tensor("float32", [rows / 3, ...rest], data));
      }
    } else if (change === "transpose") {
      const [rows, columns] = value.shape as [number, number];
      const data = Float32Array.from({ length: rows * columns }, (_, i) =>
        Number(value.data[(i % rows) * columns + Math.floor(i / rows)]),
      );
      renamed.set(theirs, tensor("float32", [columns, rows], data));
    } else renamed.set(theirs, value);
  }
  return renamed;
}
