// Accuracy over what it costs: a line a way of looking, over the number of looks or over milliseconds.
import { ticks } from "../../report/axes.ts";
import { html, type Markup, px } from "../../report/html.ts";
import { dot, figureFile, fillOf, type Margins, spreadLabels, strokeOf, textWidth } from "./figure.ts";

export interface AccuracySeries {
  readonly label: string;
  /** `accuracy` is 0..1. */
  readonly points: readonly { readonly x: number; readonly accuracy: number; readonly title: string }[];
}

export interface AccuracyPlot {
  readonly title: string;
  readonly xTitle: string;
  /** Stands small below the plot. */
  readonly note: string;
  readonly series: readonly AccuracySeries[];
  /** Where the x axis has its numbers. Default: round ones. */
  readonly xTicks?: readonly number[];
}

const LABEL_GAP = 15;

/** A whole SVG file. Both axes are linear; the vertical one begins below the worst point, and says so by its numbers. */
export function drawAccuracy({ title, xTitle, note, series, xTicks }: AccuracyPlot): string {
  const room = Math.max(...series.map(({ label }) => textWidth(label))) + 24;
  const margins: Margins = { width: 760, height: 400, left: 62, right: room, top: 60, bottom: 74 };
  const points = series.flatMap((one) => one.points);
  const [lowX, highX] = padded(
    points.map(({ x }) => x),
    0.04,
  );
  const [lowY, highY] = padded(
    points.map(({ accuracy }) => accuracy),
    0.08,
  );
  const end = margins.width - margins.right;
  const base = margins.height - margins.bottom;
  const atX = (value: number) => margins.left + ((value - lowX) / (highX - lowX)) * (end - margins.left);
  const atY = (value: number) => base - ((value - lowY) / (highY - lowY)) * (base - margins.top);
  const rows = ticks(lowY, highY, 6).map(
    (value) =>
      html`<line class="grid" x1="${margins.left}" x2="${end}" y1="${px(atY(value))}" y2="${px(atY(value))}"/><text class="quiet" x="${margins.left - 8}" y="${px(atY(value) + 4)}" text-anchor="end">${Math.round(100 * value)} %</text>`,
  );
  const columns = (xTicks ?? ticks(lowX, highX, 8)).map(
    (value) =>
      html`<text class="quiet" x="${px(atX(value))}" y="${base + 18}" text-anchor="middle">${Number(value.toPrecision(6))}</text>`,
  );
  const axes = html`${rows}<line class="base" x1="${margins.left}" x2="${end}" y1="${base}" y2="${base}"/>${columns}<text class="quiet" x="${px((margins.left + end) / 2)}" y="${base + 38}" text-anchor="middle">${xTitle}</text>`;
  return figureFile(margins, title, note, [axes, drawSeries(series, atX, atY, [margins.top, base])]);
}

function drawSeries(
  series: readonly AccuracySeries[],
  atX: (value: number) => number,
  atY: (value: number) => number,
  [low, high]: readonly [number, number],
): Markup[] {
  const ends = series.map(({ points }) => points.at(-1)!);
  const labels = spreadLabels(
    ends.map(({ accuracy }) => atY(accuracy)),
    LABEL_GAP,
    low,
    high,
  );
  return series.map(({ label, points }, i) => {
    const path = points
      .map(({ x, accuracy }, k) => `${k === 0 ? "M" : "L"}${px(atX(x))} ${px(atY(accuracy))}`)
      .join("");
    const dots = points.map(({ x, accuracy, title }) => dot(atX(x), atY(accuracy), i, title));
    return html`${points.length > 1 && html`<path class="line ${strokeOf(i)}" d="${path}"/>`}${dots}<text class="${fillOf(i)}" x="${px(atX(ends[i]!.x) + 10)}" y="${px(labels[i]! + 4)}">${label}</text>`;
  });
}

/** Smallest and largest value, with a share of their distance to both sides. */
function padded(values: readonly number[], share: number): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = (high - low || 1) * share;
  return [low - margin, high + margin];
}
