// Accuracy over what it costs: a line a way of looking, over the number of looks or over milliseconds.
import { ticks } from "../../report/axes.ts";
import { html, type Markup, px } from "../../report/html.ts";
import { dot, figureFile, fillOf, type Margins, strokeOf, textWidth } from "./figure.ts";

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
  const frame: Box = { left: margins.left, right: margins.width, top: margins.top - 16, bottom: base };
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
  return figureFile(margins, title, note, [axes, drawSeries(series, atX, atY, frame)]);
}

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Where a label may stand, from its line's last point, the best first: dx and dy in pixels, and which end of the text is there. */
const PLACES = [
  { dx: 10, dy: 4, anchor: "start" },
  { dx: 10, dy: -6, anchor: "start" },
  { dx: 10, dy: 15, anchor: "start" },
  { dx: 0, dy: -11, anchor: "middle" },
  { dx: -10, dy: -6, anchor: "end" },
  { dx: -10, dy: 4, anchor: "end" },
  { dx: 0, dy: 20, anchor: "middle" },
  { dx: 10, dy: 26, anchor: "start" },
  { dx: 10, dy: -17, anchor: "start" },
] as const;

function drawSeries(
  series: readonly AccuracySeries[],
  atX: (value: number) => number,
  atY: (value: number) => number,
  frame: Box,
): Markup[] {
  const lines = series.map(({ points }) => points.map(({ x, accuracy }): Point => ({ x: atX(x), y: atY(accuracy) })));
  const dots = lines.flat();
  const strokes = lines.flatMap((line) => line.slice(1).flatMap((end, k) => alongStroke(line[k]!, end)));
  const taken: Box[] = [];
  return series.map(({ label, points }, i) => {
    const line = lines[i]!;
    const end = line.at(-1)!;
    const troubleOf = (box: Box) =>
      10 * taken.filter((other) => overlap(box, other)).length +
      5 * dots.filter((point) => holds(box, point, 6)).length +
      strokes.filter((point) => holds(box, point, 0)).length +
      (box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom ? 100 : 0);
    const candidates = PLACES.map((place) => {
      const box = boxOf(end, place, textWidth(label));
      return { ...place, box, trouble: troubleOf(box) };
    });
    const best = candidates.reduce((a, b) => (b.trouble < a.trouble ? b : a));
    taken.push(best.box);
    const path = line.map(({ x, y }, k) => `${k === 0 ? "M" : "L"}${px(x)} ${px(y)}`).join("");
    const circles = line.map(({ x, y }, k) => dot(x, y, i, points[k]!.title));
    return html`${line.length > 1 && html`<path class="line ${strokeOf(i)}" d="${path}"/>`}${circles}<text class="${fillOf(i)}" x="${px(end.x + best.dx)}" y="${px(end.y + best.dy)}" text-anchor="${best.anchor}">${label}</text>`;
  });
}

/** The room that a label takes. */
function boxOf({ x, y }: Point, { dx, dy, anchor }: (typeof PLACES)[number], width: number): Box {
  const left = x + dx - (anchor === "start" ? 0 : anchor === "middle" ? width / 2 : width);
  return { left, right: left + width, top: y + dy - 10, bottom: y + dy + 3 };
}

const overlap = (a: Box, b: Box) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

const holds = ({ left, right, top, bottom }: Box, { x, y }: Point, radius: number) =>
  x > left - radius && x < right + radius && y > top - radius && y < bottom + radius;

/** A point every few pixels of a stroke. */
function alongStroke(from: Point, to: Point): Point[] {
  const count = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / 4);
  return Array.from({ length: count }, (_, k) => ({
    x: from.x + ((to.x - from.x) * k) / count,
    y: from.y + ((to.y - from.y) * k) / count,
  }));
}

/** Smallest and largest value, with a share of their distance to both sides. */
function padded(values: readonly number[], share: number): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = (high - low || 1) * share;
  return [low - margin, high + margin];
}
