// Evaluation on clips as a whole, from a model's name and a path to numbers: what `evaluateClips` of the library and `saccade eval` of videos do.
import { type ClipEvaluation, evaluateClips as evaluateDataset } from "../evaluate/evaluate-clips.ts";
import { findTrainingRun } from "../evaluate/training-run.ts";
import { loadModel } from "../model-folder/load.ts";
import type { LoadedModel } from "../model-folder/model.ts";
import type { VideoHost } from "../platform/host.ts";
import type { ActualDevice } from "../runtime/session.ts";
import { loadVideoClassifier } from "../tasks/video/video-classifier.ts";
import type { ClassifyVideoOptions, VideoClassifierOptions } from "../tasks/video/video-options.ts";
import { type EvaluateOptions, type EvaluationHost, openData } from "./evaluate.ts";

export interface EvaluateClipsOptions
  extends VideoClassifierOptions,
    Pick<EvaluateOptions, "split" | "validationFraction" | "seed" | "limit" | "onProgress" | "signal">,
    Pick<ClassifyVideoOptions, "clips" | "frames" | "crops" | "secondsBetweenFrames" | "frameRate" | "batchSize"> {
  /** The model, where its caller has loaded it. Default: it is loaded by its name. */
  readonly loaded?: LoadedModel;
}

/** What was measured, and of what. */
export interface ClipModelEvaluation extends ClipEvaluation {
  /** The model's name. */
  readonly model: string;
  /** Path of the data. */
  readonly data: string;
  readonly split: string;
  readonly device: ActualDevice;
}

/**
 * Measures a model on labelled videos: one of videos, or one of pictures, whose answers for frames are averaged.
 *
 * @param model registered or bundled name, model folder, checkpoint or ONNX file
 * @param dataPath class folders of videos or of folders of frames, or a list of them
 * @throws UsageError for a split that is not there, or a model without labels; NotFoundError; FormatError; AbortedError when the signal fires
 */
export async function evaluateClips(
  host: EvaluationHost & Pick<VideoHost, "openVideo">,
  model: string,
  dataPath: string,
  options: EvaluateClipsOptions = {},
): Promise<ClipModelEvaluation> {
  const { loaded = await loadModel(host, model, options), clips, frames, crops, secondsBetweenFrames } = options;
  const { frameRate, batchSize, onProgress, signal } = options;
  const run = await findTrainingRun(host.files, model);
  const data = await openData(host, dataPath, run, { ...options, kind: "clips" });
  await using classifier = await loadVideoClassifier(host, loaded, options);
  const all = { clips, frames, crops, secondsBetweenFrames, frameRate, batchSize, onProgress, signal };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  const evaluation = await evaluateDataset(classifier, data.dataset, { openVideo: host.openVideo, ...given });
  return {
    ...evaluation,
    model: classifier.card.name,
    data: dataPath,
    split: data.split,
    device: classifier.device,
  };
}
