// What all plots share: a page of their own with its colours, readable on light and dark ground, and texts that do not run into each other.
import { type HtmlValue, html, Markup, px } from "../../report/html.ts";
import type { BenchRow } from "../report.ts";

/** Width and height of a plot and what is kept free around it, in pixels. */
export interface Margins {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Colours that can be told apart, also by most people who see fewer of them (after Okabe and Ito), for light and for dark ground. */
const PALETTE: readonly (readonly [light: string, dark: string])[] = [
  ["#0b62b8", "#6cb2ff"],
  ["#c2500a", "#ff9f5a"],
  ["#1d7f4e", "#5fd0a0"],
  ["#a1327f", "#f094d3"],
  ["#7a6a00", "#e3cf4a"],
  ["#5b4bb5", "#b3a6ff"],
  ["#00747f", "#58d0da"],
  ["#8c3b2a", "#f2a08e"],
];

const STYLE = `
svg { color-scheme: light dark; }
.paper { fill: #ffffff; } .ink { fill: #1b1e23; } .quiet { fill: #5d636d; } .grid { stroke: #e2dfd9; } .base { stroke: #5d636d; }
.limit { stroke: #5d636d; stroke-dasharray: 5 4; fill: none; }
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
.title { font-size: 15px; font-weight: 600; } .small { font-size: 11px; }
.label { paint-order: stroke; stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } .edge { stroke: #ffffff; stroke-width: 1; }
${PALETTE.map(([light], i) => `.f${i} { fill: ${light}; } .l${i} { stroke: ${light}; }`).join("\n")}
.f-other { fill: #9a9ea6; } .on { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
.paper { fill: #14161a; } .ink { fill: #e9e7e2; } .quiet { fill: #9da3ad; } .grid { stroke: #31353c; } .base { stroke: #9da3ad; }
.limit { stroke: #9da3ad; } .edge, .label { stroke: #14161a; } .f-other { fill: #6d727b; } .on { fill: #0e1013; }
${PALETTE.map(([, dark], i) => `.f${i} { fill: ${dark}; } .l${i} { stroke: ${dark}; }`).join("\n")}
}
`;

/** The class that fills a shape or text with the colour of series `i`. */
export function fillOf(i: number): string {
  return `f${i % PALETTE.length}`;
}

/** The class that draws a line in the colour of series `i`. */
export function strokeOf(i: number): string {
  return `l${i % PALETTE.length}`;
}

/** A whole SVG file. `note` stands small below the plot. */
export function figureFile(margins: Margins, title: string, note: string, content: HtmlValue): string {
  const { width, height } = margins;
  const svg = html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}"><title>${title}</title><style>${new Markup(STYLE)}</style><rect class="paper" width="${width}" height="${height}" rx="8"/><text class="title ink" x="20" y="30">${title}</text>${content}<text class="small quiet" x="20" y="${height - 12}">${note}</text></svg>
`;
  return svg.text;
}

/** Shares of the font's size that letters are wide, at most, in fonts that browsers take for system-ui. */
const WIDTHS: readonly (readonly [letters: RegExp, width: number])[] = [
  [/[mwMW%@…]/, 0.95],
  [/[A-Z]/, 0.72],
  [/[ijltfr.,:;'|()/ ]/, 0.4],
  [/./, 0.64],
];

/** About how wide a text is, in pixels; rather too much than too little. */
export function textWidth(text: string, size = 12): number {
  let width = 0;
  for (const letter of text) width += size * WIDTHS.find(([letters]) => letters.test(letter))![1];
  return width;
}

/**
 * Heights for labels that want to be at `wanted`, moved apart until none is nearer to the next than `gap`.
 *
 * @returns in the order of `wanted`
 */
export function spreadLabels(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]!);
  const placed = [...wanted];
  let previous = Number.NEGATIVE_INFINITY;
  for (const i of order) {
    placed[i] = Math.max(wanted[i]!, previous + gap, low);
    previous = placed[i]!;
  }
  let next = high + gap;
  for (const i of order.toReversed()) {
    placed[i] = Math.min(placed[i]!, next - gap);
    next = placed[i]!;
  }
  return placed;
}

/** A model's name without the way to its file. */
export function modelLabel(model: string): string {
  if (model.startsWith("saccade/")) return model;
  return model
    .replace(/[/\\]+$/, "")
    .replace(/^.*[/\\]/, "")
    .replace(/\.(onnx|pth|pt|safetensors)$/, "");
}

/** Rows that are one line of a plot: a model, in one precision. */
export interface Series {
  readonly label: string;
  /** From small to large pictures. */
  readonly rows: readonly BenchRow[];
}

export function seriesOf(rows: readonly BenchRow[]): Series[] {
  return [...groupBy(rows, ({ model }) => model)].flatMap(([model, own]) => {
    const byPrecision = groupBy(own, ({ precision }) => precision);
    return [...byPrecision].map(([precision, same]) => ({
      label: byPrecision.size > 1 ? `${modelLabel(model)}, ${precision}` : modelLabel(model),
      rows: same.toSorted((a, b) => a.height * a.width - b.height * b.width),
    }));
  });
}

/** In the order in which keys first appear. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** A dot with what it stands for, for people who point at it. */
export function dot(x: number, y: number, series: number, title: string): Markup {
  return html`<circle class="edge ${fillOf(series)}" cx="${px(x)}" cy="${px(y)}" r="4.5"><title>${title}</title></circle>`;
}
