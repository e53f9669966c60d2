// Sheets of pictures that explain something: a headline, and panels with captions in rows. What is in the panels is others' affair. A sheet can be
// painted here (paintSheet), and written as SVG or HTML elsewhere, where viewers bring typefaces.
import { type Color, createPicture, fillRectangle, paste } from "./draw.ts";
import { heatColor } from "./heat-map.ts";
import type { RawImage } from "./raw-image.ts";
import { resample } from "./resample.ts";
import { drawText, fitText, textHeight, textWidth } from "./text.ts";

export interface SheetOptions {
  /** Lines above the panels, the first one largest: the predictions. */
  readonly headline?: readonly string[];
  /** Longest side of the picture within a panel, in pixels. Default 480; smaller pictures are enlarged to it. */
  readonly panelSize?: number;
  /** Panels in a row. Default: what fills a landscape sheet best. */
  readonly columns?: number;
}

/** Words in a colour. */
export interface Span {
  readonly text: string;
  readonly color: Color;
}

/** One picture with a title and a line of detail: words, or what the colours of a heat map mean. */
export interface Panel {
  readonly title: string;
  readonly picture: RawImage;
  readonly detail: readonly Span[] | "heat scale";
}

/** What is on a sheet. All pictures have one size. */
export interface Sheet {
  readonly headline: readonly string[];
  /** A line below the headline that must not be missed. */
  readonly note: string | undefined;
  readonly panels: readonly Panel[];
  readonly columns: number | undefined;
}

export const PAPER: Color = [24, 26, 30];
export const INK: Color = [240, 240, 236];
export const FAINT_INK: Color = [160, 164, 170];
export const NOTE_INK: Color = [255, 176, 92];
const MARGIN = 12;
/** A panel is at least this wide, so that its caption can be read. */
const LEAST_PANEL = 288;
const DEFAULT_PANEL = 480;
/** Height of a line of captions, in sheet widths: on a telephone, 360 pixels wide, letters are still 10 pixels high. */
const LINE_SHARE = 0.034;
const LEAST_LINE = 20;
const HEADLINE_LINES = 1.8;

/** A picture at the size that panels have. */
export function scaleToPanel(image: RawImage, { panelSize = DEFAULT_PANEL }: SheetOptions): RawImage {
  const scale = panelSize / Math.max(image.width, image.height);
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return resample(image, side(image.width), side(image.height), { filter: "bicubic" });
}

/** One line of text: its top left corner, the height of the line, and the room that it must fit into. */
export interface PlacedText {
  readonly spans: readonly Span[];
  readonly x: number;
  readonly y: number;
  readonly lineHeight: number;
  readonly room: number;
}

/** Where everything is, in pixels. */
export interface SheetLayout {
  readonly width: number;
  readonly height: number;
  readonly texts: readonly PlacedText[];
  readonly pictures: readonly { readonly panel: Panel; readonly x: number; readonly y: number }[];
  readonly heatScales: readonly { readonly x: number; readonly y: number; readonly lineHeight: number }[];
}

