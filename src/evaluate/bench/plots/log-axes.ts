// Two logarithmic axes: equal ratios are equal distances, which is what times and sizes are compared by.
import { html, type Markup, px } from "../../report/html.ts";
import type { Margins } from "./figure.ts";

export interface LogScale {
  /** Pixels of a value above 0. */
  at(value: number): number;
  readonly low: number;
  readonly high: number;
}

/** From a little below the smallest value to a little above the largest. */
export function logScale(values: readonly number[], from: number, to: number): LogScale {
  const padding = 1.15;
  const low = Math.min(...values) / padding;
  const high = Math.max(...values) * padding;
  const span = Math.log(high / low);
  return { low, high, at: (value) => from + (Math.log(value / low) / span) * (to - from) };
}

/** Round numbers inside a scale: 1, 2 and 5 times powers of ten, or only the powers where that would be many. */
export function logTicks({ low, high }: Pick<LogScale, "low" | "high">): number[] {
  const steps = Math.log10(high / low) > 2.5 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    for (const step of steps) {
      // Powers of ten below one are not exact; rounding keeps 0.2 from being 0.2000…1.
      const tick = Number((step * 10 ** power).toPrecision(1));
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  return ticks;
}

/** 0.05, 2, 500, 2k. */
export function tickText(value: number): string {
  return value >= 10_000 ? `${value / 1000}k` : String(value);
}

export interface AxesTitles {
  readonly x: string;
  readonly y: string;
}

/** Grid, ticks and titles. `xTicks` are values of the scale; default round numbers. */
export function drawLogAxes(
  margins: Margins,
  x: LogScale,
  y: LogScale,
  titles: AxesTitles,
  xTicks: readonly number[] = logTicks(x),
): Markup {
  const { width, height, left, right, top, bottom } = margins;
  const end = width - right;
  const base = height - bottom;
  const rows = logTicks(y).map(
    (value) =>
      html`<line class="grid" x1="${left}" x2="${end}" y1="${px(y.at(value))}" y2="${px(y.at(value))}"/><text class="quiet" x="${left - 8}" y="${px(y.at(value) + 4)}" text-anchor="end">${tickText(value)}</text>`,
  );
  const columns = xTicks.map(
    (value) =>
      html`<line class="grid" x1="${px(x.at(value))}" x2="${px(x.at(value))}" y1="${top}" y2="${base}"/><text class="quiet" x="${px(x.at(value))}" y="${base + 18}" text-anchor="middle">${tickText(value)}</text>`,
  );
  return html`<g>${rows}${columns}<line class="base" x1="${left}" x2="${end}" y1="${base}" y2="${base}"/><text class="quiet" x="${px((left + end) / 2)}" y="${base + 38}" text-anchor="middle">${titles.x}</text><text class="quiet" x="20" y="${top - 12}">${titles.y}</text></g>`;
}
