// saccade eval of detectors and segmenters: text, JSON, report.
import { UsageError } from "../errors.ts";
import type { DetectionMetrics } from "../evaluate/dense/average-precision.ts";
import { drawWorst } from "../evaluate/dense/draw-worst.ts";
import type { DenseEvaluation } from "../evaluate/dense/evaluation.ts";
import { denseEvaluationToJson } from "../evaluate/dense/evaluation-json.ts";
import { renderDenseReport } from "../evaluate/dense/report.ts";
import { percent } from "../evaluate/percent.ts";
import { nodeTrainingHost } from "../platform/node/training-host.ts";
import { version } from "../version.ts";
import {
  type EvaluateDenseOptions,
  type OpenDenseEvaluation,
  openDenseEvaluation,
} from "../workflows/evaluate-dense.ts";
import { Progress } from "./progress.ts";
import { printable, type Terminal } from "./terminal.ts";

/** What of the command's options is about detectors and segmenters. */
export interface DenseEvalFlags {
  readonly json?: boolean;
  readonly report?: string;
  readonly kind?: EvaluateDenseOptions["kind"];
}

const MOST_PROBLEMS = 10;
const MOST_CLASSES = 40;

/** @param facts of the model, for the report */
export async function evalDense(
  model: string,
  dataPath: string,
  flags: DenseEvalFlags,
  options: EvaluateDenseOptions,
  facts: () => Promise<readonly (readonly [string, string])[]>,
  terminal: Terminal,
): Promise<void> {
  await using opened = await openDenseEvaluation(nodeTrainingHost, model, dataPath, {
    ...options,
    ...(flags.kind === undefined ? {} : { kind: flags.kind }),
  });
  const progress = new Progress(terminal, "pictures", opened.data.dataset.length);
  const evaluation = await opened.measure((done) => progress.reach(done)).finally(() => progress.finish());
  for (const note of evaluation.labelNotes) terminal.note(note);
  if (evaluation.unknownLabels.length > 0)
    terminal.note(
      `${opened.card.name} does not know ${evaluation.unknownLabels.map(printable).join(", ")}: what is labelled so counts as missed`,
    );
  for (const { name, reason } of evaluation.problems.slice(0, MOST_PROBLEMS))
    terminal.note(`left out: ${printable(name)}: ${reason}`);
  if (evaluation.problems.length > MOST_PROBLEMS)
    terminal.note(`left out: ${evaluation.problems.length - MOST_PROBLEMS} more`);
  const { split, device } = evaluation;
  terminal.out(
    flags.json === true
      ? `${JSON.stringify({ ...denseEvaluationToJson(evaluation), model: opened.card.name, data: dataPath, split, device })}\n`
      : denseEvaluationText(evaluation, `${opened.card.name} on ${dataPath}, ${split}`),
  );
  if (flags.report === undefined) return;
  await writeReport(flags.report, opened, evaluation, dataPath, await facts(), terminal);
  terminal.note(`report: ${flags.report}`);
}

/** Throws UsageError for options that are about whole pictures or videos. */
export function refuseForDense(flags: Readonly<Record<string, unknown>>): void {
  const option = [
    "boxes",
    "steps",
    "saveThresholds",
    "scores",
    "frames",
    "clips",
    "crops",
    "secondsBetweenFrames",
  ].find((name) => flags[name] !== undefined);
  if (option === undefined) return;
  const spelled = option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new UsageError(`--${spelled} says nothing of a model that answers about places`, "leave it out");
}

async function writeReport(
  out: string,
  { card, data }: OpenDenseEvaluation,
  evaluation: DenseEvaluation,
  dataPath: string,
  facts: readonly (readonly [string, string])[],
  terminal: Terminal,
): Promise<void> {
  terminal.status("drawing the report");
  const worst = await drawWorst(data.dataset, evaluation.worst, {
    files: nodeTrainingHost.dataFiles,
    decode: nodeTrainingHost.decode,
    host: nodeTrainingHost,
    signal: terminal.signal,
  });
  terminal.status("");
  const page = renderDenseReport({
    evaluation,
    card,
    data: dataPath,
    split: data.split,
    facts: [...facts, ["Data", `${dataPath}: ${data.dataset.describe()}`]],
    worst,
    footer: `saccade ${version}, ${new Date().toISOString().slice(0, 10)}`,
  });
  await nodeTrainingHost.files.writeAtomic(out, page);
}

/** The numbers as lines. */
export function denseEvaluationText(evaluation: DenseEvaluation, title: string): string {
  const { boxes, masks, semantic, panoptic, classes, pictures, seconds } = evaluation;
  const lines = [title, `  ${pictures} pictures, ${(pictures / seconds).toFixed(1)} a second`];
  if (masks !== undefined) lines.push(...precisionLines("masks", masks, classes));
  if (boxes !== undefined) lines.push(...precisionLines("boxes", boxes, classes));
  if (semantic !== undefined)
    lines.push(
      `  mIoU ${show(semantic.miou)}   Dice ${show(semantic.dice)}   pixels right ${show(semantic.pixelAccuracy)}   mean accuracy ${show(semantic.meanAccuracy)}`,
      ...classLines(semantic.classes.map(({ category, iou }) => [classes[category]!, `IoU ${show(iou)}`])),
    );
  if (panoptic !== undefined)
    lines.push(
      `  PQ ${show(panoptic.all.pq)}   SQ ${show(panoptic.all.sq)}   RQ ${show(panoptic.all.rq)}   things ${show(panoptic.things.pq)}   stuff ${show(panoptic.stuff.pq)}`,
      ...classLines(panoptic.categories.map(({ category, pq }) => [classes[category]!, `PQ ${show(pq)}`])),
    );
  return `${lines.join("\n")}\n`;
}

const show = (value: number | undefined): string => (value === undefined ? "–" : percent(value));

function precisionLines(what: string, metrics: DetectionMetrics, classes: readonly string[]): string[] {
  return [
    `  ${what}: AP ${show(metrics.ap)}   AP50 ${show(metrics.ap50)}   AP75 ${show(metrics.ap75)}   found ${show(metrics.ar100)}`,
    `  small ${show(metrics.apSmall)}   medium ${show(metrics.apMedium)}   large ${show(metrics.apLarge)}`,
    ...classLines(
      metrics.categories.map(({ category, ap, things }) => [classes[category]!, `AP ${show(ap)} of ${things}`]),
    ),
  ];
}

function classLines(rows: readonly (readonly [label: string, text: string])[]): string[] {
  const width = Math.max(...rows.map(([label]) => printable(label).length));
  const lines = rows.slice(0, MOST_CLASSES).map(([label, text]) => `    ${printable(label).padEnd(width)}  ${text}`);
  return rows.length > MOST_CLASSES
    ? [...lines, `    and ${rows.length - MOST_CLASSES} more: --json has them all`]
    : lines;
}
