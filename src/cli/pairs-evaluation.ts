// `saccade eval MODEL --pairs LIST`: what its options mean, and what it prints.
import { InvalidArgumentError } from "commander";
import { UsageError } from "../errors.ts";
import type { FaceAlignment } from "../image/align-face.ts";
import { nodeTrainingHost } from "../platform/node/training-host.ts";
import {
  type EvaluatePairsOptions,
  evaluatePairs,
  type PairEvaluation,
  type ScoredPair,
} from "../workflows/evaluate-pairs.ts";
import { Progress } from "./progress.ts";
import { printable, type Terminal, table } from "./terminal.ts";

export interface PairsFlags {
  pairs?: string;
  landmarks?: string;
  align?: FaceAlignment;
  far?: number[];
}

const MOST_PROBLEMS = 10;
/** Pairs of each kind that are shown. */
const HARDEST = 3;

/** `0.1,0.01` to rates. */
export function rates(text: string): number[] {
  const values = text.split(",").map(Number);
  if (!values.every((value) => value > 0 && value < 1))
    throw new InvalidArgumentError("It must be numbers between 0 and 1, with commas between them.");
  return values;
}

/** Throws UsageError for options of pairs where there are none, and of classes where there are pairs. */
export function requirePairsFlags(
  flags: PairsFlags & Readonly<Record<string, unknown>>,
  data: string | undefined,
): void {
  const { pairs, landmarks, align, far } = flags;
  const named = (names: readonly string[]) => names.find((name) => flags[name] !== undefined && flags[name] !== false);
  const spelt = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (pairs === undefined) {
    const without =
      landmarks !== undefined ? "landmarks" : align !== undefined ? "align" : far !== undefined ? "far" : undefined;
    if (without !== undefined)
      throw new UsageError(`${spelt(without)} is for pairs`, "give them too: --pairs pairs.csv");
    if (data === undefined)
      throw new UsageError(
        "eval needs labelled pictures, or pairs of pictures",
        "saccade eval MODEL DATA, or: saccade eval MODEL --pairs pairs.csv",
      );
    return;
  }
  if (data !== undefined)
    throw new UsageError(
      `the pictures of pairs are in their list, and ${data} is something else`,
      "leave it out, or leave --pairs out",
    );
  const ofClasses = named([
    "split",
    "validationFraction",
    "seed",
    "report",
    "boxes",
    "labels",
    "limit",
    "scores",
    "steps",
    "saveThresholds",
    "frames",
    "clips",
    "crops",
    "secondsBetweenFrames",
  ]);
  if (ofClasses !== undefined)
    throw new UsageError(
      `${spelt(ofClasses)} is for labelled pictures, and these are pairs`,
      `leave ${spelt(ofClasses)} out`,
    );
}

export async function evalPairs(
  model: string,
  { pairs, landmarks, align, far, json }: PairsFlags & { json?: boolean },
  options: EvaluatePairsOptions,
  terminal: Terminal,
): Promise<void> {
  let progress: Progress | undefined;
  const evaluation = await evaluatePairs(nodeTrainingHost, model, pairs!, {
    ...options,
    ...(landmarks === undefined ? {} : { landmarks }),
    ...(align === undefined ? {} : { alignment: align }),
    ...(far === undefined ? {} : { far }),
    onProgress(done, total) {
      progress ??= new Progress(terminal, "pictures", total);
      progress.reach(done);
    },
  }).finally(() => progress?.finish());
  for (const { name, reason } of evaluation.problems.slice(0, MOST_PROBLEMS))
    terminal.note(`left out: ${printable(name)}: ${reason}`);
  const more = evaluation.problems.length - MOST_PROBLEMS;
  if (more > 0) terminal.note(`left out: ${more} more`);
  terminal.out(
    json === true
      ? `${JSON.stringify({ ...pairsToJson(evaluation), list: pairs })}\n`
      : pairsText(evaluation, `${evaluation.model} on ${pairs}`, terminal.columns),
  );
}

/** Fractions from 0 to 1, names with underscores as in all files; `null` is a threshold that accepts nothing. */
function pairsToJson({ accuracy, tprAtFar, ...evaluation }: PairEvaluation) {
  const { model, space, pairs, same, leftOut, auc, eer, pictures, scored, problems } = evaluation;
  const finite = (threshold: number | undefined) =>
    threshold !== undefined && Number.isFinite(threshold) ? threshold : null;
  return {
    model,
    space,
    pairs,
    same,
    left_out: leftOut,
    pictures,
    accuracy: accuracy.mean,
    accuracy_error: accuracy.standardError,
    threshold: finite(accuracy.threshold),
    folds: accuracy.folds.map((fold) => ({ ...fold, threshold: finite(fold.threshold) })),
    eer,
    auc,
    tpr_at_far: tprAtFar.map((point) => ({ ...point, threshold: finite(point.threshold) })),
    scores: scored.map(({ first, second, isSame, score }) => ({ first, second, same: isSame, score })),
    problems,
  };
}

const percent = (value: number, digits = 1): string => `${(100 * value).toFixed(digits)} %`;
const score = (value: number | undefined): string =>
  value === undefined || !Number.isFinite(value) ? "-" : value.toFixed(3);

/** What there is to say of pairs, under a title. */
export function pairsText(evaluation: PairEvaluation, title: string, columns: number): string {
  const { pairs, same, leftOut, auc, eer, accuracy, tprAtFar } = evaluation;
  const [first, ...rows] = [
    [
      "pairs",
      String(pairs),
      `${same} of the same${leftOut === 0 ? "" : `; ${leftOut} left out, for want of a picture`}`,
    ],
    ["accuracy", percent(accuracy.mean), accuracyNote(evaluation)],
    ["EER", percent(eer), "as many others are accepted as of the same are rejected"],
    ["ROC AUC", percent(auc), "how often a pair of the same is more alike than another"],
  ];
  const rates = tprAtFar.map(({ far, tpr, threshold }) => [`${100 * far} %`, percent(tpr), score(threshold)]);
  return [
    `${printable(title)}\n`,
    table(first!, rows, { right: [1], columns }),
    table(["others accepted, at most", "same accepted", "cosine from"], rates, { right: [0, 1, 2], columns }),
    hardest(evaluation, columns),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function accuracyNote({ accuracy: { folds, standardError, threshold } }: PairEvaluation): string {
  const last = `the same from cosine ${score(threshold)}`;
  return folds.length === 1
    ? `${last}, on these pairs themselves`
    : `± ${(100 * standardError).toFixed(1)} in ${folds.length} parts; ${last}`;
}

/** The picture and its folder: two whole paths are more than a line. */
function shortPath(path: string): string {
  return printable(path.split(/[/\\]/).slice(-2).join("/"));
}

/** Where it is most wrong. */
function hardest({ scored, accuracy: { threshold } }: PairEvaluation, columns: number): string {
  const byScore = [...scored].sort((a, b) => a.score - b.score);
  const wrong = [
    ...byScore.filter(({ isSame, score }) => isSame && score < threshold).slice(0, HARDEST),
    ...byScore
      .reverse()
      .filter(({ isSame, score }) => !isSame && score >= threshold)
      .slice(0, HARDEST),
  ];
  if (wrong.length === 0) return "";
  const row = (pair: ScoredPair) => [
    score(pair.score),
    pair.isSame ? "same" : "different",
    `${shortPath(pair.first)}  ${shortPath(pair.second)}`,
  ];
  return table(["cosine", "is", "pairs that are most wrong"], wrong.map(row), { right: [0], columns });
}
