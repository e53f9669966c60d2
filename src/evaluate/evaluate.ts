// Evaluation: a classifier on labelled pictures, measured in one pass.
import type { DataProblem, Dataset } from "../data/dataset.ts";
import { FormatError, UsageError } from "../errors.ts";
import { type Accuracy, AccuracyMeter } from "./accuracy.ts";
import { answerDataset, type PictureAccess, type Scorer } from "./answers.ts";
import type { Boxes } from "./boxes.ts";
import { GazeMeter, type GazeShares } from "./gaze.ts";
import { matchLabels } from "./label-match.ts";
import { type StepEvaluation, StepMeter } from "./steps.ts";

export interface EvaluateOptions extends PictureAccess {
  /** Pictures that run together. Default 32. */
  readonly batchSize?: number;
  /** Where the objects are, to measure where the model looks. */
  readonly boxes?: Boxes;
  /** Called as pictures get done. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface Evaluation {
  readonly accuracy: Accuracy;
  /** undefined when no boxes were given, none fits, or the model does not look sparsely. */
  readonly gaze: GazeShares | undefined;
  /** For models that run in steps: the answer after each, and what stopping early saves. */
  readonly steps: StepEvaluation | undefined;
  /** Pictures that were left out, at opening or because they could not be read. */
  readonly problems: readonly DataProblem[];
  /** The data's labels that the model does not know: their pictures count as wrong. */
  readonly unknownLabels: readonly string[];
  /** Labels that were matched though they are spelled otherwise. */
  readonly labelNotes: readonly string[];
  readonly seconds: number;
}

const DEFAULT_BATCH_SIZE = 32;

/**
 * Measures a classifier on a data set. Labels are matched by name; the model's other labels stay candidates, and pictures whose label the model
 * does not know count as answered wrongly. Pictures that cannot be read are left out and listed.
 *
 * @throws UsageError when the model has no labels, or knows none of the data's; FormatError when no picture can be read
 * @example
 * const { validation } = await openDataset(files, "flowers");
 * const { accuracy } = await evaluate(classifier, validation, { files, decode: host.decode });
 * console.log(accuracy.top1); // 0.652
 */
export async function evaluate(classifier: Scorer, dataset: Dataset, options: EvaluateOptions): Promise<Evaluation> {
  const { labels } = classifier;
  if (labels === undefined)
    throw new UsageError(
      "the model does not say what its classes are called, so labels cannot be compared",
      "give a file with one name a line: --labels FILE, or the labels option",
    );
  const { boxes, onProgress, signal, batchSize = DEFAULT_BATCH_SIZE } = options;
  const match = matchLabels(dataset, labels);
  const accuracy = new AccuracyMeter(match, labels);
  const gaze = new GazeMeter();
  const steps = classifier.stepMacs === undefined ? undefined : new StepMeter(classifier.stepMacs);
  const problems: DataProblem[] = [];
  const start = performance.now();
  let done = 0;
  const outcomes = answerDataset(classifier, dataset, options, {
    batchSize,
    wantsGaze: (name) => boxes?.find(name) !== undefined,
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const { answer, problem } of outcomes) {
    onProgress?.(++done, dataset.length);
    if (problem !== undefined) {
      problems.push(problem);
      continue;
    }
    const { scores, kind, strangeness } = answer.scores;
    accuracy.add({ ...answer, scores, kind, ...(strangeness === undefined ? {} : { strangeness }) });
    const { stepLogits, stepValues } = answer.scores;
    const target = match.classes[match.classOf[answer.label]!]!.modelIndex;
    if (stepLogits !== undefined) steps?.add(stepLogits, target, stepValues);
    const box = boxes?.find(answer.name);
    if (box !== undefined && answer.scores.gaze !== undefined)
      gaze.add(answer.scores.gaze, box, answer.width, answer.height);
  }
  if (problems.length === dataset.length)
    throw new FormatError("data", `none of the ${dataset.length} pictures can be read`, {
      ...(problems[0] === undefined ? {} : { hint: `${problems[0].name}: ${problems[0].reason}` }),
      data: { problems: problems.slice(0, 100) },
    });
  return {
    accuracy: accuracy.result(),
    gaze: gaze.result(),
    steps: steps?.result(),
    problems: [...dataset.problems, ...problems],
    unknownLabels: match.unknown,
    labelNotes: match.notes,
    seconds: (performance.now() - start) / 1000,
  };
}
