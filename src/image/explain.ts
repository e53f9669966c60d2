// Where a model looked, as one picture: a map of how densely it looked, then a panel for each stage with every token's region and sampling
// points. All of it is drawn over the original picture, also where the model's view is only a part of that.
import { UsageError } from "../errors.ts";
import {
  type Color,
  copyPicture,
  createPicture,
  distinctColor,
  fade,
  fillDisc,
  fillRectangle,
  paste,
  type Rectangle,
  strokeRectangle,
} from "./draw.ts";
import { heatColor, overlayHeat, pointDensity } from "./heat-map.ts";
import type { RawImage } from "./raw-image.ts";
import { resample } from "./resample.ts";
import { drawText, fitText, textHeight, textWidth } from "./text.ts";
import type { ViewToPicture } from "./transform.ts";

/** What one stage of a sparse model looked at. Coordinates are parts of the model's view, 0 to 1, and may lie outside of it. */
export interface GazeStage {
  readonly name: string;
  readonly tokens: number;
  /** tokens x 4: x1, y1, x2, y2. */
  readonly regions: Float32Array;
  readonly pointsPerToken: number;
  /** tokens x pointsPerToken x 2: x, y. */
  readonly points?: Float32Array;
}

/** Where a model looked, stage by stage, and where its view lies on the picture. */
export interface Gaze {
  readonly stages: readonly GazeStage[];
  readonly viewToPicture: ViewToPicture;
}

export interface DrawGazeOptions {
  /** Lines above the panels, the first one largest: the predictions. */
  readonly headline?: readonly string[];
  /** Longest side of the picture within a panel, in pixels. Default 480; smaller pictures are enlarged to it. */
  readonly panelSize?: number;
  /** Panels in a row. Default: what fills a landscape sheet best. */
  readonly columns?: number;
  /**
   * "kind" (default) draws all regions in one colour and all points in another, which shows where the looking goes; "token" gives each token
   * its own colour in all panels, which lets a token be followed.
   */
  readonly colorBy?: "kind" | "token";
}

const PAPER: Color = [24, 26, 30];
const INK: Color = [240, 240, 236];
const FAINT_INK: Color = [160, 164, 170];
const MARGIN = 12;
const CAPTION_SCALE = 2;
const REGION_COLOR: Color = [88, 196, 255];
const POINT_COLOR: Color = [255, 214, 64];
/** A panel is at least this wide, so that its caption can be read. */
const LEAST_PANEL = 288;

/**
 * Draws a gaze over its picture.
 *
 * @returns a new picture: headline, density map, one panel per stage.
 * @example await encodePng(drawGaze(image, gaze, { headline: ["guinea pig 83 %", "hamster 9 %"] }))
 */
export function drawGaze(image: RawImage, gaze: Gaze, options: DrawGazeOptions = {}): RawImage {
  gaze.stages.forEach(checkStage);
  const colorBy = options.colorBy ?? "kind";
  const picture = scaleToPanel(image, options.panelSize ?? 480);
  const density: Panel = {
    title: "where it looked",
    picture: drawDensity(picture, gaze),
    drawDetail: drawScale,
  };
  const stages = gaze.stages.map(
    (stage): Panel => ({
      title: stage.name,
      picture: drawStage(picture, stage, gaze.viewToPicture, colorBy),
      drawDetail: (sheet, x, y, width) => drawCounts(sheet, stage, colorBy, x, y, width),
    }),
  );
  return composePanels([density, ...stages], options);
}

function checkStage(stage: GazeStage): void {
  const points = stage.tokens * stage.pointsPerToken;
  if (stage.regions.length !== stage.tokens * 4 || (stage.points !== undefined && stage.points.length !== points * 2))
    throw new UsageError(
      `gaze stage "${stage.name}": ${stage.tokens} tokens of ${stage.pointsPerToken} points do not fit ${stage.regions.length} region and ${stage.points?.length ?? 0} point coordinates`,
    );
}

function scaleToPanel(image: RawImage, panelSize: number): RawImage {
  const scale = panelSize / Math.max(image.width, image.height);
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return resample(image, side(image.width), side(image.height), { filter: "bicubic" });
}

