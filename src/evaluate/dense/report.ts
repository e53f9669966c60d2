// The evaluation of a model that answers about places as one HTML file that needs nothing else.
import type { ModelCard } from "../../model-folder/model.ts";
import { CHART, drawAxes, figure, line, scaleX, scaleY } from "../report/axes.ts";
import { type HtmlValue, html, type Markup, percent } from "../report/html.ts";
import { renderPage } from "../report/page.ts";
import { factList, problemSection, section, shortName, tiles } from "../report/sections.ts";
import { cardFacts } from "../report.ts";
import type { DetectionMetrics } from "./average-precision.ts";
import type { DrawnWorst } from "./draw-worst.ts";
import type { DenseEvaluation } from "./evaluation.ts";
import type { PanopticMetrics } from "./panoptic-quality.ts";
import type { SemanticMetrics } from "./semantic.ts";

export interface DenseReportInput {
  readonly evaluation: DenseEvaluation;
  readonly card: ModelCard;
  /** Where the pictures are from, for people. */
  readonly data: string;
  readonly split: string;
  /** More about model, data and machine: title and text. */
  readonly facts?: readonly (readonly [name: string, text: string])[];
  readonly worst?: readonly DrawnWorst[];
  /** The last line: program and date. */
  readonly footer?: string;
}

/** The report's HTML. All text is escaped; the file is well-formed and loads nothing. */
export function renderDenseReport(input: DenseReportInput): string {
  const { evaluation, card, data, split, worst = [], footer } = input;
  const { boxes, masks, semantic, panoptic, classes, problems, unknownLabels } = evaluation;
  const body = html`<header><h1>${card.name}</h1>
<p class="lead">Measured on ${evaluation.pictures} pictures of ${classes.length} classes: ${data}, ${split}; ${evaluation.kind}.</p></header>
${masks !== undefined && precisionPart("Masks", masks, classes)}${
  boxes !== undefined && precisionPart(masks === undefined ? undefined : "Boxes", boxes, classes)
}${semantic !== undefined && semanticPart(semantic, classes)}${
  panoptic !== undefined && panopticPart(panoptic, classes)
}${
  unknownLabels.length > 0 &&
  html`<p class="warning">The model does not know ${unknownLabels.join(", ")}: what is labelled so counts as missed.</p>`
}${worst.length > 0 && worstSection(worst, evaluation.kind === "detection")}${section(
  "About the model",
  factList([...cardFacts(card), ...(input.facts ?? [])]),
)}${problems.length > 0 && problemSection(problems)}`;
  return renderPage({ title: `${card.name} on ${data}`, body, footer, style: STYLE });
}

const STYLE = `
.worst { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); gap: 18px; margin: 18px 0; }
.worst figure { margin: 0; border: 1px solid var(--rule); border-radius: 10px; background: var(--card); overflow: hidden; break-inside: avoid; }
.worst img { display: block; width: 100%; height: auto; }
.worst .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; }
.worst.pairs { grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr)); }
.worst figcaption { padding: 10px 14px; } .worst .note { font-weight: 600; } .worst .name { font-size: 0.78rem; color: var(--quiet); }
`;

function precisionPart(title: string | undefined, metrics: DetectionMetrics, classes: readonly string[]): Markup {
  const things = metrics.categories.reduce((sum, { things: count }) => sum + count, 0);
  return html`${title !== undefined && html`<h2>${title}</h2>`}${tiles([
    ["AP", percent(metrics.ap), "average precision over overlaps from 50 % to 95 %, as COCO counts it"],
    ["AP50", percent(metrics.ap50), "an overlap of 50 % is enough"],
    ["AP75", percent(metrics.ap75), "an overlap of 75 % is asked for"],
    ["Found", percent(metrics.ar100), `of ${things} things, with at most 100 answers of a class a picture`],
  ])}${section(
    "How sure, how right",
    html`<p>Precision is the share of answers that are right; recall the share of things that are found. The surest answers come first, at the left.</p>`,
    html`<div class="charts">${precisionChart(metrics)}${overlapChart(metrics)}</div>`,
    html`<p class="fine">Small things (under 32 x 32 pixels): AP ${percent(metrics.apSmall)}; medium: ${percent(metrics.apMedium)}; large (over 96 x 96): ${percent(metrics.apLarge)}.</p>`,
  )}${classTable(
    ["Class", "Things", "AP", "AP50", "Found"],
    metrics.categories.map(({ category, things: count, ap, ap50, recall }) => [
      classes[category]!,
      [count, count],
      shareCell(ap),
      [ap50, percent(ap50)],
      [recall, percent(recall)],
    ]),
  )}`;
}

function semanticPart(metrics: SemanticMetrics, classes: readonly string[]): Markup {
  return html`${tiles([
    ["mIoU", percent(metrics.miou), "mean over classes: what is shared of what is either"],
    ["Pixels right", percent(metrics.pixelAccuracy), `of ${metrics.pixels} whose class is known`],
    ["Mean accuracy", percent(metrics.meanAccuracy), "mean over classes: the share of its pixels that are right"],
    ["Dice", percent(metrics.dice), "mean over classes"],
  ])}${classTable(
    ["Class", "Of all pixels", "IoU", "Dice", "Right"],
    metrics.classes.map(({ category, pixels, iou, dice, accuracy }) => [
      classes[category]!,
      [pixels, percent(pixels / metrics.pixels)],
      shareCell(iou),
      [dice, percent(dice)],
      [accuracy, percent(accuracy)],
    ]),
  )}`;
}

