// Calibration as a whole: pictures that a model was not trained on say how sure it should be, and its folder is changed accordingly. What
// `saccade calibrate` does.

import { SaccadeError, UsageError } from "../errors.ts";
import { answerDataset } from "../evaluate/answers.ts";
import { CalibrationMeter } from "../evaluate/calibration.ts";
import { matchLabels } from "../evaluate/label-match.ts";
import { temperatureOf } from "../learn/calibration.ts";
import { type LogitScales, withLogitScales } from "../model-folder/calibrated.ts";
import { readModelFolder, writeModelFolder } from "../model-folder/load.ts";
import type { NativeModel } from "../model-folder/model.ts";
import { requireOwnFolder } from "../model-folder/save-early-exit.ts";
import { isAdaptive } from "../tasks/classify/adaptive-classifier.ts";
import { softmax } from "../tasks/classify/class-scores.ts";
import { type Classifier, loadClassifier } from "../tasks/classify/classifier.ts";
import { type EvaluateOptions, type EvaluationHost, openEvaluation } from "./evaluate.ts";

export interface CalibrateOptions
  extends Pick<EvaluateOptions, "split" | "limit" | "device" | "threads" | "onNotice" | "onProgress" | "signal"> {
  /** Answers whose probability is below this are called unknown from now on. Default: as before. */
  readonly unknownBelow?: number;
}

/** What a least confidence costs, and what it is good for. Shares are 0..1. */
export interface ConfidenceRate {
  readonly below: number;
  /** Of all answers, those that are less sure. */
  readonly unknown: number;
  /** Of right answers, those that are called unknown. */
  readonly rightLost: number;
  /** Of wrong answers, those that are called unknown. */
  readonly wrongCaught: number;
  /** Of the answers that are left, those that are right. */
  readonly rightOfRest: number;
}

export interface CalibrationResult {
  readonly pictures: number;
  /** What logits were multiplied by. */
  readonly scales: LogitScales;
  /** Expected calibration error, 15 bins, 0..1. */
  readonly before: number;
  readonly after: number;
  readonly rates: readonly ConfidenceRate[];
}

const CANDIDATES = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const BATCH = 32;

/**
 * Makes a model folder's answers as sure as they are right on the data's pictures, early answers too, and writes the folder.
 *
 * @param folder a model folder of one's own; a bundled model is to be converted first
 * @throws UsageError for a model that has no folder, or whose logits are more than its last layer times a factor; what `evaluate` throws
 */
export async function calibrate(
  host: EvaluationHost,
  folder: string,
  dataPath: string,
  { unknownBelow, ...options }: CalibrateOptions = {},
): Promise<CalibrationResult> {
  await requireOwnFolder(host, folder);
  const model = await readModelFolder(host.files, folder);
  const { rows, targets, exits } = await gather(host, folder, dataPath, { ...options, steps: isAdaptive(model) });
  const [first] = rows;
  if (first === undefined) throw new SaccadeError("data", "there is no picture whose label the model knows");
  const scales: LogitScales = {
    answer: scaleOf(rows, targets),
    exits: exits.map((early) => scaleOf(early, targets)),
  };
  const scaled = withLogitScales(model, first.length, scales);
  await requireScaled(host, model, scaled, scales.answer);
  const card = unknownBelow === undefined ? scaled.card : { ...scaled.card, unknownBelow };
  await writeModelFolder(host.files, folder, { ...scaled, card });
  const answers = answersOf(rows, targets, scales.answer);
  return {
    pictures: rows.length,
    scales,
    before: calibrationError(answersOf(rows, targets, 1)),
    after: calibrationError(answers),
    rates: CANDIDATES.map((below) => confidenceRate(answers, below)),
  };
}

