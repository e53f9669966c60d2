// Scores of a model on held-out data while it trains: cross-entropy, top-1, top-5.
import type { Loader } from "../data/loader.ts";
import { inferenceGraph } from "../models/graph.ts";
import { layerOf } from "../models/layers.ts";
import type { ModelDefinition } from "../models/registry.ts";
import { type LoweringTarget, lower } from "../onnx/lower.ts";
import type { Session, SessionOptions } from "../runtime/session.ts";
import { type TensorData, toFloat32 } from "../tensor.ts";
import type { ScoredEvaluation } from "./fit-options.ts";
import { ScoreSums } from "./score-sums.ts";

export interface ValidationOptions {
  readonly definition: ModelDefinition;
  readonly weights: ReadonlyMap<string, TensorData>;
  /** One epoch of it is scored; rows without a picture (label -1) do not count. */
  readonly loader: Loader;
  /** Which kernels the session has. Default "onnxruntime". */
  readonly target?: LoweringTarget;
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  readonly signal?: AbortSignal;
}

/**
 * Scores weights on held-out pictures: the last answer's of a model that answers after each look, with the accuracy after each.
 *
 * @throws AbortedError when the signal fires
 */
export async function validate(options: ValidationOptions): Promise<ScoredEvaluation> {
  const { definition, weights: parameters, target = "onnxruntime" } = options;
  const graph = inferenceGraph(definition, {}, { inColour: true });
  // Where the picture decides how many tokens go on, how many these are is half of the result.
  const places = [...graph.layers.keys()].filter((name) => /^left\.\d+$/.test(name));
  for (const name of places) graph.output(name, layerOf(graph, name));
  const outputs = ["logits", ...places];
  const bytes = lower(graph, { parameters, target, outputs });
  const session = await options.createSession(bytes, {});
  const looks: ScoreSums[] = [];
  const left = places.map(() => 0);
  try {
    const { signal } = options;
    for await (const batch of options.loader.batches({ untilEpoch: 1, ...(signal === undefined ? {} : { signal }) })) {
      const { logits, ...others } = await session.run({ image: batch.images }, { outputs });
      for (const [look, scores] of answersOf(logits!).entries()) {
        looks[look] ??= new ScoreSums();
        looks[look]!.add(scores, batch.labels);
      }
      for (const [i, name] of places.entries())
        for (const [row, share] of toFloat32(others[name]!).entries()) if (batch.labels[row]! >= 0) left[i]! += share;
    }
  } finally {
    await session.dispose();
  }
  const last = looks.at(-1) ?? new ScoreSums();
  const means = last.means();
  const evaluation = {
    ...means,
    ...(looks.length > 1 ? { looks: looks.map((sums) => sums.means().top1) } : {}),
    ...(places.length === 0 ? {} : { left: left.map((sum) => sum / means.pictures) }),
  };
  return { evaluation, scores: last.pictures() };
}

/** logits (batch, classes), or (looks, batch, classes) of a model that answers after each look -> each look's (batch * classes). */
function answersOf(logits: TensorData): Float32Array[] {
  const scores = toFloat32(logits);
  const count = logits.shape.length === 3 ? logits.shape[0]! : 1;
  const size = scores.length / count;
  return Array.from({ length: count }, (_, look) => scores.subarray(look * size, (look + 1) * size));
}
