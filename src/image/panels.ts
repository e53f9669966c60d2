// Sheets of pictures that explain something: a headline, and panels with captions in rows. What is in the panels is others' affair.
import { type Color, createPicture, paste } from "./draw.ts";
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

export const PAPER: Color = [24, 26, 30];
export const INK: Color = [240, 240, 236];
export const FAINT_INK: Color = [160, 164, 170];
export const CAPTION_SCALE = 2;
const MARGIN = 12;
/** A panel is at least this wide, so that its caption can be read. */
const LEAST_PANEL = 288;
const DEFAULT_PANEL = 480;

/** A picture at the size that panels have. */
export function scaleToPanel(image: RawImage, { panelSize = DEFAULT_PANEL }: SheetOptions): RawImage {
  const scale = panelSize / Math.max(image.width, image.height);
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return resample(image, side(image.width), side(image.height), { filter: "bicubic" });
}

/** One picture with a title and a line of detail. */
export interface Panel {
  readonly title: string;
  readonly picture: RawImage;
  /** Draws the line below the title. */
  readonly drawDetail: (sheet: RawImage, x: number, y: number, width: number) => void;
}

/** The sheet: the headline, then the panels in rows. The first panel's picture sets the size of all. */
export function composePanels(panels: readonly Panel[], options: SheetOptions): RawImage {
  const { width, height } = panels[0]!.picture;
  const lineHeight = textHeight(CAPTION_SCALE) + 2;
  const cellWidth = Math.max(width, LEAST_PANEL) + MARGIN;
  const cellHeight = 2 * lineHeight + height + MARGIN;
  const columns = Math.min(options.columns ?? bestColumns(panels.length, cellWidth / cellHeight), panels.length);
  const sheetWidth = MARGIN + columns * cellWidth;
  const headline = layOutHeadline(options.headline ?? [], sheetWidth - 2 * MARGIN);
  const top = headline.reduce((sum, line) => sum + textHeight(line.scale) + 6, MARGIN + (headline.length > 0 ? 8 : 0));
  const sheet = createPicture(sheetWidth, top + Math.ceil(panels.length / columns) * cellHeight, PAPER);
  let y = MARGIN;
  for (const [i, line] of headline.entries()) {
    drawText(sheet, line.text, MARGIN, y, line.scale, i === 0 ? INK : FAINT_INK);
    y += textHeight(line.scale) + 6;
  }
  for (const [i, panel] of panels.entries()) {
    const left = MARGIN + (i % columns) * cellWidth;
    const cellTop = top + Math.floor(i / columns) * cellHeight;
    const room = cellWidth - MARGIN;
    drawText(sheet, fitText(panel.title, room, CAPTION_SCALE), left, cellTop, CAPTION_SCALE, INK);
    panel.drawDetail(sheet, left, cellTop + lineHeight, room);
    paste(panel.picture, sheet, left, cellTop + 2 * lineHeight);
  }
  return sheet;
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

/** The first line is larger than the others; smaller where it would not fit. */
function layOutHeadline(lines: readonly string[], width: number): { text: string; scale: number }[] {
  return lines.map((text, i) => {
    const scale = i > 0 ? 2 : ([4, 3].find((size) => textWidth(text, size) <= width) ?? 2);
    return { text: fitText(text, width, scale), scale };
  });
}
