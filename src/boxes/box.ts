// Boxes: where something is on a picture, and how much two of them agree.
import type { ViewToPicture } from "../image/transform.ts";

/** Left, top, right and bottom in pixels of the user's picture, where pixel i covers i to i + 1. What they enclose is `x1 - x0` wide. */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** Centre and size as shares of a view's width and height: how models say boxes. */
export type RelativeBox = readonly [cx: number, cy: number, width: number, height: number];

/** Left, top, width and height in pixels: how COCO's files say boxes. */
export type CocoBox = readonly [x: number, y: number, width: number, height: number];

/** What a box encloses, in square pixels; 0 where its corners are the wrong way round. */
export function boxArea([x0, y0, x1, y1]: Box): number {
  return Math.max(0, x1 - x0) * Math.max(0, y1 - y0);
}

/** What both enclose, in square pixels. */
export function sharedArea(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Intersection over union, 0..1; 0 where both are empty. */
export function boxIou(a: Box, b: Box): number {
  const shared = sharedArea(a, b);
  return shared === 0 ? 0 : shared / (boxArea(a) + boxArea(b) - shared);
}

/**
 * Generalized IoU (Rezatofighi et al., CVPR 2019), -1..1: the IoU less the share of the smallest box around both that neither covers, so that boxes that do not
 * touch still tell how far apart they are.
 */
export function generalizedIou(a: Box, b: Box): number {
  const union = boxArea(a) + boxArea(b) - sharedArea(a, b);
  const hull = boxArea([Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])]);
  if (union === 0 || hull === 0) return hull === 0 ? 0 : -1;
  return boxIou(a, b) - (hull - union) / hull;
}

/** The part of a box that lies on a picture. Its sides may then be of no length. */
export function clipBox(
  [x0, y0, x1, y1]: Box,
  { width, height }: { readonly width: number; readonly height: number },
): Box {
  const x = (value: number) => Math.min(Math.max(value, 0), width);
  const y = (value: number) => Math.min(Math.max(value, 0), height);
  return [x(x0), y(y0), x(x1), y(y1)];
}

export function toCocoBox([x0, y0, x1, y1]: Box): CocoBox {
  return [x0, y0, x1 - x0, y1 - y0];
}

export function fromCocoBox([x, y, width, height]: CocoBox): Box {
  return [x, y, x + width, y + height];
}

/**
 * A box that a model said of its view, on the picture of which that is a view.
 *
 * @param view where the view lies on the picture
 * @param picture its size in pixels
 */
export function onPicture(
  [cx, cy, width, height]: RelativeBox,
  view: ViewToPicture,
  picture: { readonly width: number; readonly height: number },
): Box {
  const x = (value: number) => (value * view.scaleX + view.offsetX) * picture.width;
  const y = (value: number) => (value * view.scaleY + view.offsetY) * picture.height;
  const [left, right] = [x(cx - width / 2), x(cx + width / 2)];
  const [top, bottom] = [y(cy - height / 2), y(cy + height / 2)];
  // Of a mirrored view the right side is the left one.
  return [Math.min(left, right), Math.min(top, bottom), Math.max(left, right), Math.max(top, bottom)];
}

/** The other way round: a box on a picture as the model sees it. */
export function inView(
  [x0, y0, x1, y1]: Box,
  view: ViewToPicture,
  picture: { readonly width: number; readonly height: number },
): RelativeBox {
  const x = (value: number) => (value / picture.width - view.offsetX) / view.scaleX;
  const y = (value: number) => (value / picture.height - view.offsetY) / view.scaleY;
  const [left, right, top, bottom] = [x(x0), x(x1), y(y0), y(y1)];
  return [(left + right) / 2, (top + bottom) / 2, Math.abs(right - left), Math.abs(bottom - top)];
}
