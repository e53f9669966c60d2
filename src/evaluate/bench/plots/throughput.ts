// Pictures a second against resolution, a line a model.
import { html, px } from "../../report/html.ts";
import type { BenchRow } from "../report.ts";
import { dot, figureFile, fillOf, type Margins, seriesOf, spreadLabels, strokeOf, textWidth } from "./figure.ts";
import { drawLogAxes, logScale } from "./log-axes.ts";

const LABEL_GAP = 15;

/** Rows of one batch, on one device, at several sizes. */
export function drawThroughput(rows: readonly BenchRow[], note: string): string {
  const series = seriesOf(rows);
  const room = Math.min(260, Math.max(...series.map(({ label }) => textWidth(label))) + 24);
  const margins: Margins = { width: 760, height: 460, left: 62, right: room, top: 70, bottom: 74 };
  const sizes = [...new Set(rows.map(sizeOf))].sort((a, b) => a - b);
  const x = logScale(sizes, margins.left, margins.width - margins.right);
  const y = logScale(
    rows.map((row) => row.pictures_per_second),
    margins.height - margins.bottom,
    margins.top,
  );
  const ends = series.map((one) => one.rows.at(-1)!);
  const labels = spreadLabels(
    ends.map((row) => y.at(row.pictures_per_second)),
    LABEL_GAP,
    margins.top,
    margins.height - margins.bottom,
  );
  const lines = series.map(({ label, rows: own }, i) => {
    const points = own.map((row) => [px(x.at(sizeOf(row))), px(y.at(row.pictures_per_second))] as const);
    const path = points.map(([a, b], k) => `${k === 0 ? "M" : "L"}${a} ${b}`).join("");
    const dots = own.map((row) =>
      dot(
        x.at(sizeOf(row)),
        y.at(row.pictures_per_second),
        i,
        `${label}, ${row.width} x ${row.height}: ${row.pictures_per_second.toPrecision(3)} pictures/s`,
      ),
    );
    return html`<path class="line ${strokeOf(i)}" d="${path}"/>${dots}`;
  });
  // After all lines, so that none runs over a name.
  const names = series.map(
    ({ label }, i) =>
      html`<text class="label ${fillOf(i)}" x="${px(x.at(sizeOf(ends[i]!)) + 10)}" y="${px(labels[i]! + 4)}">${label}</text>`,
  );
  const axes = drawLogAxes(margins, x, y, { x: "pixels of a side", y: "pictures a second" }, sizes);
  return figureFile(margins, "Throughput against resolution", note, [axes, lines, names]);
}

/** The side of a square of as many pixels. */
function sizeOf({ height, width }: BenchRow): number {
  return Math.round(Math.sqrt(height * width));
}
