// What `saccade learn` says at its end: how well it does, what it takes for what, which classes lack pictures, and what to do next.
import type { Confusion } from "../tasks/recognise/fit-recogniser.ts";
import type { LearnResult } from "../workflows/learn.ts";
import type { WeakFeatures } from "../workflows/weak-features.ts";
import { fold } from "./facts.ts";
import { printable, table } from "./terminal.ts";
import { shellWord } from "./train-progress.ts";

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

const MOST_CONFUSIONS = 5;
const MOST_PROBLEMS = 5;
/** Fewer pictures of a class are worth a word. */
const FEW = 10;

export function learnText(result: LearnResult, seconds: number, columns: number): string {
  const { folder, labels, counts, fit, problems } = result;
  const pictures = counts.reduce((sum, count) => sum + count, 0);
  const name = shellWord(folder);
  const blocks = [
    `${printable(folder)}: ${labels.length} classes from ${pictures} pictures in ${seconds.toFixed(1)} s, ${fit.seconds.toFixed(1)} s of them to fit\n`,
    accuracyLines(result),
    confusionTable(fit.measured.confusions, columns),
    fewLines(labels, counts, columns),
    weakLines(result),
    problems
      .slice(0, MOST_PROBLEMS)
      .map((problem) => `left out: ${printable(problem.name)}: ${printable(problem.error.message)}\n`)
      .join(""),
    problems.length > MOST_PROBLEMS ? `left out: ${problems.length - MOST_PROBLEMS} more\n` : "",
    `next: saccade classify photo.jpg --model ${name}\n`,
  ];
  return blocks.filter((block) => block !== "").join("");
}

function accuracyLines({ fit, validation }: LearnResult): string {
  const { measured, tried, described, textWeight } = fit;
  const { head, top1, interval } = measured;
  const others = tried
    .filter((other) => other.head !== head)
    .map((other) => `${other.head} ${percent(other.top1)}`)
    .join(", ");
  const lines = [
    `right on ${percent(top1)} of pictures left out (95 % interval ${percent(interval.low)} to ${percent(interval.high)})`,
    `head: ${head}`,
    ...(others === "" ? [] : [`  tried too: ${others}`]),
    ...(tried.some((other) => other.top1 > top1)
      ? ["  what others are better by may be chance; --head takes one"]
      : []),
  ];
  if (textWeight !== undefined)
    lines.push(
      textWeight === 0
        ? "texts: labels do not help here, so that pictures count alone"
        : `texts: a class's label counts as ${textWeight} ${textWeight === 1 ? "picture" : "pictures"} of it`,
    );
  if (validation !== undefined)
    lines.push(
      `right on ${percent(validation.top1)} of ${validation.pictures} validation pictures (${percent(validation.interval.low)} to ${percent(validation.interval.high)})`,
    );
  if (described.unknown !== undefined)
    lines.push(
      `unknown: by ${described.unknown.score}, about ${percent(described.unknown.rate)} of the classes' pictures too`,
      ...(validation?.takenForUnknown === undefined
        ? []
        : [`  ${validation.takenForUnknown} of the ${validation.pictures} validation pictures are called so`]),
    );
  return lines.map((line) => `${line}\n`).join("");
}

function confusionTable(confusions: readonly Confusion[], columns: number): string {
  const rows = confusions
    .slice(0, MOST_CONFUSIONS)
    .map(({ label, takenFor, count, of }) => [printable(label), printable(takenFor), `${count} of ${of}`]);
  return rows.length === 0 ? "" : table(["most confused", "taken for", "pictures"], rows, { right: [2], columns });
}

function fewLines(labels: readonly string[], counts: readonly number[], columns: number): string {
  const few = labels.flatMap((label, i) => (counts[i]! < FEW ? [`${printable(label)} (${counts[i]})`] : []));
  if (few.length === 0) return "";
  const shown = few.slice(0, 8).join(", ");
  const rest = few.length > 8 ? `, and ${few.length - 8} more classes` : "";
  return `${fold(`more pictures would help: ${shown}${rest}`, columns).join("\n")}\n`;
}

function weakLines({ weak }: LearnResult): string {
  if (weak === undefined) return "";
  const { model, other } = weak;
  if (other?.isBetter === true)
    return `the features of ${model} are weak on such pictures: of ${other.pictures}, those of ${other.model} are right on ${percent(other.top1)}, these on ${percent(other.instead)}\n  learn on them: --model ${other.model}\n`;
  const tried = other === undefined ? "" : ` (those of ${other.model} are no better)`;
  return `the features of ${model} are weak on such pictures${tried}\n  others: --model FILE.onnx, or a registered model: saccade models, saccade pull\n`;
}

/** One object, shares from 0 to 1. */
export function learnJson({ folder, labels, counts, fit, validation, weak, problems }: LearnResult, seconds: number) {
  const { measured, tried, described, textWeight } = fit;
  return {
    folder,
    classes: labels.map((label, i) => ({ label, pictures: counts[i] })),
    head: described.name,
    ...(textWeight === undefined ? {} : { text_weight: textWeight }),
    top1: measured.top1,
    top1_interval: [measured.interval.low, measured.interval.high],
    tried: tried.map(({ head, top1 }) => ({ head, top1 })),
    confused: measured.confusions.map(({ label, takenFor, count, of }) => ({ label, taken_for: takenFor, count, of })),
    ...(described.unknown === undefined ? {} : { unknown: described.unknown }),
    ...(validation === undefined
      ? {}
      : {
          validation: {
            pictures: validation.pictures,
            top1: validation.top1,
            top1_interval: [validation.interval.low, validation.interval.high],
            unknown: validation.takenForUnknown,
          },
        }),
    ...(weak === undefined ? {} : { weak_features: weakJson(weak) }),
    left_out: problems.map(({ name, error }) => ({ path: name, reason: error.message })),
    seconds,
    fit_seconds: fit.seconds,
  };
}

function weakJson({ model, other }: WeakFeatures) {
  if (other === undefined) return { model };
  const { model: name, pictures, top1, instead, isBetter } = other;
  return { model, other: { model: name, pictures, top1, instead, better: isBetter } };
}
