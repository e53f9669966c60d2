// What all charts share: a frame with room for its labels, scales and ticks. Charts are inline SVG; colours are the page's CSS variables, so
// that they follow light and dark.
import { type HtmlValue, html, type Markup, px } from "./html.ts";

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Wide enough for two charts beside each other, small enough that its text can be read on a telephone. */
export const CHART: Frame = { width: 440, height: 270, left: 46, right: 20, top: 12, bottom: 40 };

export type Scale = (value: number) => number;

/** Domain to pixels. */
export function scale(low: number, high: number, from: number, to: number): Scale {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

export function scaleX(frame: Frame, low: number, high: number): Scale {
  return scale(low, high, frame.left, frame.width - frame.right);
}

/** Upwards. */
export function scaleY(frame: Frame, low: number, high: number): Scale {
  return scale(low, high, frame.height - frame.bottom, frame.top);
}

/** About `count` round numbers from `low` to `high`. */
export function ticks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.99)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

export interface AxisTick {
  readonly at: number;
  readonly text: string;
}

export interface AxesOptions {
  readonly x: readonly AxisTick[];
  readonly y: readonly AxisTick[];
  readonly xTitle?: string;
}

/** Horizontal grid lines with their values, a base line with its own. Ticks are in pixels. */
export function drawAxes(frame: Frame, { x, y, xTitle }: AxesOptions): Markup {
  const right = frame.width - frame.right;
  const base = frame.height - frame.bottom;
  return html`<g class="axes">${y.map(
    ({ at, text }) =>
      html`<line x1="${frame.left}" x2="${right}" y1="${px(at)}" y2="${px(at)}"/><text x="${frame.left - 7}" y="${px(at + 4)}" text-anchor="end">${text}</text>`,
  )}<line class="base" x1="${frame.left}" x2="${right}" y1="${base}" y2="${base}"/>${x.map(
    ({ at, text }) => html`<text x="${px(at)}" y="${base + 17}" text-anchor="middle">${text}</text>`,
  )}${
    xTitle !== undefined &&
    html`<text x="${px((frame.left + right) / 2)}" y="${frame.height - 5}" text-anchor="middle">${xTitle}</text>`
  }</g>`;
}

/** A chart with its title and, where there is one, its legend. */
export function figure(
  frame: Frame,
  title: string,
  content: HtmlValue,
  legend: readonly { readonly name: string; readonly series: string }[] = [],
): Markup {
  return html`<figure class="chart"><figcaption><strong>${title}</strong>${
    legend.length > 0 &&
    html`<span class="legend">${legend.map(({ name, series }) => html`<span class="key ${series}">${name}</span>`)}</span>`
  }</figcaption><svg viewBox="0 0 ${frame.width} ${frame.height}" role="img" aria-label="${title}">${content}</svg></figure>
`;
}

/** A line through points in pixels. */
export function line(points: readonly (readonly [x: number, y: number])[], series: string): Markup {
  const path = points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${px(x)} ${px(y)}`).join("");
  return html`<path class="line ${series}" d="${path}"/>`;
}
