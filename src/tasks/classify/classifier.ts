// Classification: pictures to labels with probabilities, and where the model looked.
import { SaccadeError, type SessionError, UsageError } from "../../errors.ts";
import type { Pixels } from "../../image/pixels.ts";
import type { DecodeOptions, PictureSize } from "../../image/raw-image.ts";
import { seenShare } from "../../image/seen-share.ts";
import type { Transform, ViewToPicture } from "../../image/transform.ts";
import type { PictureViews } from "../../image/view.ts";
import { viewsToPicture } from "../../image/views.ts";
import type { PictureModel } from "../../model-folder/compile.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import type { Host } from "../../platform/host.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import type { SessionLayout } from "../../runtime/session-layout.ts";
import { type TensorData, toFloat32 } from "../../tensor.ts";
import { byPicture, Engine, type EngineOptions, type ModelSource, requireOutput } from "../engine/engine.ts";
import { type Answered, allAnswers, type BatchTask, oneOrMany, type Prepared } from "../engine/picture-stream.ts";
import type { PictureSource } from "../engine/pictures.ts";
import { wrongTask } from "../engine/wrong-task.ts";
import { classScores, doubtOf, meanScores, requireTopK, topPredictions } from "./class-scores.ts";
import { gazeOf, gazeOutputs, gazeStages } from "./gaze-outputs.ts";
import type { ClassificationResult, ClassScores, ScoreRow } from "./results.ts";
import { tokenGroups, tokenOutputs, tokenStages } from "./token-outputs.ts";

export interface ScoreOptions {
  /** Also say where the model looked, or what became of its tokens. Models that see everything answer without. */
  readonly explain?: boolean;
  /** Pictures run together at most. Default 8. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

/** Scores of pictures that a stream reads. */
export interface ScoreTaskOptions<S> extends Omit<ScoreOptions, "explain"> {
  /** Whether to say where the model looked; asked for each picture. Default: for none. */
  readonly wantsGaze?: (source: S) => boolean;
}

export interface ClassifyOptions extends DecodeOptions, ScoreOptions {
  /** How many predictions. Default 5. */
  readonly topK?: number;
}

/** How scores of classes come out of what a model gives. */
export interface Scoring {
  /** The output that is read. */
  readonly output: string;
  /** The output that is above 0 where a picture is none of the classes, where there is one. */
  readonly unknownName?: string | undefined;
  /** Where there is no such output: the probability that an answer must have. */
  readonly unknownBelow?: number | undefined;
  readonly labels: readonly string[] | undefined;
  /** A row a view, or why it has none. */
  rows(output: TensorData, views: number): (ScoreRow | SessionError)[];
}

const DEFAULT_TOP_K = 5;

/**
 * A model that names what is in a picture.
 *
 * @example
 * const classifier = await Classifier.load("saccade/photographs");
 * const { predictions } = await classifier.classify("photo.jpg");
 * await classifier.dispose();
 */
export class Classifier {
  readonly #engine: Engine;
  readonly #scoring: Scoring;

  /** @param scoring default: the model's own classes */
  constructor(engine: Engine, scoring = ownClasses(engine)) {
    this.#engine = engine;
    this.#scoring = scoring;
  }

  /** What the model says about itself. */
  get card(): ModelCard {
    return this.#engine.model.card;
  }

  /** Class names by index. */
  get labels(): readonly string[] | undefined {
    return this.#scoring.labels;
  }

  /** What is done to pictures before the model sees them. */
  get transform(): Transform {
    return this.#engine.transform;
  }

  /** The probability that an answer must have so as not to be called unknown; undefined where the model says by itself what it does not know, or nothing does. */
  get unknownBelow(): number | undefined {
    return this.#scoring.unknownName === undefined ? this.#scoring.unknownBelow : undefined;
  }

  get device(): ActualDevice {
    return this.#engine.device;
  }

  /** Sessions side by side, and threads inside each. */
  get layout(): SessionLayout {
    return this.#engine.layout;
  }