/** Logits of every picture whose label the model knows, and of its early answers. */
async function gather(host: EvaluationHost, folder: string, dataPath: string, options: EvaluateOptions) {
  await using opened = await openEvaluation(host, folder, dataPath, options);
  const { classifier, data } = opened;
  if (classifier.labels === undefined) throw new UsageError("the model does not say what its classes are called");
  const match = matchLabels(data.dataset, classifier.labels);
  const rows: Float32Array[] = [];
  const targets: number[] = [];
  const exits: Float32Array[][] = [];
  const access = { files: host.dataFiles, decode: host.decode };
  let done = 0;
  const asked = { batchSize: BATCH, wantsGaze: () => false, ...(options.signal && { signal: options.signal }) };
  for await (const { answer } of answerDataset(classifier, data.dataset, access, asked)) {
    options.onProgress?.(++done, data.dataset.length);
    if (answer === undefined) continue;
    const { scores, kind, stepLogits = [] } = answer.scores;
    if (kind !== "logits") throw new UsageError(`the model's scores are ${kind}, and logits are calibrated`);
    const { modelIndex } = match.classes[match.classOf[answer.label]!]!;
    if (modelIndex < 0) continue;
    rows.push(scores);
    targets.push(modelIndex);
    for (const [step, early] of stepLogits.slice(0, -1).entries()) {
      exits[step] ??= [];
      exits[step].push(early);
    }
  }
  return { rows, targets: Int32Array.from(targets), exits };
}

function scaleOf(rows: readonly Float32Array[], targets: Int32Array): number {
  const classes = rows[0]!.length;
  const scores = new Float64Array(rows.length * classes);
  rows.forEach((row, i) => {
    scores.set(row, i * classes);
  });
  return temperatureOf(scores, targets, classes, { smoothed: false }).scale;
}

/** A picture in which there is something, for the one comparison that is made. */
const PROBE = { width: 64, height: 64, data: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 37) % 256) };
const TOLERANCE = 1e-2;

/** Checks that the model's logits are what they were, times the factor. */
async function requireScaled(host: EvaluationHost, before: NativeModel, after: NativeModel, scale: number) {
  const logits = async (model: NativeModel) => {
    await using classifier: Classifier = await loadClassifier(host, model, { device: "auto" });
    return (await classifier.scores([PROBE]))[0]!.scores;
  };
  const [old, now] = [await logits(before), await logits(after)];
  const largest = old.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  if (now.every((value, i) => Math.abs(value - scale * old[i]!) < TOLERANCE * scale * largest)) return;
  throw new UsageError(
    `the logits of ${before.card.name} are more than a last layer, and cannot be calibrated by a factor of it`,
    "learn a head on its features: saccade learn fits and calibrates one",
  );
}

interface SureAnswer {
  readonly confidence: number;
  readonly isRight: boolean;
}

function calibrationError(answers: readonly SureAnswer[]): number {
  const meter = new CalibrationMeter();
  for (const { confidence, isRight } of answers) meter.add(confidence, isRight);
  return meter.result().ece;
}

function answersOf(rows: readonly Float32Array[], targets: Int32Array, scale: number): SureAnswer[] {
  return rows.map((row, i) => {
    const probabilities = softmax(row.map((logit) => logit * scale));
    const best = probabilities.reduce((most, value, c) => (value > probabilities[most]! ? c : most), 0);
    return { confidence: probabilities[best]!, isRight: best === targets[i] };
  });
}

function confidenceRate(answers: readonly SureAnswer[], below: number): ConfidenceRate {
  const count = (wanted: (answer: SureAnswer) => boolean) => answers.filter(wanted).length;
  const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  const right = count(({ isRight }) => isRight);
  const kept = count(({ confidence }) => confidence >= below);
  const keptRight = count(({ confidence, isRight }) => isRight && confidence >= below);
  const wrong = answers.length - right;
  return {
    below,
    unknown: share(answers.length - kept, answers.length),
    rightLost: share(right - keptRight, right),
    wrongCaught: share(wrong - (kept - keptRight), wrong),
    rightOfRest: share(keptRight, kept),
  };
}
