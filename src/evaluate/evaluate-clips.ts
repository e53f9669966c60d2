// Evaluation on videos: a classifier of videos on labelled clips, measured in one pass.
import type { DataProblem, Dataset } from "../data/dataset.ts";
import type { PictureSource } from "../data/files.ts";
import { FormatError, SaccadeError, UsageError } from "../errors.ts";
import type { VideoHost } from "../platform/host.ts";
import type { VideoResult } from "../tasks/video/results.ts";
import type { VideoClassifier } from "../tasks/video/video-classifier.ts";
import type { ClassifyVideoOptions } from "../tasks/video/video-options.ts";
import type { Video } from "../video/video.ts";
import { partOfVideo } from "../video/video-part.ts";
import { AccuracyMeter } from "./accuracy.ts";
import type { Evaluation } from "./evaluate.ts";
import { matchLabels } from "./label-match.ts";

export interface EvaluateClipsOptions
  extends Pick<
    ClassifyVideoOptions,
    "clips" | "frames" | "crops" | "secondsBetweenFrames" | "frameRate" | "batchSize" | "signal"
  > {
  readonly openVideo: VideoHost["openVideo"];
  /** Called as clips get done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What was measured, and how the videos were looked at: "0.02 GFLOPs x (1 clip x 1 crop)". */
export interface ClipEvaluation extends Evaluation {
  readonly views: string;
}

/**
 * Measures a classifier of videos on a data set of clips, as `evaluate` does one of pictures. Videos that cannot be read are left out and listed.
 *
 * @throws UsageError when the model has no labels, or knows none of the data's; FormatError when no video can be read
 */
export async function evaluateClips(
  classifier: VideoClassifier,
  dataset: Dataset,
  { openVideo, onProgress, ...options }: EvaluateClipsOptions,
): Promise<ClipEvaluation> {
  const { labels } = classifier;
  if (labels === undefined)
    throw new UsageError(
      "the model does not say what its classes are called, so labels cannot be compared",
      "give a file with one name a line: --labels FILE, or the labels option",
    );
  const match = matchLabels(dataset, labels);
  const accuracy = new AccuracyMeter(match, labels);
  const problems: DataProblem[] = [];
  const start = performance.now();
  let views = "";
  for (let index = 0; index < dataset.length; index++) {
    const { name, label, picture } = await dataset.item(index);
    const result = await answer(classifier, picture, openVideo, { ...options, topK: labels.length });
    if (result instanceof SaccadeError) problems.push({ name, reason: result.message });
    else {
      views = result.views.cost;
      const scores = new Float32Array(labels.length);
      for (const prediction of result.predictions) scores[prediction.index] = prediction.score;
      accuracy.add({ index, name, label, scores, kind: "probabilities" });
    }
    onProgress?.(index + 1, dataset.length);
  }
  if (problems.length === dataset.length)
    throw new FormatError("data", `none of the ${dataset.length} videos can be read`, {
      ...(problems[0] === undefined ? {} : { hint: `${problems[0].name}: ${problems[0].reason}` }),
      data: { problems: problems.slice(0, 100) },
    });
  return {
    accuracy: accuracy.result(),
    gaze: undefined,
    steps: undefined,
    problems: [...dataset.problems, ...problems],
    unknownLabels: match.unknown,
    labelNotes: match.notes,
    seconds: (performance.now() - start) / 1000,
    views,
  };
}

/** The answer for one clip, or why there is none. Damaged scores are the model's fault and no reason to leave it out. */
async function answer(
  classifier: VideoClassifier,
  source: PictureSource,
  openVideo: VideoHost["openVideo"],
  options: ClassifyVideoOptions,
): Promise<VideoResult | SaccadeError> {
  if (source.kind !== "video")
    return new UsageError("this is no video file", "clips are video files, animations and folders of frames");
  let video: Video;
  try {
    video = await partOfVideo(await openVideo(source.path), source);
  } catch (error) {
    if (error instanceof SaccadeError) return error;
    throw error;
  }
  await using held = video;
  for await (const { answer, error } of classifier.classifyAll([held], options)) {
    if (error?.code === "session") throw error;
    return error ?? answer;
  }
  throw new SaccadeError("data", `${video.name} got no answer`);
}
