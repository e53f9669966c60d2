// Where a run's time goes, a bar a model: by kind of operator, in colours that are the same for all models, or by part of the model.
import { html, type Markup, px } from "../../report/html.ts";
import type { BenchRow } from "../report.ts";
import { figureFile, fillOf, groupBy, type Margins, modelLabel, textWidth } from "./figure.ts";

interface Segment {
  readonly name: string;
  readonly share: number;
  /** Class of its colour. */
  readonly fill: string;
}

const LEFT = 20;
const WIDTH = 760;
const BAR_HEIGHT = 26;
const BAR_PITCH = 62;
const TOP = 64;
const LEGEND_HEIGHT = 26;
/** Kinds of operator with a colour of their own; the others are one. */
const MOST_KINDS = 7;

/** By kind of operator. Only rows that were traced. */
export function drawOpShares(rows: readonly BenchRow[], note: string): string {
  const traced = rows.filter(({ ops }) => ops !== undefined);
  const sums = new Map<string, number>();
  for (const { ops = [] } of traced) for (const { name, share } of ops) sums.set(name, (sums.get(name) ?? 0) + share);
  const kinds = [...sums].sort(([, a], [, b]) => b - a).map(([name]) => name);
  const coloured = kinds.slice(0, MOST_KINDS);
  const segmentsOf = ({ ops = [] }: BenchRow): Segment[] => {
    const shareOf = (name: string) => ops.find((op) => op.name === name)?.share ?? 0;
    const named = coloured.map((name, i) => ({ name, share: shareOf(name), fill: fillOf(i) }));
    const rest = 1 - named.reduce((sum, { share }) => sum + share, 0);
    return [...named, { name: "other", share: Math.max(0, rest), fill: "f-other" }];
  };
  const legend = [...coloured.map((name, i) => ({ name, fill: fillOf(i) })), { name: "other", fill: "f-other" }];
  return drawBars("Where time goes, by kind of operator", traced, segmentsOf, note, legend);
}

/** By part, in order of execution. Only rows that were traced and whose parts are known. */
export function drawPartShares(rows: readonly BenchRow[], note: string): string {
  const traced = rows.filter(({ parts }) => parts !== undefined);
  const segmentsOf = ({ parts = [] }: BenchRow): Segment[] =>
    parts.map(({ name, share }, i) => ({ name: name === "" ? "(no name)" : name, share, fill: fillOf(i) }));
  return drawBars("Where time goes, by part of the model", traced, segmentsOf, note);
}

function drawBars(
  title: string,
  rows: readonly BenchRow[],
  segmentsOf: (row: BenchRow) => readonly Segment[],
  note: string,
  legend: readonly Omit<Segment, "share">[] = [],
): string {
  const top = TOP + (legend.length > 0 ? LEGEND_HEIGHT : 0);
  const height = top + BAR_PITCH * rows.length + 20;
  const margins: Margins = { width: WIDTH, height, left: LEFT, right: LEFT, top, bottom: 36 };
  const names = groupBy(rows, ({ model }) => model);
  const bars = rows.map((row, i) => {
    const size = names.get(row.model)!.length > 1 ? `, ${row.width} x ${row.height}` : "";
    const label = `${modelLabel(row.model)}${size}: ${(row.ms.median / row.batch).toPrecision(3)} ms a picture`;
    return drawBar(label, segmentsOf(row), top + i * BAR_PITCH);
  });
  return figureFile(margins, title, note, [drawLegend(legend), bars]);
}

function drawLegend(entries: readonly Omit<Segment, "share">[]): Markup {
  let at = LEFT;
  const keys = entries.map(({ name, fill }) => {
    const x = at;
    at += textWidth(name) + 30;
    return html`<rect class="${fill}" x="${px(x)}" y="${TOP - 13}" width="11" height="11"/><text class="quiet" x="${px(x + 16)}" y="${TOP - 3}">${name}</text>`;
  });
  return html`<g>${keys}</g>`;
}

/** A label, and below it the bar with the names of what is wide enough to hold them. */
function drawBar(label: string, segments: readonly Segment[], top: number): Markup {
  const whole = WIDTH - 2 * LEFT;
  let at = LEFT;
  const boxes = segments.map(({ name, share, fill }) => {
    const width = share * whole;
    const x = at;
    at += width;
    const both = `${name} ${(100 * share).toFixed(0)} %`;
    const inside = [both, name, name.replace(/^.*\./, "")].find((text) => textWidth(text, 11) <= width - 6) ?? "";
    return html`<g><title>${both}</title><rect class="${fill}" x="${px(x)}" y="${top + 8}" width="${px(Math.max(0, width - 1))}" height="${BAR_HEIGHT}"/>${
      inside !== "" && html`<text class="small on" x="${px(x + 4)}" y="${top + 25}">${inside}</text>`
    }</g>`;
  });
  return html`<g><text class="ink" x="${LEFT}" y="${top}">${label}</text>${boxes}</g>`;
}
