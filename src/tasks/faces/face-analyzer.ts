// Faces: what a model says of each face on a picture. Where faces are, the caller says; without that, the picture is one face.
import type { Box } from "../../boxes/box.ts";
import { AbortedError, SaccadeError, UsageError } from "../../errors.ts";
import type { DecodeOptions, PictureSize, RawImage } from "../../image/raw-image.ts";
import { copyWindow } from "../../image/resample.ts";
import { type PictureView, pictureViews } from "../../image/view.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import { ANSWER_OUTPUTS } from "../../models/answers.ts";
import type { Host } from "../../platform/host.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import type { SessionLayout } from "../../runtime/session-layout.ts";
import { type DenseOptions, openDense } from "../engine/dense-views.ts";
import { type Engine, type ModelSource, requireOutput } from "../engine/engine.ts";
import { type Answered, allAnswers, type BatchTask, oneOrMany } from "../engine/picture-stream.ts";
import { type PictureSource, readPicture, requireManyPictures } from "../engine/pictures.ts";
import { readFace, withMargin } from "./read-face.ts";
import type { Face, FaceResult } from "./results.ts";

export type FaceAnalyzerOptions = Omit<DenseOptions, "labels" | "views" | "resolution">;

/** A picture whose faces are known. */
export interface FacePicture {
  readonly picture: PictureSource;
  /** Tight boxes of faces, in pixels of the picture, its orientation applied. */
  readonly faces: readonly Box[];
}

export type FaceSource = PictureSource | FacePicture;

export interface AnalyzeOptions extends Omit<DecodeOptions, "decode" | "reserve"> {
  /** Faces run together at most. Default 8. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

export interface AnalyzeTaskOptions extends Pick<AnalyzeOptions, "batchSize" | "signal"> {
  /** Tight boxes of the faces of every picture, in its pixels. Default: each picture is one face. */
  readonly faces?: readonly Box[];
}

/** What is kept of a picture: its faces as the model sees them. */
export interface FaceViews {
  readonly picture: PictureSize;
  /** With their margins, in pixels of the picture. */
  readonly boxes: readonly Box[];
  readonly views: readonly PictureView[];
}

const DEFAULT_BATCH_SIZE = 8;

/**
 * A model that says what a face is like.
 *
 * @example
 * const analyzer = await FaceAnalyzer.load("facexformer");
 * const { faces } = await analyzer.analyze({ picture: "group.jpg", faces: [[40, 60, 120, 160]] });
 * for (const { landmarks, pose, age } of faces) console.log(landmarks.length, pose.yaw, age[0]?.label);
 * await analyzer.dispose();
 */
export class FaceAnalyzer {
  readonly #host: Host;
  readonly #engine: Engine;

  /** @param engine of a model that answers "faces" */
  constructor(host: Host, engine: Engine) {
    this.#host = host;
    this.#engine = engine;
  }

  /** What the model says about itself. */
  get card(): ModelCard {
    return this.#engine.model.card;
  }

  get device(): ActualDevice {
    return this.#engine.device;
  }

  /** Sessions side by side, and threads inside each. */
  get layout(): SessionLayout {
    return this.#engine.layout;
  }

  /** One picture in, one result out; an array in, an array out. Throws on the first picture that cannot be read. */
  analyze(picture: FaceSource, options?: AnalyzeOptions): Promise<FaceResult>;
  analyze(pictures: readonly FaceSource[], options?: AnalyzeOptions): Promise<FaceResult[]>;
  async analyze(
    pictures: FaceSource | readonly FaceSource[],
    options: AnalyzeOptions = {},
  ): Promise<FaceResult | FaceResult[]> {
    return oneOrMany(pictures, (sources) => allAnswers(this.analyzeAll(sources, options)));
  }