  /** Whether the model can say where it looked. */
  get looks(): boolean {
    return this.#engine.model.glimpses > 0;
  }

  /** Whether the model goes on with fewer tokens and can say with which. */
  get reducesTokens(): boolean {
    return this.#engine.model.reductions.length > 0;
  }

  /** One picture in, one result out; an array in, an array out. Throws on the first picture that cannot be read. */
  classify(picture: PictureSource, options?: ClassifyOptions): Promise<ClassificationResult>;
  classify(pictures: readonly PictureSource[], options?: ClassifyOptions): Promise<ClassificationResult[]>;
  async classify(
    pictures: PictureSource | readonly PictureSource[],
    options: ClassifyOptions = {},
  ): Promise<ClassificationResult | ClassificationResult[]> {
    return oneOrMany(pictures, (sources) => allAnswers(this.classifyAll(sources, options)));
  }

  /**
   * Any number of pictures, at the best rate that the model's sessions give: the next ones are read and decoded while batches run. Memory stays
   * bounded, however many and large they are.
   *
   * @returns each picture's result, or the error why it has none, in their order
   * @throws AbortedError when the signal fires, UsageError
   * @example
   * const classifier = await Classifier.load("saccade/photographs", { sessions: "auto" });
   * for await (const { source, answer, error } of classifier.classifyAll(pictures))
   *   console.log(source, error === undefined ? answer.predictions[0]?.label : error.message);
   */
  classifyAll(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: ClassifyOptions = {},
  ): AsyncGenerator<Answered<PictureSource, ClassificationResult>> {
    requireTopK(options.topK ?? DEFAULT_TOP_K);
    const run = (batch: readonly PictureViews[]) => this.#classifyBatch(batch, options);
    return this.#engine.answerAll(pictures, run, options);
  }

  /**
   * What the model says about every class, for pictures that are decoded already: for evaluation and for users who rank for themselves.
   *
   * @returns one item a picture, in their order
   * @example
   * const classifier = await Classifier.load("saccade/photographs");
   * // kind "logits": their softmax is the probability of labels[i]
   * for (const { scores, kind } of await classifier.scores([image])) console.log(kind, scores.length, classifier.labels?.length);
   */
  async scores(pictures: readonly Pixels[], options: ScoreOptions = {}): Promise<ClassScores[]> {
    const run = (batch: readonly PictureViews[]) => this.#scoreBatch(batch, options);
    return allAnswers(this.#engine.answerAll(pictures, run, options));
  }

  /** The same for a stream that reads pictures from somewhere else (`streamAnswers`). */
  scoreTask<S>({ wantsGaze, batchSize, signal }: ScoreTaskOptions<S> = {}): BatchTask<PictureViews, ClassScores, S> {
    const run = (batch: readonly Prepared<S, PictureViews>[]) => {
      const explain = batch.some(({ source }) => wantsGaze?.(source) === true);
      const views = batch.map(({ view }) => view);
      return this.#scoreBatch(views, { explain, ...(signal === undefined ? {} : { signal }) });
    };
    return this.#engine.task(run, batchSize);
  }

  /** The same with whole results, for those who make up batches themselves. */
  classifyTask<S>({ batchSize, ...options }: ClassifyOptions = {}): BatchTask<PictureViews, ClassificationResult, S> {
    requireTopK(options.topK ?? DEFAULT_TOP_K);
    const run = (batch: readonly Prepared<S, PictureViews>[]) =>
      this.#classifyBatch(
        batch.map(({ view }) => view),
        options,
      );
    return this.#engine.task(run, batchSize);
  }

