// The evaluation as one HTML file that needs nothing else: no requests, no libraries, pictures and charts inside. Light and dark, screen and paper.
import type { ModelCard } from "../model-folder/model.ts";
import type { MetricRecord } from "../train/run/metrics-log.ts";
import type { Evaluation } from "./evaluate.ts";
import type { MistakePicture } from "./mistake-pictures.ts";
import { html, type Markup } from "./report/html.ts";
import { renderPage } from "./report/page.ts";
import {
  calibrationSection,
  classSection,
  confusionSection,
  factList,
  gazeSection,
  headlineTiles,
  mistakeSection,
  problemSection,
  section,
} from "./report/sections.ts";
import { drawTrainingCurves } from "./report/training-curves.ts";

export interface ReportInput {
  readonly evaluation: Evaluation;
  readonly card: ModelCard;
  /** Where the pictures are from, for people. */
  readonly data: string;
  readonly split: string;
  /** More about model, data and machine: title and text. */
  readonly facts?: readonly (readonly [name: string, text: string])[];
  /** Of the training run, for its curves. */
  readonly metrics?: readonly MetricRecord[];
  /** The worst mistakes, drawn. */
  readonly mistakes?: readonly MistakePicture[];
  /** The last line: program and date. */
  readonly footer?: string;
}

/**
 * The report's HTML. All text is escaped; the file is well-formed and loads nothing.
 *
 * @example await files.writeAtomic("report.html", renderReport({ evaluation, card: classifier.card, data: "flowers", split: "test" }));
 */
export function renderReport(input: ReportInput): string {
  const { evaluation, card, data, split, metrics = [], mistakes = [], footer } = input;
  const { accuracy, gaze, problems } = evaluation;
  const curves = drawTrainingCurves(metrics, accuracy.choices);
  const body = html`<header><h1>${card.name}</h1>
<p class="lead">Measured on ${accuracy.count} pictures of ${accuracy.perClass.length} classes: ${data}, ${split}.</p></header>
${headlineTiles(accuracy)}${unknownWarning(evaluation)}${
  gaze !== undefined && gazeSection(gaze)
}${confusionSection(accuracy)}${classSection(accuracy)}${calibrationSection(accuracy)}${
  mistakes.length > 0 && mistakeSection(mistakes, accuracy.mistakes.length)
}${
  curves.length > 0 && section("How it was trained", html`<div class="charts">${curves}</div>`)
}${section("About the model", factList([...cardFacts(card), ...(input.facts ?? [])]))}${
  problems.length > 0 && problemSection(problems)
}`;
  return renderPage({ title: `${card.name} on ${data}`, body, footer });
}

function unknownWarning({ accuracy: { known, count, choices }, unknownLabels }: Evaluation): Markup | undefined {
  if (known === undefined) return undefined;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  return html`<p class="warning">The model does not know ${unknownLabels.length === 1 ? "the label" : `${unknownLabels.length} of the labels:`} ${unknownLabels.join(", ")}. Their ${count - known.count} pictures count as wrong. Of the others ${percent(known.top1)} are right at once${choices > 5 ? `, ${percent(known.top5)} among five` : ""}.</p>`;
}

/** What a model's card says of it: title and text. */
export function cardFacts({ name, labels, transform, licence, provenance }: ModelCard): [string, string][] {
  return [
    ["Name", name],
    ...(labels === undefined ? [] : ([["Classes", String(labels.length)]] as [string, string][])),
    ...(transform === undefined ? [] : ([["Preprocessing", transform]] as [string, string][])),
    ...(licence === undefined ? [] : ([["Licence", licence]] as [string, string][])),
    ...Object.entries(provenance ?? {}).map(([key, value]): [string, string] => [key, String(value)]),
  ];
}