function drawDensity(picture: RawImage, gaze: Gaze): RawImage {
  const panel = copyPicture(picture);
  const last = gaze.stages.at(-1);
  fade(panel, 0.7, 0.85);
  if (last === undefined) return panel;
  const { scaleX, scaleY, offsetX, offsetY } = gaze.viewToPicture;
  const looked = (last.points ?? regionCenters(last)).map((value, i) =>
    i % 2 === 0 ? value * scaleX + offsetX : value * scaleY + offsetY,
  );
  // A field of about 160 cells is finer than the Gaussians are wide.
  const cells = 160 / Math.max(panel.width, panel.height);
  const width = Math.max(1, Math.round(panel.width * cells));
  const height = Math.max(1, Math.round(panel.height * cells));
  const sigma = last.points === undefined ? 0.06 : 0.025;
  overlayHeat(panel, pointDensity(looked, width, height, sigma));
  drawView(panel, gaze.viewToPicture);
  return panel;
}

function regionCenters(stage: GazeStage): Float32Array {
  return Float32Array.from({ length: stage.tokens * 2 }, (_, i) => {
    const corner = Math.floor(i / 2) * 4 + (i % 2);
    return (stage.regions[corner]! + stage.regions[corner + 2]!) / 2;
  });
}

function drawStage(picture: RawImage, stage: GazeStage, map: ViewToPicture, colorBy: "kind" | "token"): RawImage {
  const panel = copyPicture(picture);
  fade(panel, 0.3, 0.6);
  const toX = (x: number) => (x * map.scaleX + map.offsetX) * panel.width;
  const toY = (y: number) => (y * map.scaleY + map.offsetY) * panel.height;
  const unit = Math.max(panel.width, panel.height) / 480;
  for (let token = 0; token < stage.tokens; token++) {
    const [x1, y1, x2, y2] = stage.regions.subarray(token * 4, token * 4 + 4);
    const color = colorBy === "token" ? distinctColor(token) : REGION_COLOR;
    strokeRectangle(panel, [toX(x1!), toY(y1!), toX(x2!), toY(y2!)], color, { alpha: 0.6, thickness: 1.2 * unit });
  }
  for (let i = 0; i < countPoints(stage); i++) {
    const color = colorBy === "token" ? distinctColor(Math.floor(i / stage.pointsPerToken)) : POINT_COLOR;
    fillDisc(panel, toX(stage.points![i * 2]!), toY(stage.points![i * 2 + 1]!), 1.1 * unit, color, 0.9);
  }
  drawView(panel, map);
  return panel;
}

const countPoints = (stage: GazeStage): number =>
  stage.points === undefined ? 0 : stage.tokens * stage.pointsPerToken;

/** A frame around what the model saw, when that is not the whole picture. */
function drawView(panel: RawImage, map: ViewToPicture): void {
  const frame: Rectangle = [
    map.offsetX * panel.width,
    map.offsetY * panel.height,
    (map.offsetX + map.scaleX) * panel.width,
    (map.offsetY + map.scaleY) * panel.height,
  ];
  const isPart = frame[0] > 1 || frame[1] > 1 || frame[2] < panel.width - 1 || frame[3] < panel.height - 1;
  if (isPart) strokeRectangle(panel, frame, INK, { alpha: 0.6, thickness: 1 });
}

interface Panel {
  readonly title: string;
  readonly picture: RawImage;
  /** Draws the line below the title. */
  readonly drawDetail: (sheet: RawImage, x: number, y: number, width: number) => void;
}

function composePanels(panels: readonly Panel[], options: DrawGazeOptions): RawImage {
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

/** How many there are, in the colours that they are drawn in: the legend. */
function drawCounts(
  sheet: RawImage,
  stage: GazeStage,
  colorBy: "kind" | "token",
  x: number,
  y: number,
  width: number,
): void {
  const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  const regions = fitText(plural(stage.tokens, "region"), width, CAPTION_SCALE);
  drawText(sheet, regions, x, y, CAPTION_SCALE, colorBy === "kind" ? REGION_COLOR : FAINT_INK);
  if (stage.points === undefined) return;
  const indent = textWidth(`${regions} `, CAPTION_SCALE) + CAPTION_SCALE;
  const points = fitText(plural(countPoints(stage), "point"), width - indent, CAPTION_SCALE);
  drawText(sheet, points, x + indent, y, CAPTION_SCALE, colorBy === "kind" ? POINT_COLOR : FAINT_INK);
}

/** What the colours of the density map mean. */
function drawScale(sheet: RawImage, x: number, y: number): void {
  const barWidth = 80;
  const barLeft = x + textWidth("less", CAPTION_SCALE) + 8;
  drawText(sheet, "less", x, y, CAPTION_SCALE, FAINT_INK);
  for (let i = 0; i < barWidth; i++)
    fillRectangle(sheet, [barLeft + i, y, barLeft + i + 1, y + 7 * CAPTION_SCALE], heatColor(i / (barWidth - 1)));
  drawText(sheet, "more", barLeft + barWidth + 8, y, CAPTION_SCALE, FAINT_INK);
}