  /** Where its views lie on a picture of this size: one, or as many as its `views` ask for. */
  viewsOf(picture: PictureSize): ViewToPicture[] {
    const { transform, views } = this.#engine;
    return viewsToPicture(transform, views, picture);
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #classifyBatch(
    batch: readonly PictureViews[],
    { topK = DEFAULT_TOP_K, ...options }: ClassifyOptions,
  ): Promise<(ClassificationResult | SaccadeError)[]> {
    const rows = await this.#scoreBatch(batch, options);
    return rows.map((row, i) =>
      row instanceof SaccadeError
        ? row
        : {
            predictions: topPredictions(row, topK, this.labels),
            seen: seenShare(this.#onPicture(batch[i]!)),
            ...(row.strangeness === undefined ? {} : { unknown: row.strangeness > 0 }),
            ...(row.gaze === undefined ? {} : { gaze: row.gaze }),
            ...(row.tokens === undefined ? {} : { tokens: row.tokens }),
          },
    );
  }

  async #scoreBatch(batch: readonly PictureViews[], options: ScoreOptions): Promise<(ClassScores | SaccadeError)[]> {
    const { model } = this.#engine;
    const scoring = this.#scoring;
    const looks = options.explain === true ? model.glimpses : 0;
    const reductions = options.explain === true ? model.reductions : [];
    const views = batch.flat();
    const { unknownName, unknownBelow } = scoring;
    const explaining = [...gazeOutputs(looks), ...tokenOutputs(reductions)];
    const names = [scoring.output, ...(unknownName === undefined ? [] : [unknownName]), ...explaining];
    const outputs = await this.#engine.run(views, names, options.signal, reductions.length > 0);
    const strange = unknownName === undefined ? [] : toFloat32(requireOutput(outputs, unknownName));
    const strangenessOf = byPicture(batch, [...strange]);
    const rows = scoring.rows(requireOutput(outputs, scoring.output), views.length);
    const stages = views.map((_, i) => gazeStages(outputs, i, looks));
    const stagesOf = byPicture(batch, stages);
    const tokensOf = byPicture(
      batch,
      views.map((_, i) => tokenStages(outputs, i, reductions)),
    );
    return byPicture(batch, rows).map((ofViews, i) => {
      const failed = ofViews.find((row) => row instanceof SaccadeError);
      if (failed !== undefined) return failed;
      const row = meanScores(ofViews as ScoreRow[]);
      const strangeness =
        unknownName === undefined ? unknownBelow && doubtOf(row, unknownBelow) : mean(strangenessOf[i]!);
      return {
        ...row,
        ...(strangeness === undefined ? {} : { strangeness }),
        ...(looks === 0 ? {} : { gaze: gazeOf(stagesOf[i]!, this.#onPicture(batch[i]!)) }),
        ...(reductions.length === 0
          ? {}
          : { tokens: tokenGroups(tokensOf[i]!, this.#onPicture(batch[i]!), batch[i]![0].pixels) }),
      };
    });
  }

  #onPicture([picture]: PictureViews): ViewToPicture[] {
    return this.viewsOf(picture);
  }
}

/** A model's own classes. */
export function ownClasses({
  model,
  labels,
}: {
  readonly model: Pick<PictureModel, "card" | "logitsName" | "scores" | "scoresSteps" | "unknownName">;
  readonly labels: readonly string[] | undefined;
}): Scoring {
  return {
    output: model.logitsName,
    unknownName: model.unknownName,
    unknownBelow: model.card.unknownBelow,
    labels,
    rows: (output, views) => classScores(output, views, model, labels),
  };
}
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Loads a model as a classifier. Throws UsageError when it answers something else than class scores. */
export async function loadClassifier(
  host: Host,
  source: ModelSource,
  options: EngineOptions = {},
): Promise<Classifier> {
  const engine = await Engine.open(host, source, options);
  const { answers } = engine.model;
  if (answers !== "classes") {
    await engine.dispose();
    throw wrongTask(engine.model.card.name, answers);
  }
  const { name, pretext } = engine.model.card;
  if (pretext !== undefined) {
    await engine.dispose();
    throw new UsageError(
      `${name} was pre-trained without labels (${pretext}), and knows no classes yet`,
      "train it on labelled pictures: saccade train --from, or saccade learn --model; saccade embed gives its features",
    );
  }
  return new Classifier(engine);
}
