// A data set through a classifier: while one batch runs, the next is decoded and prepared. Pictures that cannot be read stop nothing.
import type { DataProblem, Dataset } from "../data/dataset.ts";
import { checkAborted, type DataFiles, type DecodePicture, loadPicture, mapLimited } from "../data/files.ts";
import { ImageError, LimitError, SaccadeError } from "../errors.ts";
import type { RawImage } from "../image/raw-image.ts";
import type { Classifier } from "../tasks/classifier.ts";
import type { ClassScores } from "../tasks/results.ts";

/** What is needed of a classifier to evaluate it. */
export type Scorer = Pick<Classifier, "labels" | "looks" | "scores"> & {
  /** Multiply-accumulates of each step, of models that run in steps. */
  readonly stepMacs?: readonly number[];
};

/** Where pictures come from: files and a decoder. */
export interface PictureAccess {
  readonly files: Pick<DataFiles, "read" | "readRange">;
  readonly decode: DecodePicture;
}

export interface AnswerOptions {
  /** Pictures that run together. */
  readonly batchSize: number;
  /** Whether the gaze on a picture is wanted too. */
  readonly wantsGaze: (pictureName: string) => boolean;
  readonly signal?: AbortSignal;
}

/** A picture with what the model said. */
export interface PictureAnswer {
  readonly index: number;
  readonly name: string;
  /** The data's label number. */
  readonly label: number;
  readonly width: number;
  readonly height: number;
  readonly scores: ClassScores;
}

/** A picture that was answered, or why it was not. */
export type Outcome =
  | { readonly answer: PictureAnswer; readonly problem?: undefined }
  | { readonly problem: DataProblem };

type Decoded =
  | {
      readonly index: number;
      readonly name: string;
      readonly label: number;
      readonly image: RawImage;
      readonly problem?: undefined;
    }
  | { readonly problem: DataProblem };

const PARALLEL = 8;

/**
 * All pictures of a data set, in its order, in groups as they ran together.
 *
 * @throws AbortedError, and whatever the model throws; unreadable pictures are outcomes
 */
export async function* answerDataset(
  classifier: Scorer,
  dataset: Dataset,
  access: PictureAccess,
  options: AnswerOptions,
): AsyncGenerator<readonly Outcome[]> {
  const { batchSize, signal } = options;
  const indices = Array.from({ length: dataset.length }, (_, i) => i);
  const decode = (start: number) =>
    unobserved(
      mapLimited(indices.slice(start, start + batchSize), PARALLEL, (index) => decodeItem(dataset, index, access)),
    );
  let decoding = decode(0);
  let running: Promise<readonly Outcome[]> | undefined;
  for (let start = 0; start < dataset.length; start += batchSize) {
    checkAborted(signal, "the evaluation");
    const batch = await decoding;
    if (start + batchSize < dataset.length) decoding = decode(start + batchSize);
    // Two batches are under way: one in the engine, one being transformed, which costs this thread as much as the engine does for small models.
    const started = unobserved(answerBatch(classifier, batch, options));
    if (running !== undefined) yield await running;
    running = started;
  }
  if (running !== undefined) yield await running;
}

/** A promise that is awaited later, or never, if something else fails first: that is no unhandled rejection. */
function unobserved<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

async function decodeItem(dataset: Dataset, index: number, access: PictureAccess): Promise<Decoded> {
  let name = `picture ${index}`;
  try {
    const item = await dataset.item(index);
    name = item.name;
    return { index, name, label: item.label, image: await loadPicture(item.picture, access.files, access.decode) };
  } catch (error) {
    if (!(error instanceof SaccadeError)) throw error;
    return { problem: { name, reason: error.message } };
  }
}

async function answerBatch(
  classifier: Scorer,
  batch: readonly Decoded[],
  { batchSize, wantsGaze, signal }: AnswerOptions,
): Promise<readonly Outcome[]> {
  const readable = batch.flatMap((decoded) => (decoded.problem === undefined ? [decoded] : []));
  const options = {
    batchSize,
    explain: classifier.looks && readable.some(({ name }) => wantsGaze(name)),
    ...(signal === undefined ? {} : { signal }),
  };
  const answers = await scoreAll(
    classifier,
    readable.map(({ image }) => image),
    options,
  );
  let taken = 0;
  return batch.map((decoded): Outcome => {
    if (decoded.problem !== undefined) return decoded;
    const scores = answers[taken++]!;
    const { index, name, label, image } = decoded;
    if (scores instanceof SaccadeError) return { problem: { name, reason: scores.message } };
    return { answer: { index, name, label, width: image.width, height: image.height, scores } };
  });
}

/** Where a picture's shape does not go through the transform (a line of a million pixels), its neighbours do all the same. */
async function scoreAll(
  classifier: Scorer,
  images: readonly RawImage[],
  options: Parameters<Scorer["scores"]>[1],
): Promise<readonly (ClassScores | SaccadeError)[]> {
  if (images.length === 0) return [];
  try {
    return await classifier.scores(images, options);
  } catch (error) {
    if (!isAboutPicture(error)) throw error;
    if (images.length === 1) return [error];
  }
  const answers: (ClassScores | SaccadeError)[] = [];
  for (const image of images) answers.push(...(await scoreAll(classifier, [image], options)));
  return answers;
}

const isAboutPicture = (error: unknown): error is SaccadeError =>
  error instanceof ImageError || error instanceof LimitError;
