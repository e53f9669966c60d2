// Learning as a whole, from a path to a model folder: what `learn` of the library's users and `saccade learn` do.
import type { Dataset } from "../data/dataset.ts";
import type { PictureSource as DataPicture } from "../data/files.ts";
import { openDataset } from "../data/open.ts";
import { NotFoundError, UsageError } from "../errors.ts";
import { spreadSubset } from "../evaluate/dataset-split.ts";
import type { TrainingHost } from "../platform/host.ts";
import type { PictureSource } from "../tasks/engine/pictures.ts";
import { type RecogniserFit, requireLearnable } from "../tasks/recognise/fit-recogniser.ts";
import type { LabelledPicture, PictureProblem } from "../tasks/recognise/learn-pictures.ts";
import { type Measured, Recogniser } from "../tasks/recognise/recogniser.ts";
import type { RecogniserHost, RecogniserOptions } from "../tasks/recognise/recogniser-options.ts";
import { defaultBackbone, modelsAtHand } from "./backbone.ts";
import { type Learnt, type WeakFeatures, weakFeatures } from "./weak-features.ts";

export type LearnHost = RecogniserHost & Omit<TrainingHost, "createDataWorkers">;

export interface LearnOptions extends Omit<RecogniserOptions, "onPicture" | "onProblem"> {
  /** Whose features to learn on. Default: the best at hand. */
  readonly model?: string;
  /** The model folder to write; or to change, with `add`, `forget` and `merge`. */
  readonly out: string;
  /** More labelled pictures for what the folder has learnt. */
  readonly add?: string;
  /** Classes to forget. */
  readonly forget?: string | readonly string[];
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
  /** Present where the features tell the classes apart badly. */
  readonly weak?: WeakFeatures;
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
  if (out === "") throw new UsageError("the model folder has no name", "name one: --out NAME");
  const changes = [add, forget, merge].filter((change) => change !== undefined);
  if (data === undefined && changes.length === 0)
    throw new UsageError("no data was given", "saccade learn DATA --out NAME; see saccade learn --help");
  if (data !== undefined && changes.length > 0)
    throw new UsageError(
      "data to learn anew and a change of what was learnt exclude each other",
      "to change a learnt model: saccade learn --out NAME --add DATA",
    );
  if (data === undefined) return change(host, options);
  await requireNew(host, out);
  const { train, validation } = await openPictures(host, data, options);
  // Before the model's time is spent. Classes that begin with texts may have fewer pictures.
  if (options.text === undefined) requireLearnable(train.labels, picturesOfClasses(train), options);
  const model = options.model ?? (await defaultBackbone(host, options.onNotice));
  const problems: PictureProblem[] = [];
  const learning = { ...options, ...reporting(train.length, problems, options) };
  await using recogniser = await Recogniser.learn(host, model, labelledPictures(train, host), learning);
  await requireNew(host, out); // somebody else may have made it meanwhile
  const result = await finish(recogniser, validation && labelledPictures(validation, host), problems, options);
  const weak = await judged(host, { model, examples: recogniser.examples, fit: result.fit }, train, options);
  return weak === undefined ? result : { ...result, weak };
}

async function requireNew({ files }: LearnHost, out: string): Promise<void> {
  if ((await files.stat(out)) !== undefined)
    throw new UsageError(
      `${out} is there already`,
      "name another folder; to add to a learnt model: saccade learn --out NAME --add DATA",
    );
}

async function judged(host: LearnHost, learnt: Learnt, train: Dataset, options: LearnOptions) {
  const { head, seed, device, threads, cache, signal } = options;
  const given = Object.entries({ device, threads, cache, signal }).filter(([, value]) => value !== undefined);
  return weakFeatures(host, learnt, await modelsAtHand(host), {
    ...Object.fromEntries(given),
    head: { ...(head === undefined ? {} : { head }), ...(seed === undefined ? {} : { seed }) },
    sample: (count) => labelledPictures(train.length > count ? spreadSubset(train, count) : train, host),
  });
}

/** Of a folder's features these are given: others would be another model's. */
const GIVEN = ["model", "layer", "pooling", "transform"] as const;

async function change(host: LearnHost, options: LearnOptions): Promise<LearnResult> {
  const { out, add, forget, merge, onNotice } = options;
  const other = GIVEN.find((name) => options[name] !== undefined);
  if (other !== undefined)
    throw new UsageError(
      `${out} has learnt on features that stay as they are, so the ${other} cannot be given`,
      `leave the ${other} out, or learn anew: saccade learn DATA --out NAME`,
    );
  if ((await host.files.stat(out)) === undefined)
    throw new NotFoundError("learnt model", out, "make it first: saccade learn DATA --out NAME");
  await using recogniser = await Recogniser.load(host, out, options);
  const problems: PictureProblem[] = [];
  for (const label of typeof forget === "string" ? [forget] : (forget ?? [])) {
    await recogniser.forget(label);
    onNotice?.(`forgot: ${label}`);
  }
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
  return await finish(recogniser, undefined, problems, options);
}

async function finish(
  recogniser: Recogniser,
  validation: AsyncIterable<LabelledPicture> | undefined,
  problems: readonly PictureProblem[],
  { out, signal, onNotice }: LearnOptions,
): Promise<LearnResult> {
  const fit = await recogniser.fit();
  const { labels, examples } = recogniser;
  const [twice, ...more] = examples.contradictions();
  if (twice !== undefined)
    onNotice?.(
      `one picture under two labels: ${twice.map(({ path, label }) => `${path} (${label})`).join(", ")}${more.length > 0 ? `, and ${more.length} more` : ""}; saccade audit lists them`,
    );
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

function picturesOfClasses({ labels, targets }: Dataset): number[] {
  const counts = labels.map(() => 0);
  for (const target of targets) counts[target]! += 1;
  return counts;
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
    case "video":
    case "frames":
      throw new UsageError("heads are learnt from pictures, and these are videos");
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