/** The headline, then the panels in rows. */
export function layOutSheet({ headline, note, panels, columns: wanted }: Sheet): SheetLayout {
  const { width: pictureWidth, height: pictureHeight } = panels[0]!.picture;
  const cellWidth = Math.max(pictureWidth, LEAST_PANEL) + MARGIN;
  const columns = Math.min(wanted ?? bestColumns(panels.length, cellWidth / (pictureHeight + MARGIN)), panels.length);
  const width = MARGIN + columns * cellWidth;
  const lineHeight = Math.max(LEAST_LINE, Math.round(width * LINE_SHARE));
  const cellHeight = 2 * lineHeight + pictureHeight + MARGIN;
  const texts: PlacedText[] = [];
  let y = MARGIN;
  const addLine = (text: string, color: Color, height: number) => {
    texts.push({ spans: [{ text, color }], x: MARGIN, y, lineHeight: height, room: width - 2 * MARGIN });
    y += height;
  };
  for (const [i, line] of headline.entries())
    addLine(line, i === 0 ? INK : FAINT_INK, i === 0 ? Math.round(HEADLINE_LINES * lineHeight) : lineHeight);
  if (note !== undefined) addLine(note, NOTE_INK, lineHeight);
  const top = y + (y > MARGIN ? MARGIN : 0);
  const pictures: SheetLayout["pictures"][number][] = [];
  const heatScales: SheetLayout["heatScales"][number][] = [];
  for (const [i, panel] of panels.entries()) {
    const x = MARGIN + (i % columns) * cellWidth;
    const cellTop = top + Math.floor(i / columns) * cellHeight;
    const room = cellWidth - MARGIN;
    texts.push({ spans: [{ text: panel.title, color: INK }], x, y: cellTop, lineHeight, room });
    const narrow = Math.min(lineHeight, Math.floor(room / HEAT_SCALE_ROOM));
    if (panel.detail === "heat scale") heatScales.push({ x, y: cellTop + lineHeight, lineHeight: narrow });
    else texts.push({ spans: panel.detail, x, y: cellTop + lineHeight, lineHeight, room });
    pictures.push({ panel, x, y: cellTop + 2 * lineHeight });
  }
  return { width, height: top + Math.ceil(panels.length / columns) * cellHeight, texts, pictures, heatScales };
}

/** The number of columns with few empty places and a sheet near 4 : 3. */
function bestColumns(panels: number, cellAspect: number): number {
  const badness = (columns: number) => {
    const rows = Math.ceil(panels / columns);
    return Math.abs(Math.log((columns * cellAspect) / rows / (4 / 3))) + (rows * columns - panels) / panels;
  };
  const candidates = Array.from({ length: panels }, (_, i) => i + 1);
  return candidates.reduce((best, columns) => (badness(columns) < badness(best) ? columns : best), 1);
}

/** What stands at the ends of a heat scale. */
export const HEAT_SCALE_WORDS = ["less", "more"] as const;
/** Length of a heat scale's bar, in lines. */
export const HEAT_SCALE_LINES = 4;
/** Length of all of it, in lines. */
const HEAT_SCALE_ROOM = 10;

/** The sheet as pixels, its text left out. */
export function paintPictures({ width, height, pictures }: SheetLayout): RawImage {
  const sheet = createPicture(width, height, PAPER);
  for (const { panel, x, y } of pictures) paste(panel.picture, sheet, x, y);
  return sheet;
}

/** The sheet as pixels, its text in the typeface of text.ts. */
export function paintSheet(sheet: Sheet): RawImage {
  const layout = layOutSheet(sheet);
  const image = paintPictures(layout);
  for (const text of layout.texts) paintText(image, text);
  for (const scale of layout.heatScales) paintHeatScale(image, scale);
  return image;
}

const scaleOf = (lineHeight: number): number => Math.max(1, Math.floor(lineHeight / textHeight(1)));

/** Smaller where it would not fit, but never smaller than half. */
function paintText(image: RawImage, { spans, x, y, lineHeight, room }: PlacedText): void {
  const whole = spans.map(({ text }) => text).join(" ");
  const largest = scaleOf(lineHeight);
  let scale = largest;
  while (scale > largest / 2 && scale > 1 && textWidth(whole, scale) > room) scale--;
  let left = x;
  for (const { text, color } of spans) {
    const fitting = fitText(text, x + room - left, scale);
    drawText(image, fitting, left, y, scale, color);
    left += textWidth(`${fitting} `, scale) + scale;
  }
}

function paintHeatScale(image: RawImage, { x, y, lineHeight }: SheetLayout["heatScales"][number]): void {
  const scale = scaleOf(lineHeight);
  const [less, more] = HEAT_SCALE_WORDS;
  const left = x + textWidth(`${less} `, scale);
  const barWidth = HEAT_SCALE_LINES * lineHeight;
  drawText(image, less, x, y, scale, FAINT_INK);
  for (let i = 0; i < barWidth; i++)
    fillRectangle(image, [left + i, y, left + i + 1, y + 7 * scale], heatColor(i / (barWidth - 1)));
  drawText(image, more, left + barWidth + 4 * scale, y, scale, FAINT_INK);
}
