// Scores of a model on held-out data while it trains: cross-entropy, top-1, top-5.
import type { Loader } from "../data/loader.ts";
import { inferenceGraph } from "../models/graph.ts";
import type { ModelDefinition } from "../models/registry.ts";
import { lower } from "../onnx/lower.ts";
import type { Session, SessionOptions } from "../runtime/session.ts";
import { type TensorData, toFloat32 } from "../tensor.ts";
import type { Evaluation } from "./train-model.ts";

export interface ValidationOptions {
  readonly definition: ModelDefinition;
  readonly weights: ReadonlyMap<string, TensorData>;
  /** One epoch of it is scored; rows without a picture (label -1) do not count. */
  readonly loader: Loader;
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  readonly signal?: AbortSignal;
}

/**
 * Scores weights on held-out pictures.
 *
 * @throws AbortedError when the signal fires
 */
export async function validate(options: ValidationOptions): Promise<Evaluation> {
  const bytes = lower(inferenceGraph(options.definition), { parameters: options.weights, outputs: ["logits"] });
  const session = await options.createSession(bytes, {});
  let count = 0;
  let top1 = 0;
  let top5 = 0;
  let loss = 0;
  try {
    const { signal } = options;
    for await (const batch of options.loader.batches({ untilEpoch: 1, ...(signal === undefined ? {} : { signal }) })) {
      const { logits } = await session.run({ image: batch.images });
      const scores = toFloat32(logits!);
      const classes = scores.length / batch.labels.length;
      batch.labels.forEach((label, row) => {
        if (label < 0) return;
        const { rank, crossEntropy } = scoreRow(scores.subarray(row * classes, (row + 1) * classes), label);
        count += 1;
        loss += crossEntropy;
        if (rank < 1) top1 += 1;
        if (rank < 5) top5 += 1;
      });
    }
  } finally {
    await session.dispose();
  }
  return { loss: loss / count, top1: top1 / count, top5: top5 / count };
}

/** How many classes are ahead of the label, and its cross-entropy. Scores that are not numbers are wrong answers. */
function scoreRow(logits: Float32Array, label: number): { rank: number; crossEntropy: number } {
  const own = logits[label]!;
  const largest = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  let sum = 0;
  let rank = 0;
  for (const [c, value] of logits.entries()) {
    sum += Math.exp(value - largest);
    if (!(value < own) && (value !== own || c < label)) rank += 1;
  }
  return { rank, crossEntropy: Math.log(sum) + largest - own };
}