  /**
   * Any number of pictures, each with its result or the error why it has none, in their order. One picture is in memory at a time.
   *
   * @throws AbortedError when the signal fires; UsageError for a face that is not on its picture
   */
  async *analyzeAll(
    pictures: Iterable<FaceSource> | AsyncIterable<FaceSource>,
    options: AnalyzeOptions = {},
  ): AsyncGenerator<Answered<FaceSource, FaceResult>> {
    for await (const source of requireManyPictures(pictures)) {
      if (options.signal?.aborted === true) throw new AbortedError("reading pictures", options.signal.reason);
      try {
        yield { source, answer: await this.#analyze(source, options) };
      } catch (error) {
        if (!(error instanceof SaccadeError) || error instanceof AbortedError || error instanceof UsageError)
          throw error;
        yield { source, error };
      }
    }
  }

  /**
   * The same for those who make up batches themselves, or read pictures from somewhere else (`streamAnswers`).
   *
   * @throws UsageError; a view throws it for a face that is not on its picture
   */
  analyzeTask<S>({
    faces,
    batchSize = DEFAULT_BATCH_SIZE,
    signal,
  }: AnalyzeTaskOptions = {}): BatchTask<FaceViews, FaceResult, S> {
    requireBatchSize(batchSize);
    return {
      view: (image) => this.#views(image, faces),
      decoding: { decode: "exact" },
      bytesOf: ({ views }) => views.reduce((sum, { pixels }) => sum + pixels.data.byteLength, 0),
      batchSize,
      joins: (batch, next) => [...batch, next].reduce((sum, { views }) => sum + views.length, 0) <= batchSize,
      run: (batch) =>
        this.#run(
          batch.map(({ view }) => view),
          batchSize,
          signal,
        ),
      lanes: 2 * this.layout.sessions,
    };
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #analyze(
    source: FaceSource,
    { batchSize = DEFAULT_BATCH_SIZE, signal, ...decoding }: AnalyzeOptions,
  ): Promise<FaceResult> {
    requireBatchSize(batchSize);
    const known = isFacePicture(source) ? source : { picture: source, faces: undefined };
    const image = await readPicture(this.#host, known.picture, { ...decoding, decode: "exact" });
    const [result] = await this.#run([this.#views(image, known.faces)], batchSize, signal);
    return result!;
  }

  #views(image: RawImage, faces: readonly Box[] | undefined): FaceViews {
    const picture = { width: image.width, height: image.height };
    const whole: Box = [0, 0, picture.width, picture.height];
    const boxes = faces === undefined ? [whole] : faces.map((face) => withMargin(face, picture));
    const views = boxes.map(([x, y, right, bottom]) => {
      const face = copyWindow(image, { x, y, width: right - x, height: bottom - y });
      return pictureViews(face, this.#engine.transform, "center")[0];
    });
    return { picture, boxes, views };
  }

  async #run(
    pictures: readonly FaceViews[],
    batchSize: number,
    signal: AbortSignal | undefined,
  ): Promise<FaceResult[]> {
    const results = pictures.map(({ picture }) => ({ picture, faces: [] as Face[] }));
    const all = pictures.flatMap(({ boxes, views }, of) => views.map((view, i) => ({ of, box: boxes[i]!, view })));
    for (let from = 0; from < all.length; from += batchSize) {
      const some = all.slice(from, from + batchSize);
      const views = some.map(({ view }) => view);
      const outputs = await this.#engine.run(views, ANSWER_OUTPUTS.faces, signal);
      for (const name of ANSWER_OUTPUTS.faces) requireOutput(outputs, name);
      for (const [row, { of, box }] of some.entries())
        results[of]!.faces.push(readFace(outputs, row, box, results[of]!.picture));
    }
    return results;
  }
}

function requireBatchSize(batchSize: number): void {
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new UsageError(`a batch is a whole number of faces of at least 1, got ${batchSize}`);
}

function isFacePicture(source: FaceSource): source is FacePicture {
  return typeof source === "object" && source !== null && "picture" in source && "faces" in source;
}

/** Loads a model as an analyser of faces. Throws UsageError when it answers something else. */
export async function loadFaceAnalyzer(
  host: Host,
  source: ModelSource,
  options: FaceAnalyzerOptions = {},
): Promise<FaceAnalyzer> {
  return new FaceAnalyzer(host, await openDense(host, source, options, { faces: "center" }));
}
