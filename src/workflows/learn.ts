// Learning as a whole, from a path to a model folder: what `learn` of the library's users and `saccade learn` do.
import type { Dataset } from "../data/dataset.ts";
import type { PictureSource as DataPicture } from "../data/files.ts";
import { openDataset } from "../data/open.ts";
import { UsageError } from "../errors.ts";
import { listModels } from "../model-folder/listing.ts";
import { inferenceGraph, parameterCount } from "../models/graph.ts";
import type { TrainingHost } from "../platform/host.ts";
import type { PictureSource } from "../tasks/engine/pictures.ts";
import type { RecogniserFit } from "../tasks/recognise/fit-recogniser.ts";
import type { LabelledPicture, PictureProblem } from "../tasks/recognise/learn-pictures.ts";
import {
  type Measured,
  Recogniser,
  type RecogniserHost,
  type RecogniserOptions,
} from "../tasks/recognise/recogniser.ts";

export type LearnHost = RecogniserHost & Omit<TrainingHost, "createDataWorkers">;

export interface LearnOptions extends Omit<RecogniserOptions, "onPicture" | "onProblem"> {
  /** Whose features to learn on. Default: the best at hand. */
  readonly model?: string;
  /** The model folder to write; or to change, with `add`, `forget` and `merge`. */
  readonly out: string;
  /** More labelled pictures for what the folder has learnt. */
  readonly add?: string;
  /** A class to forget. */
  readonly forget?: string;
  /** Another learnt model's folder, whose pictures are learnt too. */
  readonly merge?: string;
  /** Called as pictures get done. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface LearnResult {
  readonly folder: string;
  readonly labels: readonly string[];
  /** Pictures that it learnt from, by class. */
  readonly counts: readonly number[];
  readonly fit: RecogniserFit;
  /** On the data's own validation split, where it has one. */
  readonly validation?: Measured;
  readonly problems: readonly PictureProblem[];
  /** Of fitting, without the model's time for the pictures. */
  readonly fitSeconds: number;
}

/**
 * Learns from labelled pictures, or changes what a folder has learnt.
 *
 * @param data a folder, list or archive of labelled pictures; undefined to change what is there
 * @throws UsageError for fewer than two classes, or two pictures of one; what opening data and loading models throw; AbortedError
 */
export async function learn(host: LearnHost, data: string | undefined, options: LearnOptions): Promise<LearnResult> {
  const { out, add, forget, merge } = options;
  const changes = [add, forget, merge].filter((change) => change !== undefined);
  if (data === undefined && changes.length === 0)
    throw new UsageError("no data was given", "saccade learn DATA --out NAME; see saccade learn --help");
  if (data !== undefined && changes.length > 0)
    throw new UsageError(
      "data to learn anew and a change of what was learnt exclude each other",
      "to change a learnt model: saccade learn --out NAME --add DATA",
    );
  if (data === undefined) return change(host, options);
  if ((await host.files.stat(out)) !== undefined)
    throw new UsageError(
      `${out} is there already`,
      "name another folder; to add to a learnt model: saccade learn --out NAME --add DATA",
    );
  const { train, validation } = await openPictures(host, data, options);
  const model = options.model ?? (await defaultBackbone(host, options));
  const problems: PictureProblem[] = [];
  const learning = { ...options, ...reporting(train.length, problems, options) };
  await using recogniser = await Recogniser.learn(host, model, labelledPictures(train, host), learning);
  return finish(recogniser, validation && labelledPictures(validation, host), problems, options);
}

async function change(host: LearnHost, options: LearnOptions): Promise<LearnResult> {
  const { out, add, forget, merge, onNotice } = options;
  await using recogniser = await Recogniser.load(host, out, options);
  const problems: PictureProblem[] = [];
  if (forget !== undefined) await recogniser.forget(forget);
  if (merge !== undefined) {
    await using other = await Recogniser.load(host, merge, options);
    await recogniser.merge(other);
  }
  if (add !== undefined) {
    const { train } = await openPictures(host, add, options);
    const fresh = train.labels.filter((label) => !recogniser.labels.includes(label));
    if (fresh.length > 0) onNotice?.(`new: ${fresh.join(", ")}`);
    await recogniser.add(labelledPictures(train, host), reporting(train.length, problems, options));
  }
  return finish(recogniser, undefined, problems, options);
}

async function finish(
  recogniser: Recogniser,
  validation: AsyncIterable<LabelledPicture> | undefined,
  problems: readonly PictureProblem[],
  { out, signal }: LearnOptions,
): Promise<LearnResult> {
  const fit = await recogniser.fit();
  const { labels, examples } = recogniser;
  await recogniser.save(out);
  const measuring = { onProblem: () => undefined, ...(signal === undefined ? {} : { signal }) };
  const measured = validation && (await recogniser.measure(validation, measuring));
  return {
    folder: out,
    labels,
    counts: examples.counts(),
    fit,
    ...(measured === undefined ? {} : { validation: measured }),
    problems,
    fitSeconds: fit.seconds,
  };
}

function reporting(total: number, problems: PictureProblem[], { onProgress, signal }: LearnOptions) {
  return {
    onPicture: (done: number) => onProgress?.(done, total),
    onProblem: (problem: PictureProblem) => {
      problems.push(problem);
    },
    ...(signal === undefined ? {} : { signal }),
  };
}

async function openPictures(host: LearnHost, path: string, { seed, onNotice }: LearnOptions) {
  const data = await openDataset(host.dataFiles, path, {
    validationFraction: 0,
    ...(seed === undefined ? {} : { seed }),
  });
  for (const line of data.summary) onNotice?.(line);
  const { train, validation } = data;
  if (train === undefined || train.length === 0)
    throw new UsageError(`${path} has no pictures to learn from`, "give a folder for each class, with pictures of it");
  const [empty] = data.emptyClasses;
  if (empty !== undefined)
    throw new UsageError(`the class "${empty}" has no pictures`, "put pictures into its folder, or take it away");
  return { train, validation: validation?.length === 0 ? undefined : validation };
}

async function* labelledPictures(dataset: Dataset, { dataFiles }: LearnHost): AsyncGenerator<LabelledPicture> {
  for (let index = 0; index < dataset.length; index++) {
    const { name, label, picture } = await dataset.item(index);
    yield { picture: await pictureSource(picture, dataFiles), label: dataset.labels[label]!, name };
  }
}

async function pictureSource(picture: DataPicture, files: TrainingHost["dataFiles"]): Promise<PictureSource> {
  switch (picture.kind) {
    case "file":
      return picture.path;
    case "encoded":
      return picture.bytes;
    case "pixels":
      return picture.image;
    case "range":
      return (
        (await files.readRange?.(picture.path, picture.start, picture.length)) ??
        (await files.read(picture.path)).subarray(picture.start, picture.start + picture.length)
      );
  }
}

/** Of the pulled models the one with most parameters; without any, the one that comes with the package. */
async function defaultBackbone(host: LearnHost, { onNotice }: LearnOptions): Promise<string> {
  const usable = (await listModels(host)).filter(({ weights, input }) => weights !== "not here" && input === "image");
  const sized = usable.map(({ name, weights, definition }) => ({
    name,
    weights,
    size: parameterCount(inferenceGraph(definition)),
  }));
  const best = sized.toSorted((a, b) => b.size - a.size)[0];
  if (best === undefined) throw new UsageError("there is no model to learn on", "name one: --model MODEL");
  const why =
    best.weights === "bundled" ? "it comes with saccade; stronger ones: saccade models" : "the largest that is here";
  onNotice?.(`features of ${best.name} (${why})`);
  return best.name;
}
