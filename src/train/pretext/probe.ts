// What features are worth: a linear classifier, fitted to labelled pictures' features by ridge regression (learn/), and how often it is right on others.
// It is measured while a model learns without labels, and nothing of it flows back.
import type { Loader } from "../../data/loader.ts";
import { UsageError } from "../../errors.ts";
import { reduceMean } from "../../graph/build.ts";
import type { Graph } from "../../graph/tensor.ts";
import { type FeatureMatrix, featureMatrix } from "../../learn/feature-matrix.ts";
import { decisions, fitHead } from "../../learn/heads.ts";
import { inferenceGraph } from "../../models/graph.ts";
import { layerOf } from "../../models/layers.ts";
import type { ModelDefinition } from "../../models/registry.ts";
import { type LoweringTarget, lower } from "../../onnx/lower.ts";
import type { Session, SessionOptions } from "../../runtime/session.ts";
import { type TensorData, toFloat32 } from "../../tensor.ts";
import type { ProbeScore } from "../fit-options.ts";
import { ScoreSums } from "../score-sums.ts";

/** Of pictures with labels, those that the classifier is fitted to and those that it is tried on. One epoch of a loader is every picture once. */
export interface ProbedPictures {
  readonly fitted: Loader;
  readonly tried: Loader;
  readonly classes: number;
}

export interface FeatureProbeOptions {
  readonly definition: ModelDefinition;
  readonly weights: ReadonlyMap<string, TensorData>;
  readonly pictures: ProbedPictures;
  /** Whose values the features are, of tokens and maps their mean. Default "features". */
  readonly layer?: string;
  readonly seed: number;
  /** Which kernels the session has. Default "onnxruntime". */
  readonly target?: LoweringTarget;
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  readonly signal?: AbortSignal;
}

const PROBED = "probed";

/**
 * Fits a linear classifier to a model's features, as strongly held as does best when each picture is left out, and tries it on other pictures.
 *
 * @throws UsageError for a layer that the model has not, and where a class has fewer than two pictures that can be read; AbortedError
 */
export async function probeFeatures(options: FeatureProbeOptions): Promise<ProbeScore> {
  const { definition, weights, pictures, layer, seed, target = "onnxruntime", signal } = options;
  const { classes } = pictures;
  const bytes = lower(probedGraph(definition, layer), { parameters: weights, target, outputs: [PROBED] });
  const session = await options.createSession(bytes, {});
  const [known, asked] = await bothFeatures(session, pictures, signal).finally(() => session.dispose());
  if (asked.labels.length === 0)
    throw new UsageError("no picture can be read that the probe could be tried on", "give the probe other pictures");
  const head = await fitHead("ridge", known.features, known.labels, classes, {
    seed,
    ...(signal === undefined ? {} : { signal }),
  });
  const sums = new ScoreSums();
  sums.add(Float32Array.from(decisions(head, asked.features)), asked.labels);
  const { top1, top5, pictures: count } = sums.means();
  return { top1, top5, pictures: count };
}

/** `probed` (batch, width): of tokens (batch, tokens, width) and maps (batch, width, h, w) the mean. */
function probedGraph(definition: ModelDefinition, layer = "features"): Graph {
  const graph = inferenceGraph(definition, {}, { inColour: true });
  const value = layerOf(graph, layer);
  const places = value.shape.length === 4 ? [2, 3] : value.shape.length === 3 ? [1] : [];
  graph.output(PROBED, places.length === 0 ? value : reduceMean(value, places));
  return graph;
}

/** Features of a picture a row, and what the pictures are. */
interface Rows {
  readonly features: FeatureMatrix;
  readonly labels: Int32Array;
}

async function bothFeatures(
  session: Session,
  { fitted, tried }: ProbedPictures,
  signal: AbortSignal | undefined,
): Promise<readonly [Rows, Rows]> {
  const known = await featuresOf(session, fitted, signal);
  return [known, await featuresOf(session, tried, signal)];
}

async function featuresOf(session: Session, loader: Loader, signal: AbortSignal | undefined): Promise<Rows> {
  const rows: Float32Array[] = [];
  const labels: number[] = [];
  for await (const batch of loader.batches({ untilEpoch: 1, ...(signal === undefined ? {} : { signal }) })) {
    const { [PROBED]: value } = await session.run({ image: batch.images }, { outputs: [PROBED] });
    const data = toFloat32(value!);
    const width = value!.shape[1]!;
    batch.labels.forEach((label, row) => {
      // What cannot be read has no label.
      if (label < 0) return;
      rows.push(data.slice(row * width, (row + 1) * width));
      labels.push(label);
    });
  }
  const width = rows[0]?.length ?? 0;
  const all = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) all.set(row, i * width);
  return { features: featureMatrix(rows.length, width, all), labels: Int32Array.from(labels) };
}
