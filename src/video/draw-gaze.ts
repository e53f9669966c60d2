// A frame with where the model looked: what it looked at stays light, regions are drawn as boxes that come and go, points as dots.
import { type Color, copyPicture, fillDisc, strokeRectangle } from "../image/draw.ts";
import { pointDensity, spotlight } from "../image/heat-map.ts";
import type { RawImage } from "../image/raw-image.ts";
import type { MomentaryGaze } from "./gaze.ts";

/** The colours that pictures with a gaze have, too (image/explain.ts). */
export const REGION_COLOR: Color = [88, 196, 255];
export const POINT_COLOR: Color = [255, 214, 64];

/** Cells of the field of light along the longer side: finer than the Gaussians are wide. */
const CELLS = 120;

/** A new picture; `looked` is in 0..1 of it. */
export function drawGazeOnFrame(picture: RawImage, looked: MomentaryGaze): RawImage {
  const image = copyPicture(picture);
  const { width, height } = image;
  const cells = CELLS / Math.max(width, height);
  const [across, down] = [Math.max(1, Math.round(width * cells)), Math.max(1, Math.round(height * cells))];
  const sees = looked.points.length > 0;
  const places = sees ? looked.points : looked.regions.flatMap(([x1, y1, x2, y2]) => [(x1 + x2) / 2, (y1 + y2) / 2]);
  const weights = sees ? looked.pointWeights : looked.regionWeights;
  spotlight(image, pointDensity(places, across, down, sees ? 0.03 : 0.08, weights));
  const unit = Math.max(width, height) / 480;
  looked.regions.forEach(([x1, y1, x2, y2], i) => {
    const box = [x1 * width, y1 * height, x2 * width, y2 * height] as const;
    strokeRectangle(image, box, REGION_COLOR, { alpha: 0.6 * looked.regionWeights[i]!, thickness: 1.2 * unit });
  });
  for (const [i, weight] of looked.pointWeights.entries()) {
    const [x, y] = [looked.points[2 * i]! * width, looked.points[2 * i + 1]! * height];
    fillDisc(image, x, y, 1.1 * unit, POINT_COLOR, 0.85 * weight);
  }
  return image;
}
