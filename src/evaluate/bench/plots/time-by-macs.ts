// The time of a picture against the products that papers count, and the line that the machine's matrix products draw: how far a model is above
// it tells how much of its time goes elsewhere.
import { html, type Markup, px } from "../../report/html.ts";
import type { BenchReport, BenchRow } from "../report.ts";
import { dot, figureFile, fillOf, type Margins, seriesOf, spreadLabels, strokeOf, textWidth } from "./figure.ts";
import { drawLogAxes, type LogScale, logScale } from "./log-axes.ts";

const LABEL_GAP = 15;

/** Rows of one batch, on one device, whose products are counted. */
export function drawTimeByMacs(
  rows: readonly BenchRow[],
  limit: BenchReport["limits"][number] | undefined,
  note: string,
): string {
  const series = seriesOf(rows.filter(({ macs }) => macs !== undefined));
  const room = Math.min(260, Math.max(...series.map(({ label }) => textWidth(label))) + 24);
  const margins: Margins = { width: 760, height: 460, left: 62, right: room, top: 70, bottom: 74 };
  const counted = series.flatMap((one) => one.rows);
  const macs = counted.map(gigas);
  const floor = (g: number) => (limit === undefined ? Number.NaN : (2000 * g) / limit.gflops); // milliseconds
  const times = counted.map(msOf);
  const floors = limit === undefined ? [] : [Math.min(...macs), Math.max(...macs)].map(floor);
  const x = logScale(macs, margins.left, margins.width - margins.right);
  const y = logScale([...times, ...floors], margins.height - margins.bottom, margins.top);
  const ends = series.map((one) => one.rows.at(-1)!);
  const labels = spreadLabels(
    ends.map((row) => y.at(msOf(row))),
    LABEL_GAP,
    margins.top,
    margins.height - margins.bottom,
  );
  const marks = series.map(({ label, rows: own }, i) => {
    const path = own.map((row, k) => `${k === 0 ? "M" : "L"}${px(x.at(gigas(row)))} ${px(y.at(msOf(row)))}`).join("");
    const dots = own.map((row) =>
      dot(
        x.at(gigas(row)),
        y.at(msOf(row)),
        i,
        `${label}, ${row.width} x ${row.height}: ${gigas(row).toPrecision(3)} GMACs, ${msOf(row).toPrecision(3)} ms`,
      ),
    );
    return html`${own.length > 1 && html`<path class="line ${strokeOf(i)}" d="${path}"/>`}${dots}`;
  });
  // After all lines, so that none runs over a name.
  const names = series.map(
    ({ label }, i) =>
      html`<text class="label ${fillOf(i)}" x="${px(x.at(gigas(ends[i]!)) + 10)}" y="${px(labels[i]! + 4)}">${label}</text>`,
  );
  const bound = limit !== undefined && drawBound(x, y, floor, limit.gflops);
  const axes = drawLogAxes(margins, x, y, { x: "multiply-accumulates of a picture, G", y: "milliseconds a picture" });
  return figureFile(margins, "Time against multiply-accumulates", note, [axes, bound, marks, names]);
}

/** What the products alone would take, with its name below: hardly anything is faster, so there is room. */
function drawBound(x: LogScale, y: LogScale, floor: (gigas: number) => number, gflops: number): Markup {
  const [from, to] = [x.low, x.high].map((g) => [px(x.at(g)), px(y.at(floor(g)))] as const) as [Point, Point];
  const middle = Math.sqrt(x.low * x.high);
  const textX = px(x.at(middle) + 10);
  const textY = px(y.at(floor(middle)) + 16);
  return html`<line class="limit" x1="${from[0]}" y1="${from[1]}" x2="${to[0]}" y2="${to[1]}"/><text class="label quiet" x="${textX}" y="${textY}">matrix products, ${gflops.toFixed(0)} GFLOP/s</text>`;
}

type Point = readonly [x: number, y: number];

function gigas({ macs = 0 }: BenchRow): number {
  return macs / 1e9;
}

function msOf({ ms, batch }: BenchRow): number {
  return ms.median / batch;
}
