// The parts of the report, each from what it shows.
import type { DataProblem } from "../../data/dataset.ts";
import type { Interval } from "../../statistics.ts";
import { type Accuracy, type ClassAccuracy, confusedPairs, mostTakenFor } from "../accuracy.ts";
import type { GazeGroup, GazeShares } from "../gaze.ts";
import type { MistakePicture } from "../mistake-pictures.ts";
import { drawConfusionMatrix } from "./confusion-matrix.ts";
import { drawGazeShares } from "./gaze-chart.ts";
import { type HtmlValue, html, type Markup, percent } from "./html.ts";
import { drawConfidences, drawReliability } from "./reliability-diagram.ts";

const MOST_PAIRS = 20;
const MOST_PROBLEMS = 200;

export function section(title: string, ...content: readonly HtmlValue[]): Markup {
  return html`<section><h2>${title}</h2>
${content}</section>
`;
}

/** Numbers that say the most, each with its name above and a note below. */
export function tiles(all: readonly (readonly [name: string, value: string, note: string])[]): Markup {
  return html`<dl class="tiles">${all.map(
    ([name, value, note]) =>
      html`<div class="tile"><dt>${name}</dt><dd><div class="value">${value}</div><div class="note">${note}</div></dd></div>`,
  )}</dl>
`;
}

export function headlineTiles({
  count,
  known,
  top1,
  top1Interval,
  top5,
  choices,
  loss,
  calibration,
}: Accuracy): Markup {
  const interval = `95 % interval ${percent(top1Interval.low)} to ${percent(top1Interval.high)}`;
  return tiles([
    ["Top-1", percent(top1), `right at once; ${interval}`],
    ...(choices > 5 ? [["Top-5", percent(top5), "right answer among the five likeliest"] as const] : []),
    ["Loss", loss.toFixed(3), `mean cross-entropy of ${known?.count ?? count} pictures`],
    ["Calibration error", percent(calibration.ece), "mean distance between how sure it is and how often it is right"],
  ]);
}

export function factList(facts: readonly (readonly [name: string, text: string])[]): Markup {
  return html`<dl class="facts">${facts.map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>`)}</dl>
`;
}

export function gazeSection({ all, underHalf, outsideView }: GazeShares): Markup {
  const last = (underHalf ?? all).stages.at(-1);
  const reached = underHalf ?? all;
  const groups: readonly (readonly [string, GazeGroup])[] = [
    ...(underHalf === undefined || underHalf.count === all.count
      ? []
      : ([[`${underHalf.count} with a box under half of the picture`, underHalf]] as const)),
    [`All ${all.count} with a box`, all],
  ];
  return section(
    "Does it look at the object?",
    last !== undefined &&
      html`<p>The model was taught labels, never where things are. In its last look ${percent(last.points.mean)} of its sampling points lie in the object’s box${underHalf === undefined ? "" : ", over the pictures whose box is under half of the picture"}. Points spread evenly over what it sees would have ${percent(reached.boxShareOfView)} there; its own average gaze, the same for every picture, ${percent(last.fixedGaze)}, because objects tend to be in the middle. What is beyond that was found in the picture.</p>`,
    html`<div class="charts">${groups.map(([title, group]) => drawGazeShares(title, group))}</div>`,
    groups.map(([title, group]) => html`<h3>${title}</h3>${gazeTable(group)}`),
    html`<p class="fine">In parentheses: 95 % intervals, from 1000 resamples of the pictures.</p>`,
    outsideView > 0 &&
      html`<p>${outsideView} pictures are left out, because their object lies outside of what the model sees.</p>`,
  );
}

function gazeTable({ stages, boxShareOfView }: GazeGroup): Markup {
  const rows = stages.map(
    ({ name, points, centres, gain, fixedGaze, beyondFixed, pointsInView }) =>
      html`<tr><td>${name}</td><td class="n">${percent(points.mean)} (${share(points.low)} to ${share(points.high)})</td><td class="n">${percent(boxShareOfView)}</td><td class="n">${signedInterval(gain)}</td><td class="n">${percent(fixedGaze)}</td><td class="n">${signedInterval(beyondFixed)}</td><td class="n">${percent(centres.mean)}</td><td class="n">${percent(pointsInView)}</td></tr>
`,
  );
  return html`<div class="scroll"><table><thead><tr><th>Look</th><th class="n">Points in the box</th><th class="n">Evenly spread</th><th class="n">Over evenly spread</th><th class="n">Fixed gaze</th><th class="n">Over fixed gaze</th><th class="n">Regions’ centres</th><th class="n">Points in view</th></tr></thead><tbody>${rows}</tbody></table></div>
`;
}

const signedInterval = ({ mean, low, high }: Interval): string => `${signed(mean)} (${signed(low)} to ${signed(high)})`;

const share = (value: number): string => (100 * value).toFixed(1);

/** Percentage points, with the sign. */
function signed(share: number): string {
  const points = (100 * Math.abs(share)).toFixed(1);
  return points === "0.0" ? points : `${share < 0 ? "−" : "+"}${points}`;
}

export function confusionSection(accuracy: Accuracy): Markup {
  const { confusion } = accuracy;
  const pairs = confusedPairs(accuracy).slice(0, MOST_PAIRS);
  const rows = pairs.map(
    ({ label, predicted, count, of }) =>
      html`<tr><td>${label}</td><td>${predicted}</td><td class="n">${count}</td><td class="n">${percent(of === 0 ? 0 : count / of)}</td></tr>
