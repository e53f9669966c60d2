// Training in a page.
import { UsageError } from "../errors.ts";
import { openDataSource, type WebDataSource } from "../platform/web/data-source.ts";
import { webFiles } from "../platform/web/host.ts";
import { openModelSource, type WebModelSource } from "../platform/web/model-source.ts";
import { createWebTrainingHost } from "../platform/web/training-host.ts";
import { type MetricRecord, readMetrics as readMetricsFile } from "../train/run/metrics-log.ts";
import { isResumable as isResumableRun, train as trainModel } from "../workflows/train.ts";
import type { TrainOptions as AnyTrainOptions, TrainResult } from "../workflows/train-options.ts";

export interface TrainOptions extends Omit<AnyTrainOptions, "from"> {
  /** The model whose weights it begins with, with a new last layer; "scratch": none. Default: what the recipe says. */
  readonly from?: WebModelSource;
}

/**
 * Trains a recogniser on labelled pictures, or goes on with a run that was stopped: the same step, the same run folders and, from the same seed and pixels, the same
 * numbers as in Node. The run's folder is in the browser's storage, so that it survives a reload, a crash and a tab that was put to sleep.
 *
 * @param data the person's folder or files, pictures in memory, or a path in the browser's storage. What is not in that storage must be handed over
 * again to resume.
 * @throws what `train` of the entry for Node throws; SaccadeError when the browser's storage is full
 * @example
 * const { model, choice } = await train(folderHandle, { folder: "runs/flowers", epochs: 6, onEpoch: (epoch, _, scores) => show(epoch, scores?.top1) });
 * const classifier = await Classifier.load(model);
 * // after a reload
 * if (await isResumable("runs/flowers")) await train(folderHandle, { folder: "runs/flowers", resume: true });
 */
export async function train(data: WebDataSource | undefined, options: TrainOptions = {}): Promise<TrainResult> {
  const { from, ...rest } = options;
  const model = await openModelSource(webFiles, from ?? "scratch");
  if (typeof model.source !== "string")
    throw new UsageError("training begins with a model that has a name", "choose its file or folder, or give its name");
  const opened = data === undefined ? { files: model.files, path: undefined } : await openDataSource(model.files, data);
  return trainModel(createWebTrainingHost(opened.files), opened.path, {
    ...rest,
    ...(from === undefined ? {} : { from: model.source }),
  });
}

/** Whether a run in the browser's storage has a checkpoint to go on from. */
export const isResumable = (folder: string): Promise<boolean> => isResumableRun(webFiles, folder);

/**
 * The curves of a run in the browser's storage, as far as it has come: what `metrics.jsonl` in its folder says.
 *
 * @throws NotFoundError where there is no run
 */
export async function readMetrics(folder: string): Promise<readonly MetricRecord[]> {
  return (await readMetricsFile(webFiles, `${folder}/metrics.jsonl`)).records;
}
