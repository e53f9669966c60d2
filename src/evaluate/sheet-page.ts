// Sheets as SVG and as HTML: text that stays text, in the typefaces of whoever looks at it.
import type { Color } from "../image/draw.ts";
import { heatColor } from "../image/heat-map.ts";
import {
  FAINT_INK,
  HEAT_SCALE_LINES,
  HEAT_SCALE_WORDS,
  INK,
  layOutSheet,
  NOTE_INK,
  PAPER,
  type Panel,
  type PlacedText,
  type Sheet,
  type SheetLayout,
} from "../image/sheet.ts";
import { shorten } from "../image/text.ts";
import type { Host } from "../platform/host.ts";
import { toBase64 } from "./base64.ts";
import { html, Markup, px } from "./report/html.ts";

/** What systems have; the last ones are for labels in other scripts and for emoji. */
export const TYPEFACES =
  "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', 'DejaVu Sans', sans-serif, emoji";
/** Size of letters and their base line, in lines. */
const LETTERS = 0.78;
const BASE_LINE = 0.76;
/** Text that would not fit is set smaller, down to this part of its size; what still does not fit is cut off. */
const SMALLEST = 0.6;

/** The sheet as an SVG file that needs no other. */
export async function sheetSvg(sheet: Sheet, encodePng: Host["encodePng"]): Promise<string> {
  const layout = layOutSheet(sheet);
  const { width, height } = layout;
  const pictures = await Promise.all(
    layout.pictures.map(async ({ panel, x, y }) => {
      const { picture } = panel;
      const uri = await pictureUri(panel, encodePng);
      return html`<image x="${x}" y="${y}" width="${picture.width}" height="${picture.height}" href="${uri}"/>`;
    }),
  );
  const title = html`<title>${sheet.headline.join(", ")}</title>`;
  return svg(layout, html`${title}<rect width="${width}" height="${height}" fill="${rgb(PAPER)}"/>${pictures}`);
}

/** The text of a sheet alone, to be laid over its pictures. */
export function sheetTextSvg(sheet: Sheet): string {
  return svg(layOutSheet(sheet), html``);
}

function svg(layout: SheetLayout, below: Markup): string {
  const { width, height, texts, heatScales } = layout;
  const scaleId = "heat";
  const stops = Array.from(
    { length: 11 },
    (_, i) => html`<stop offset="${i / 10}" stop-color="${rgb(heatColor(i / 10))}"/>`,
  );
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${TYPEFACES}">
<defs><linearGradient id="${scaleId}">${stops}</linearGradient></defs>
${below}
${texts.map(svgText)}
${heatScales.map(({ x, y, lineHeight }) => svgHeatScale(x, y, lineHeight, scaleId))}
</svg>
`.text;
}

function svgText({ spans, x, y, lineHeight, room }: PlacedText): Markup {
  const words = spans.map(({ text }) => text).join("  ");
  const full = LETTERS * lineHeight;
  const size = Math.min(full, Math.max(SMALLEST * full, room / lengthOf(words)));
  const shown = spans.map(({ text, color }) => {
    const most = Math.floor(([...text].length * room) / (lengthOf(words) * size));
    return html`<tspan fill="${rgb(color)}">${shorten(text, most, "…")}</tspan>`;
  });
  const gap = html`<tspan>  </tspan>`;
  const separated = shown.flatMap((span, i) => (i === 0 ? [span] : [gap, span]));
  return html`<text x="${x}" y="${px(y + BASE_LINE * lineHeight)}" font-size="${px(size)}" xml:space="preserve">${separated}</text>
`;
}

/** About how long a text is, in sizes of its letters; which typeface it will be set in nobody knows. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const character of text)
    length +=
      character >= "\u1100"
        ? 1.05
        : /[A-ZMWmw@%]/.test(character)
          ? 0.85
          : /[ .,:;'|!iljtfI]/.test(character)
            ? 0.36
            : 0.62;
  return Math.max(length, 1);
}

function svgHeatScale(x: number, y: number, lineHeight: number, fill: string): Markup {
  const [less, more] = HEAT_SCALE_WORDS;
  const size = LETTERS * lineHeight;
  const left = x + lengthOf(`${less} `) * size;
  const width = HEAT_SCALE_LINES * lineHeight;
  const baseLine = y + BASE_LINE * lineHeight;
  const word = (text: string, at: number) =>
    html`<text x="${px(at)}" y="${px(baseLine)}" font-size="${px(size)}" fill="${rgb(FAINT_INK)}">${text}</text>`;
  return html`${word(less, x)}<rect x="${px(left)}" y="${px(baseLine - 0.6 * lineHeight)}" width="${px(width)}" height="${px(0.6 * lineHeight)}" fill="url(#${fill})"/>${word(more, left + width + 0.4 * size)}
`;
}

/** The sheet as a page: panels stand side by side where there is room, and below each other on a telephone. */
export async function sheetHtml(sheet: Sheet, encodePng: Host["encodePng"]): Promise<string> {
  const [title = "where it looked", ...others] = sheet.headline;
  const panels = await Promise.all(
    sheet.panels.map(
      async (panel) => html`<figure>
<figcaption><b>${panel.title}</b>${detailOf(panel)}</figcaption>
<img src="${await pictureUri(panel, encodePng)}" width="${panel.picture.width}" height="${panel.picture.height}" alt="${panel.title}"/>
</figure>
`,
    ),
  );
  return html`<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${title}</title>
<style>
body { margin: 1rem; background: ${rgb(PAPER)}; color: ${rgb(INK)}; font: 1rem/1.4 ${new Markup(TYPEFACES)}; }
h1 { margin: 0; font-size: 1.8rem; line-height: 1.2; overflow-wrap: anywhere; }
p { margin: 0; color: ${rgb(FAINT_INK)}; overflow-wrap: anywhere; }
p.note { color: ${rgb(NOTE_INK)}; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; margin-top: 1rem; }
figure { margin: 0; }
figcaption { display: flex; flex-wrap: wrap; gap: 0 0.75rem; margin-bottom: 0.25rem; }
img { width: 100%; height: auto; display: block; }
i { display: inline-block; width: 5em; height: 0.7em; margin: 0 0.4em; background: linear-gradient(to right, ${heatStops()}); }
</style>
</head>
<body>
<h1>${title}</h1>
${others.map((line) => html`<p>${line}</p>`)}${sheet.note !== undefined && html`<p class="note">${sheet.note}</p>`}
<main>
${panels}</main>
</body>
</html>
`.text;
}

function detailOf({ detail }: Panel): Markup {
  if (detail !== "heat scale")
    return html`${detail.map(({ text, color }) => html`<span style="color: ${rgb(color)}">${text}</span>`)}`;
  const [less, more] = HEAT_SCALE_WORDS;
  return html`<span style="color: ${rgb(FAINT_INK)}">${less}<i></i>${more}</span>`;
}

const heatStops = (): string => Array.from({ length: 11 }, (_, i) => rgb(heatColor(i / 10))).join(", ");

async function pictureUri({ picture }: Panel, encodePng: Host["encodePng"]): Promise<string> {
  return `data:image/png;base64,${toBase64(await encodePng(picture))}`;
}

export const rgb = (color: Color): string => `rgb(${color.map(Math.round).join(", ")})`;