function panopticPart({ all, things, stuff, categories }: PanopticMetrics, classes: readonly string[]): Markup {
  return html`${tiles([
    ["PQ", percent(all.pq), "panoptic quality: how well segments are found, times how well they agree"],
    ["SQ", percent(all.sq), "mean IoU of segments that are found"],
    ["RQ", percent(all.rq), "how well segments are found, as F1"],
    ["PQ of things", percent(things.pq), `of stuff: ${percent(stuff.pq)}`],
  ])}${classTable(
    ["Class", "There", "PQ", "SQ", "RQ", "Right", "Wrong", "Missed"],
    categories.map(({ category, pq, sq, rq, right, wrong, missed }) => [
      classes[category]!,
      [right + missed, right + missed],
      shareCell(pq),
      [sq, percent(sq)],
      [rq, percent(rq)],
      ...[right, wrong, missed].map((count) => [count, count] as const),
    ]),
  )}`;
}

/** What a column is sorted by, and what stands in it. */
type Cell = string | readonly [value: number | undefined, text: HtmlValue];

function shareCell(value: number | undefined): Cell {
  const width = (100 * (value ?? 0)).toFixed(1);
  const bar = html`<span class="share"><span style="width:${width}%"></span></span><span class="number">${percent(value)}</span>`;
  return [value, bar];
}

function classTable(heads: readonly string[], rows: readonly (readonly Cell[])[]): Markup {
  const head = heads.map(
    (name, i) => html`<th class="${i === 0 ? "" : "n"}" scope="col"><button type="button">${name}</button></th>`,
  );
  const cell = (content: Cell) =>
    typeof content === "string"
      ? html`<td data-v="${content}">${content}</td>`
      : html`<td class="n" data-v="${content[0] ?? -1}">${content[1]}</td>`;
  return section(
    "Class by class",
    html`<p>A click on a heading sorts.</p>`,
    html`<div class="scroll"><table class="sortable"><thead><tr>${head}</tr></thead><tbody>${rows.map(
      (row) => html`<tr>${row.map(cell)}</tr>
`,
    )}</tbody></table></div>`,
  );
}

const SHARES = [0, 0.2, 0.4, 0.6, 0.8, 1];

/** The mean over classes, at two overlaps. */
function precisionChart({ categories }: DetectionMetrics): Markup {
  const [x, y] = [scaleX(CHART, 0, 1), scaleY(CHART, 0, 1)];
  const axes = drawAxes(CHART, {
    x: SHARES.map((share) => ({ at: x(share), text: percent(share, 0) })),
    y: SHARES.map((share) => ({ at: y(share), text: percent(share, 0) })),
    xTitle: "recall",
  });
  const curves = categories.flatMap(({ curves: own }) => (own === undefined ? [] : [own]));
  const mean = (overlap: number) =>
    Array.from(
      { length: 101 },
      (_, at) => curves.reduce((sum, own) => sum + own[overlap]![at]!, 0) / Math.max(1, curves.length),
    );
  const drawn = (overlap: number, series: string) =>
    line(
      mean(overlap).map((precision, at) => [x(at / 100), y(precision)] as const),
      series,
    );
  return figure(
    CHART,
    "Precision by recall",
    [axes, drawn(0, "s1"), drawn(5, "s2")],
    [
      { name: "overlap 50 %", series: "s1" },
      { name: "overlap 75 %", series: "s2" },
    ],
  );
}

function overlapChart({ byOverlap }: DetectionMetrics): Markup {
  const [x, y] = [scaleX(CHART, 0.5, 0.95), scaleY(CHART, 0, 1)];
  const axes = drawAxes(CHART, {
    x: [0.5, 0.6, 0.7, 0.8, 0.9].map((overlap) => ({ at: x(overlap), text: percent(overlap, 0) })),
    y: SHARES.map((share) => ({ at: y(share), text: percent(share, 0) })),
    xTitle: "overlap that is asked for",
  });
  const drawn = (of: "ap" | "recall", series: string) =>
    line(
      byOverlap.map((one) => [x(one.overlap), y(one[of] ?? 0)] as const),
      series,
    );
  return figure(
    CHART,
    "By overlap",
    [axes, drawn("ap", "s1"), drawn("recall", "s3")],
    [
      { name: "average precision", series: "s1" },
      { name: "found", series: "s3" },
    ],
  );
}

function worstSection(worst: readonly DrawnWorst[], isDetection: boolean): Markup {
  const cards = worst.map(({ name, note, found, truth }) => {
    const images =
      truth === undefined
        ? html`<img src="${found}" alt="${note}"/>`
        : html`<div class="pair"><img src="${truth}" alt="what is there"/><img src="${found}" alt="what was found"/></div>`;
    return html`<figure>${images}<figcaption><div class="note">${note}</div><div class="name">${shortName(name)}</div></figcaption></figure>
`;
  });
  return section(
    "Worst pictures",
    html`<p>${
      isDetection
        ? "Those with the most missed things and the surest wrong answers, of answers that are 30 % sure. Green frames are right, orange ones wrong; what is broken and white was missed. Some will be the annotation’s mistake."
        : "Left what is there, right what was found. Some will be the annotation’s mistake."
    }</p>`,
    html`<div class="worst${isDetection ? "" : " pairs"}">${cards}</div>`,
  );
}
