// What people see of a training run: one line that changes on a terminal, a line now and then in a log.
import type { DataProblem } from "../data/dataset.ts";
import { shareInterval } from "../statistics.ts";
import type { EpochChoice, EpochComparison, EpochSummary } from "../train/epoch-choice.ts";
import type { Evaluation, FitReport, FitStage, ProbeScore } from "../train/fit-options.ts";
import type { MeasuredChoice, MeasuredEpoch, PlaceScore } from "../train/measured-choice.ts";
import type { TrainResult } from "../workflows/train-options.ts";
import { duration } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

const REFRESH_MS = 100;
/** How long a log may be silent. */
const LOG_MS = 30_000;

/** The line of what is under way. On a terminal it is replaced; elsewhere it is printed every half minute, so that logs show life. */
export class LiveLine {
  readonly #terminal: Terminal;
  readonly #timer: NodeJS.Timeout | undefined;
  #text = "";
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    if (terminal.interactive) return;
    this.#timer = setInterval(() => this.#log(), LOG_MS);
    this.#timer.unref();
  }

  /** @param text must fit the terminal; what is longer is cut */
  show(text: string): void {
    this.#text = text;
    if (!this.#terminal.interactive) return;
    const now = performance.now();
    if (now - this.#shownAt < REFRESH_MS) return;
    this.#shownAt = now;
    this.#terminal.status(text.slice(0, this.#terminal.columns - 1));
  }

  end(): void {
    clearInterval(this.#timer);
    this.#text = "";
    if (this.#terminal.interactive) this.#terminal.status("");
  }

  #log(): void {
    if (this.#text !== "") this.#terminal.note(this.#text);
  }
}

/** What a step takes, and a word of warning where the machine has less. */
export function memoryLine(bytes: number, machineBytes: number): string {
  const line = `a step takes up to ${memorySize(bytes)} of memory`;
  if (bytes < machineBytes) return line;
  return `${line}, and this machine has ${memorySize(machineBytes)}: halve --batch, and give the recipe "accumulate": 2`;
}

const memorySize = (bytes: number) =>
  bytes < 1e8 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0)} GB`;

/** A part of a line, and how soon it is left out when the line is too long: 0 is never. */
type Part = readonly [text: string, rank: number];

/** Where training stands, in fewer than `columns` columns: what matters least is left out first. */
export function stepLine(report: FitReport, columns: number): string {
  const { accuracy } = report;
  return fitted(
    [
      [`epoch ${report.epoch + 1}/${report.epochs}`, 0],
      [`${report.batch}/${report.batchesPerEpoch}`, 2],
      [`loss ${report.loss.toFixed(3)}`, 0],
      accuracy === undefined ? undefined : [`acc ${percent(accuracy)}`, 4],
      [`${rate(report.imagesPerSecond)} images/s`, 1],
      [`waited ${percent(report.waitShare, 0)}`, 3],
      [`${duration(report.secondsLeft)} left`, 0],
    ],
    columns,
  );
}

/** What an epoch brought; there are 0 classes where it learns without labels. `report` is missing when it was made before the run was resumed. */
export function epochLine(
  epoch: number,
  epochs: number,
  classes: number,
  report: FitReport | undefined,
  evaluation: Evaluation | PlaceScore | undefined,
  columns: number,
): string {
  const parts: (Part | undefined)[] = [
    [`epoch ${epoch + 1}/${epochs}`, 0],
    report && [`loss ${report.loss.toFixed(3)}`, 0],
    classes === 0 && report?.accuracy !== undefined ? [`acc ${percent(report.accuracy)}`, 0] : undefined,
    ...(evaluation === undefined
      ? []
      : "measure" in evaluation
        ? placeParts(evaluation)
        : evaluationParts(evaluation, classes)),
    report && [`${rate(report.imagesPerSecond)} images/s`, 2],
    report && [`waited ${percent(report.waitShare, 0)}`, 1],
  ];
  return fitted(parts, columns);
}

function evaluationParts(evaluation: Evaluation, classes: number): (Part | undefined)[] {
  return [
    [`val ${evaluation.loss.toFixed(3)}`, 0],
    [`top-1 ${percent(evaluation.top1)}`, 0],
    // Of five classes, one is always among the first five.
    classes > 5 ? [`top-5 ${percent(evaluation.top5)}`, evaluation.looks === undefined ? 0 : 3] : undefined,
    evaluation.looks && [`by look ${evaluation.looks.map((top1) => (100 * top1).toFixed(1)).join(" ")} %`, 0],
    evaluation.left && [`tokens left ${evaluation.left.map((share) => (100 * share).toFixed(0)).join(" ")} %`, 0],
  ];
}

/** What stands beside the number that epochs are compared by. */
const BESIDE: Readonly<Record<string, string>> = { ap50: "AP50", dice: "Dice", sq: "SQ", rq: "RQ" };

function placeParts({ measure, value, numbers, pictures: count }: PlaceScore): Part[] {
  const beside = Object.entries(BESIDE).flatMap(([name, text]): Part[] => {
    const number = numbers[name];
    return number === undefined ? [] : [[`${text} ${percent(number)}`, 3]];
  });
  return [
    [value === undefined ? `${measure}: there was nothing to be found` : `${measure} ${percent(value)}`, 0],
    ...beside,
    [`of ${count} pictures`, 4],
  ];
}

function fitted(wanted: readonly (Part | undefined)[], columns: number): string {
  const parts = wanted.filter((part) => part !== undefined);
  const line = (worst: number) => parts.flatMap(([text, rank]) => (rank <= worst ? [text] : [])).join("  ");
  for (let worst = Math.max(...parts.map(([, rank]) => rank)); worst > 0; worst--)
    if (line(worst).length < columns) return line(worst);
  return line(0);
}

/** What the features are worth after so many epochs without labels. */
export function probeLine(epochs: number, { top1, top5, pictures: count }: ProbeScore): string {
  const when = epochs === 0 ? "before the first epoch" : `after ${epochs} ${epochs === 1 ? "epoch" : "epochs"}`;
  // Of five classes, one is always among the first five.
  const fifth = top5 === 1 ? "" : `, top-5 ${percent(top5)}`;
  return `probe ${when}: a linear classifier on the features is right on ${percent(top1)} of ${count} pictures${fifth}`;
}

/** How far the teacher is. */
export function teacherLine(done: number, total: number, seconds: number): string {
  const pace = done / seconds;
  return `teacher: ${done} of ${total} pictures, ${rate(pace)}/s, ${duration((total - done) / pace)} left`;
}

export function taughtLine(accuracy: number): string {
  return `teacher: a linear classifier over its features is right on ${percent(accuracy)} of pictures that it was not fitted to`;
}

/** Which epoch is best/, how right it is, how sure the choice is, and whether best/ or last/ is the one to use. */
export function choiceLines(choice: EpochChoice | undefined): string[] {
  if (choice === undefined) return [];
  const { best, last } = choice;
  const interval = shareInterval(Math.round(best.top1 * best.pictures), best.pictures);
  const range = `${(100 * interval.low).toFixed(0)} to ${(100 * interval.high).toFixed(0)} %`;
  return [
    `best: epoch ${best.epoch + 1}, top-1 ${percent(best.top1)} of ${pictures(best.pictures)} (95 % interval ${range})`,
    best.epoch === last.epoch ? keptLine(choice) : declinedLine(choice),
  ];
}

/** The same of a run over annotated pictures. */
export function measuredLines({ best, last }: MeasuredChoice): string[] {
  const scored = ({ measure, value }: MeasuredEpoch) => `${measure} ${percent(value)}`;
  const found = `best: epoch ${best.epoch + 1}, ${scored(best)} on ${pictures(best.pictures)}`;
  if (best.epoch === last.epoch) return [`${found}, the last that was measured`];
  return [found, `use best/, not last/: epoch ${last.epoch + 1} has ${scored(last)}`];
}

function keptLine({ best, peak, comparison }: EpochChoice): string {
  const same = "best/ and last/ are the same model";
  if (comparison === undefined) return `there is no other epoch: ${same}`;
  if (peak.epoch === best.epoch && comparison.better !== undefined)
    return `it is better than the best epoch before it by ${amountOf(comparison)}: ${same}`;
  if (peak.epoch === best.epoch)
    return `${pictures(best.pictures)} cannot tell it from the epochs before it, and it learnt longer: ${same}`;
  return `${pictures(best.pictures)} cannot tell it from epoch ${peak.epoch + 1} (${scoreOf(peak)}), so the one that learnt longer is kept: ${same}`;
}

function declinedLine({ best, peak, last, comparison }: EpochChoice): string {
  const against = comparison === undefined ? "" : ` by ${amountOf(comparison)}`;
  return `use best/, not last/: epoch ${last.epoch + 1} (${scoreOf(last)}) is worse than epoch ${peak.epoch + 1}${against}${best.epoch === peak.epoch ? "" : `, and epoch ${best.epoch + 1} cannot be told from that`}`;
}

const scoreOf = ({ top1, loss }: EpochSummary) => `top-1 ${percent(top1)}, loss ${loss.toFixed(3)}`;

/** Differences of this many standard errors come about by chance in one case of forty. */
const SURE = 2;

function amountOf({ decidedBy, top1, loss }: EpochComparison): string {
  const isShare = decidedBy === "top1";
  const { difference, standardError } = isShare ? top1 : loss;
  const errors = Math.abs(difference) / standardError;
  const amount = isShare
    ? `${(100 * Math.abs(difference)).toFixed(1)} points of top-1`
    : `${Math.abs(difference).toFixed(3)} of loss`;
  return `${amount}, ${errors.toFixed(1)} standard errors${errors < SURE ? ", which may be chance" : ""}`;
}

const pictures = (count: number) => `${count} validation ${count === 1 ? "picture" : "pictures"}`;

/** What can be done with the model of a finished run. */
export function nextLines(
  { model, data, choice, measured }: Pick<TrainResult, "model" | "data" | "choice" | "measured">,
  annotations?: { readonly masks?: unknown; readonly semantic?: unknown },
): string[] {
  const word = shellWord(model);
  const answers = annotations?.masks !== undefined || annotations?.semantic !== undefined ? "segment" : "detect";
  return [
    `try it: saccade ${annotations === undefined ? "classify" : answers} PICTURE --model ${word}`,
    ...(choice === undefined && measured === undefined
      ? []
      : [`see what it gets wrong: saccade eval ${word} ${shellWord(data)} --split validation --report report.html`]),
  ];
}

/** What can be done with a model that was pre-trained without labels. @param givesPictures whether that is all that it has to learn */
export function pretrainedLines({ model }: Pick<TrainResult, "model">, givesPictures: boolean): string[] {
  const word = shellWord(model);
  if (givesPictures) return [`try it: saccade restore PICTURE --model ${word} --out restored.png`];
  return [
    `its last layer has learnt nothing; teach it classes: saccade train DATA --from ${word}`,
    `or learn them on its features, from a few pictures: saccade learn DATA --model ${word} --out NAME`,
  ];
}

const STAGES: Readonly<Record<FitStage, string>> = {
  compiling: "preparing the train step",
  training: "training",
  evaluating: "validating",
  probing: "probing the features",
};

export function stageLine(stage: FitStage): string {
  return STAGES[stage];
}

const MOST_PROBLEMS = 20;

/** Pictures that could not be used. */
export function problemLines(problems: readonly DataProblem[]): string[] {
  const lines = problems.slice(0, MOST_PROBLEMS).map(({ name, reason }) => `left out: ${name}: ${reason}`);
  const more = problems.length - lines.length;
  return more > 0 ? [...lines, `left out: ${more} more`] : lines;
}

/** A path as a shell takes it. Elsewhere than on Windows, nothing between single quotes means anything but itself. */
export function shellWord(path: string, isWindows = process.platform === "win32"): string {
  if (/^[\w./:-]+$/.test(path) || (isWindows && /^[\w./:\\-]+$/.test(path))) return path;
  return isWindows ? `"${path}"` : `'${path.replaceAll("'", "'\\''")}'`;
}

/** 0.456 -> "45.6 %" */
function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

function rate(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}
