// A data set through a classifier: while batches run, the next pictures are decoded and prepared. Pictures that cannot be read stop nothing.
import type { DataProblem, Dataset } from "../data/dataset.ts";
import { type DataFiles, type DecodePicture, loadPicture } from "../data/files.ts";
import { SessionError } from "../errors.ts";
import type { RawImage } from "../image/raw-image.ts";
import { pictureSize, type ViewOptions } from "../image/view.ts";
import type { Classifier, ScoreTaskOptions } from "../tasks/classify/classifier.ts";
import type { ClassScores } from "../tasks/classify/results.ts";
import { type BatchTask, type Reserve, type StreamOptions, streamAnswers } from "../tasks/engine/picture-stream.ts";

/** What is needed of a classifier to evaluate it. One that has tasks keeps all of its sessions busy. */
export type Scorer = Pick<Classifier, "labels" | "looks" | "scores"> & {
  readonly scoreTask?: Classifier["scoreTask"];
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
  | { readonly problem: DataProblem; readonly answer?: undefined };

/** A picture of the data set; what reading it tells is filled in then. */
interface Entry {
  readonly index: number;
  name: string;
  label: number;
  width: number;
  height: number;
}

/**
 * All pictures of a data set, in its order.
 *
 * @throws AbortedError, and whatever the model throws; unreadable pictures are outcomes
 */
export async function* answerDataset(
  classifier: Scorer,
  dataset: Dataset,
  access: PictureAccess,
  options: AnswerOptions,
): AsyncGenerator<Outcome> {
  const { batchSize, signal } = options;
  const wantsGaze = ({ name }: Entry) => classifier.looks && options.wantsGaze(name);
  const scoring = { batchSize, wantsGaze, ...(signal === undefined ? {} : { signal }) };
  const entries = entriesOf(dataset);
  const stream = <V>(task: BatchTask<V, ClassScores, Entry>) => {
    const read = (entry: Entry, reserve: Reserve) => readEntry(entry, dataset, access, { ...task.decoding, reserve });
    return streamAnswers(entries, read, task, scoring);
  };
  const answers =
    classifier.scoreTask === undefined
      ? stream(plainTask(classifier, scoring))
      : stream(classifier.scoreTask<Entry>(scoring));
  for await (const { source, ...answered } of answers) {
    const { name } = source;
    // Damaged scores are the model's fault: to leave such pictures out would flatter it.
    if (answered.error instanceof SessionError) throw answered.error;
    if (answered.error === undefined) yield { answer: { ...source, scores: answered.answer } };
    else yield { problem: { name, reason: answered.error.message } };
  }
}

function* entriesOf({ length }: Dataset): Generator<Entry> {
  for (let index = 0; index < length; index++)
    yield { index, name: `picture ${index}`, label: -1, width: 0, height: 0 };
}

async function readEntry(
  entry: Entry,
  dataset: Dataset,
  { files, decode }: PictureAccess,
  options: ViewOptions,
): Promise<RawImage> {
  const { name, label, picture } = await dataset.item(entry.index);
  entry.name = name;
  entry.label = label;
  const image = await loadPicture(picture, files, (bytes) => decode(bytes, options));
  Object.assign(entry, pictureSize(image));
  return image;
}

/** Batches of pictures as they are, for a classifier that has no tasks of its own. */
function plainTask(
  classifier: Scorer,
  { batchSize, wantsGaze, signal }: Required<Pick<ScoreTaskOptions<Entry>, "batchSize" | "wantsGaze">> & StreamOptions,
): BatchTask<RawImage, ClassScores, Entry> {
  return {
    view: (picture) => picture,
    bytesOf: ({ data }) => data.byteLength,
    batchSize,
    joins: () => true,
    run: (batch) => {
      const pictures = batch.map(({ view }) => view);
      const explain = batch.some(({ source }) => wantsGaze(source));
      return classifier.scores(pictures, { batchSize, explain, ...(signal === undefined ? {} : { signal }) });
    },
    // One in the engine, one being transformed, which costs this thread as much as the engine does for small models.
    lanes: 2,
  };
}