`,
  );
  const matrix = drawConfusionMatrix(confusion);
  return section(
    "What it takes for what",
    html`<p>${
      matrix === undefined
        ? `With ${confusion.labels.length} classes the whole matrix could not be read; these are its largest fields.`
        : "Rows are labels, columns answers. The diagonal is right; the stronger its colour, the larger a field’s share of the row."
    }</p>`,
    matrix,
    rows.length > 0 &&
      html`<h3>Most often confused</h3><div class="scroll"><table><thead><tr><th>Label</th><th>Taken for</th><th class="n">Pictures</th><th class="n">Of the class</th></tr></thead><tbody>${rows}</tbody></table></div>`,
  );
}

const CLASS_COLUMNS = ["Class", "Pictures", "Recall", "Precision", "F1", "Answered"];

export function classSection(accuracy: Accuracy): Markup {
  const { perClass } = accuracy;
  const pairs = mostTakenFor(accuracy, 2);
  const takenFor = (label: string) =>
    (pairs.get(label) ?? []).map(({ predicted, count }) => `${predicted} (${count})`).join(", ");
  const heads = CLASS_COLUMNS.map(
    (name, i) => html`<th class="${i === 0 ? "" : "n"}" scope="col"><button type="button">${name}</button></th>`,
  );
  return section(
    "Class by class",
    html`<p>Recall is the share of a class that was found; precision the share of its answers that were right. A click on a heading sorts.</p>`,
    html`<div class="scroll"><table class="sortable"><thead><tr>${heads}<th class="wide" scope="col">Most taken for</th></tr></thead><tbody>${perClass.map((row) => classRow(row, takenFor(row.label)))}</tbody></table></div>`,
  );
}

function classRow(row: ClassAccuracy, takenFor: string): Markup {
  const { label, isKnown, count, recall, precision, f1, predicted } = row;
  const cell = (value: number, text: HtmlValue) => html`<td class="n" data-v="${value}">${text}</td>`;
  const bar = html`<span class="share"><span style="width:${(100 * recall).toFixed(1)}%"></span></span><span class="number">${percent(recall)}</span>`;
  return html`<tr><td data-v="${label}">${label}${!isKnown && " (unknown to the model)"}</td>${cell(count, count)}${cell(recall, bar)}${cell(precision ?? -1, percent(precision))}${cell(f1, percent(f1))}${cell(predicted, predicted)}<td class="wide">${takenFor}</td></tr>
`;
}

export function calibrationSection({ calibration }: Accuracy): Markup {
  return section(
    "How far to trust its confidence",
    html`<p>Of answers that the model gives with 80 % confidence, 80 % should be right: then a bar ends at the dashed line. On average the two are ${percent(calibration.ece)} apart.</p>`,
    html`<div class="charts">${drawReliability(calibration)}${drawConfidences(calibration)}</div>`,
  );
}

export function mistakeSection(mistakes: readonly MistakePicture[], total: number): Markup {
  const hasGaze = mistakes.some(({ gaze }) => gaze !== undefined);
  const cards = mistakes.map(
    ({ thumbnail, gaze, name, label, predicted, score, labelScore }) =>
      html`<figure class="mistake"><div class="what"><img class="thumb" src="${thumbnail}" alt="${label}"/><figcaption><div class="said">${predicted} <span>${percent(score)}</span></div><div class="truth">is ${label}, given ${percent(labelScore)}</div><div class="name">${shortName(name)}</div></figcaption></div>${
        gaze !== undefined && html`<img class="gaze" src="${gaze}" alt="where the model looked"/>`
      }</figure>
`,
  );
  return section(
    "Worst mistakes",
    html`<p>${mistakes.length < total ? `The ${mistakes.length} of ${total} wrong answers` : "The wrong answers"} that the model was surest of. Some will be the label’s mistake.${hasGaze && " Below each picture: how densely the last look covered it, and its regions and sampling points."}</p>`,
    html`<div class="mistakes">${cards}</div>`,
  );
}

/** The end of a path tells pictures apart; its beginning is the same for all. */
export function shortName(name: string): string {
  const parts = name.split(/[/\\]/);
  return parts.slice(-2).join("/");
}

export function problemSection(problems: readonly DataProblem[]): Markup {
  const rows = problems.slice(0, MOST_PROBLEMS).map(
    ({ name, reason }) => html`<tr><td>${name}</td><td class="reason">${reason}</td></tr>
`,
  );
  return section(
    "Left out",
    html`<p>${problems.length === 1 ? "One picture or file" : `${problems.length} pictures or files`} could not be used${rows.length < problems.length && `; the first ${rows.length}`}.</p>`,
    html`<div class="scroll"><table><thead><tr><th>What</th><th>Why</th></tr></thead><tbody>${rows}</tbody></table></div>`,
  );
}
