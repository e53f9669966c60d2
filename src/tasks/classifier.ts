// Classification: pictures to labels with probabilities, and where the model looked.
import { UsageError } from "../errors.ts";
import type { DecodeOptions, RawImage } from "../image/raw-image.ts";
import { viewToPicture } from "../image/transform.ts";
import type { ModelCard } from "../model-folder/model.ts";
import type { Host } from "../platform/host.ts";
import type { ActualDevice } from "../runtime/session.ts";
import { elementCount, type TensorData, toFloat32 } from "../tensor.ts";
import { Engine, type EngineOptions, type ModelSource, requireOutput } from "./engine.ts";
import { type PictureSource, readPicture } from "./pictures.ts";
import type { ClassificationResult, ClassScores, GazeResult, GazeStage, Prediction } from "./results.ts";

export interface ScoreOptions {
  /** Also say where the model looked. Models that do not look sparsely answer without. */
  readonly explain?: boolean;
  /** Pictures run together at most. Default 8. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

export interface ClassifyOptions extends DecodeOptions, ScoreOptions {
  /** How many predictions. Default 5. */
  readonly topK?: number;
}

const DEFAULT_TOP_K = 5;
const DEFAULT_BATCH_SIZE = 8;

/**
 * A model that names what is in a picture.
 *
 * @example
 * const classifier = await Classifier.load("saccade/everyday");
 * const { predictions } = await classifier.classify("photo.jpg");
 * await classifier.dispose();
 */
export class Classifier {
  readonly #host: Host;
  readonly #engine: Engine;

  constructor(host: Host, engine: Engine) {
    this.#host = host;
    this.#engine = engine;
  }

  /** What the model says about itself. */
  get card(): ModelCard {
    return this.#engine.model.card;
  }

  /** Class names by index. */
  get labels(): readonly string[] | undefined {
    return this.#engine.labels;
  }

  get device(): ActualDevice {
    return this.#engine.device;
  }

  /** Whether the model can say where it looked. */
  get looks(): boolean {
    return this.#engine.model.glimpses > 0;
  }

  /** One picture in, one result out; an array in, an array out. Throws on the first picture that cannot be read. */
  classify(picture: PictureSource, options?: ClassifyOptions): Promise<ClassificationResult>;
  classify(pictures: readonly PictureSource[], options?: ClassifyOptions): Promise<ClassificationResult[]>;
  async classify(
    pictures: PictureSource | readonly PictureSource[],
    options: ClassifyOptions = {},
  ): Promise<ClassificationResult | ClassificationResult[]> {
    const topK = options.topK ?? DEFAULT_TOP_K;
    if (!Number.isInteger(topK) || topK < 1) throw new UsageError(`topK must be a positive integer, got ${topK}`);
    const many = Array.isArray(pictures);
    const sources = (many ? pictures : [pictures]) as readonly PictureSource[];
    const decoded = await Promise.all(sources.map((source) => readPicture(this.#host, source, options)));
    const scored = await this.scores(decoded, options);
    const results = scored.map(
      ({ logits, gaze }): ClassificationResult => ({
        predictions: topPredictions(logits, topK, this.labels),
        ...(gaze === undefined ? {} : { gaze }),
      }),
    );
    return many ? results : results[0]!;
  }

  /**
   * What the model says about every class, for pictures that are decoded already: for evaluation and for users who rank for themselves.
   *
   * @returns one item a picture, in their order
   * @example const [{ logits }] = await classifier.scores([await decodeImage(bytes)]); // softmax(logits)[3]: probability of labels[3]
   */
  async scores(pictures: readonly RawImage[], options: ScoreOptions = {}): Promise<ClassScores[]> {
    const results: ClassScores[] = [];
    for (const batch of this.#engine.batches(pictures, options.batchSize ?? DEFAULT_BATCH_SIZE))
      results.push(...(await this.#scoreBatch(batch, options)));
    return results;
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #scoreBatch(batch: readonly RawImage[], options: ScoreOptions): Promise<ClassScores[]> {
    const { model, transform, labels } = this.#engine;
    const looks = options.explain === true ? model.glimpses : 0;
    const gazeOutputs = Array.from({ length: looks }, (_, i) => [`gaze.${i}.regions`, `gaze.${i}.points`]).flat();
    const outputs = await this.#engine.run(batch, [model.logitsName, ...gazeOutputs], options.signal);
    const output = requireOutput(outputs, model.logitsName);
    const classes = output.shape.at(-1)!;
    if (labels !== undefined && labels.length !== classes)
      throw new UsageError(`${model.card.name} scores ${classes} classes, but there are ${labels.length} labels`);
    const scores = toFloat32(output).slice(-batch.length * classes); // (batch, classes); of a model in steps, the last one's
    return batch.map((picture, i) => {
      const logits = scores.slice(i * classes, (i + 1) * classes);
      if (looks === 0) return { logits };
      const gaze: GazeResult = {
        stages: Array.from({ length: looks }, (_, stage) => gazeStage(outputs, stage, i, looks)),
        viewToPicture: viewToPicture(transform, picture.width, picture.height),
      };
      return { logits, gaze };
    });
  }
}

/** Loads a model as a classifier. Throws UsageError when it gives embeddings instead of class scores. */
export async function loadClassifier(
  host: Host,
  source: ModelSource,
  options: EngineOptions = {},
): Promise<Classifier> {
  const engine = await Engine.open(host, source, options);
  if (engine.model.answers === "embedding") {
    await engine.dispose();
    throw new UsageError(
      `${engine.model.card.name} gives image embeddings, not classes`,
      "use it with: saccade embed, or Embedder.load",
    );
  }
  return new Classifier(host, engine);
}

/** Scores to probabilities, in double precision. */
export function softmax(logits: Float32Array): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of logits) if (value > largest) largest = value;
  const exponentials = Float64Array.from(logits, (value) => Math.exp(value - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** The likeliest classes, best first; equal scores keep the order of their indices. */
export function topPredictions(logits: Float32Array, topK: number, labels?: readonly string[]): Prediction[] {
  const probabilities = softmax(logits);
  return Array.from(logits.keys())
    .sort((a, b) => logits[b]! - logits[a]! || a - b)
    .slice(0, topK)
    .map((index) => ({ label: labels?.[index] ?? `class ${index}`, index, score: probabilities[index]! }));
}

function gazeStage(
  outputs: Readonly<Record<string, TensorData>>,
  stage: number,
  item: number,
  looks: number,
): GazeStage {
  const part = (name: string) => {
    const value = requireOutput(outputs, name);
    const size = elementCount(value.shape.slice(1));
    return { shape: value.shape, data: toFloat32(value).slice(item * size, (item + 1) * size) };
  };
  const regions = part(`gaze.${stage}.regions`); // (batch, tokens, 4)
  const points = part(`gaze.${stage}.points`); // (batch, tokens, points, 2)
  return {
    name: looks === 1 ? "look" : `look ${stage + 1} of ${looks}`,
    tokens: points.shape[1]!,
    pointsPerToken: points.shape[2]!,
    regions: regions.data,
    points: points.data,
  };
}
