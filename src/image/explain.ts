// Where a model looked, as one picture: a map of how densely it looked, then a panel for each stage with every token's region and sampling
// points. All of it is drawn over the original picture, also where the model's view is only a part of that.
import { UsageError } from "../errors.ts";
import { type Color, copyPicture, distinctColor, fade, fillDisc, type Rectangle, strokeRectangle } from "./draw.ts";
import { overlayHeat, pointDensity } from "./heat-map.ts";
import { type Pixels, rgbPixels } from "./pixels.ts";
import type { RawImage } from "./raw-image.ts";
import { describeUnseen, seenShare } from "./seen-share.ts";
import {
  FAINT_INK,
  INK,
  type Panel,
  paintSheet,
  type Sheet,
  type SheetOptions,
  type Span,
  scaleToPanel,
} from "./sheet.ts";
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
  /** Where the views lie, if there are several; the stages are then of the whole picture, as `viewToPicture` says. */
  readonly views?: readonly ViewToPicture[];
}

export interface DrawGazeOptions extends SheetOptions {
  /**
   * "kind" (default) draws all regions in one colour and all points in another, which shows where the looking goes; "token" gives each token
   * its own colour in all panels, which lets a token be followed.
   */
  readonly colorBy?: "kind" | "token";
}

const REGION_COLOR: Color = [88, 196, 255];
const POINT_COLOR: Color = [255, 214, 64];

/**
 * Draws a gaze over its picture.
 *
 * @returns a new picture: headline, density map, one panel per stage.
 * @example
 * const classifier = await Classifier.load("saccade/photographs");
 * const { gaze } = await classifier.classify(image, { explain: true });
 * if (gaze) await writeFile("looked.png", await encodePng(drawGaze(image, gaze, { headline: ["guinea pig 83 %"] })));
 */
export function drawGaze(image: Pixels, gaze: Gaze, options: DrawGazeOptions = {}): RawImage {
  return paintSheet(gazeSheet(image, gaze, options));
}

/** What `drawGaze` draws. */
export function gazeSheet(image: Pixels, gaze: Gaze, options: DrawGazeOptions = {}): Sheet {
  gaze.stages.forEach(checkStage);
  const colorBy = options.colorBy ?? "kind";
  const picture = scaleToPanel(rgbPixels(image), options);
  const density: Panel = { title: "where it looked", picture: drawDensity(picture, gaze), detail: "heat scale" };
  const stages = gaze.stages.map(
    (stage): Panel => ({
      title: stage.name,
      picture: drawStage(picture, stage, gaze, colorBy),
      detail: countsOf(stage, colorBy),
    }),
  );
  return {
    headline: options.headline ?? [],
    note: describeUnseen(seenShare(viewsOf(gaze))),
    panels: [density, ...stages],
    columns: options.columns,
  };
}

const viewsOf = ({ viewToPicture, views = [viewToPicture] }: Gaze) => views;

function checkStage(stage: GazeStage): void {
  const points = stage.tokens * stage.pointsPerToken;
  if (stage.regions.length !== stage.tokens * 4 || (stage.points !== undefined && stage.points.length !== points * 2))
    throw new UsageError(
      `gaze stage "${stage.name}": ${stage.tokens} tokens of ${stage.pointsPerToken} points do not fit ${stage.regions.length} region and ${stage.points?.length ?? 0} point coordinates`,
    );
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
  drawViews(panel, gaze);
  return panel;
}

function regionCenters(stage: GazeStage): Float32Array {
  return Float32Array.from({ length: stage.tokens * 2 }, (_, i) => {
    const corner = Math.floor(i / 2) * 4 + (i % 2);
    return (stage.regions[corner]! + stage.regions[corner + 2]!) / 2;
  });
}

function drawStage(picture: RawImage, stage: GazeStage, gaze: Gaze, colorBy: "kind" | "token"): RawImage {
  const map = gaze.viewToPicture;
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
  drawViews(panel, gaze);
  return panel;
}

const countPoints = (stage: GazeStage): number =>
  stage.points === undefined ? 0 : stage.tokens * stage.pointsPerToken;

function drawViews(panel: RawImage, gaze: Gaze): void {
  for (const view of viewsOf(gaze)) drawView(panel, view);
}

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

/** How many there are, in the colours that they are drawn in: the legend. */
function countsOf(stage: GazeStage, colorBy: "kind" | "token"): Span[] {
  const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  const isByKind = colorBy === "kind";
  const regions = { text: plural(stage.tokens, "region"), color: isByKind ? REGION_COLOR : FAINT_INK };
  if (stage.points === undefined) return [regions];
  return [regions, { text: plural(countPoints(stage), "point"), color: isByKind ? POINT_COLOR : FAINT_INK }];
}
