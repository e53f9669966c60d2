// Things, segments and their names drawn over their picture: masks as tints with an outline, boxes as frames, names on small plates. Where the names stand is
// decided here; in which typeface they are set is decided by who makes a file of it.
import { type Color, copyPicture, fillRectangle, strokeRectangle } from "../image/draw.ts";
import type { PictureSize, RawImage } from "../image/raw-image.ts";
import { resample } from "../image/resample.ts";
import { drawText, textHeight, textWidth } from "../image/text.ts";
import { type Box, sharedArea } from "./box.ts";
import { eachRun, type Mask, maskPixels, resizeMask } from "./masks.ts";

/** Something on a picture. */
export interface DrawnPart {
  /** "sheep 93 %"; empty for none. */
  readonly name: string;
  readonly color: Color;
  /** In pixels of the picture. Without one, only the mask is drawn. */
  readonly box?: Box | undefined;
  readonly mask?: Mask | undefined;
  /** A broken frame: what is there but was not found. */
  readonly dashed?: boolean | undefined;
}

/** A name on its plate. */
export interface Tag {
  readonly text: string;
  readonly color: Color;
  /** Top left corner of the plate. */
  readonly x: number;
  readonly y: number;
}

/** A picture with everything on it but the names. */
export interface PartDrawing {
  readonly image: RawImage;
  readonly tags: readonly Tag[];
  /** Height of a plate in pixels. */
  readonly lineHeight: number;
}

export interface DrawPartsOptions {
  /** The longer side of the drawing in pixels is at least and at most about so long; pictures between are drawn as they are. Default 640 and 1600. */
  readonly sides?: readonly [least: number, most: number];
  /** How strongly masks tint what is under them, 0..1. Default 0.45. */
  readonly tint?: number;
}

const DARK_INK: Color = [14, 16, 20];
const LIGHT_INK: Color = [255, 255, 255];
const SHADE: Color = [0, 0, 0];

/** What a plate of that colour is written on with. */
export function tagInk([red, green, blue]: Color): Color {
  return 0.299 * red + 0.587 * green + 0.114 * blue < 120 ? LIGHT_INK : DARK_INK;
}

/** Parts over a copy of their picture: the largest first, so that none hides another. */
export function drawParts(
  picture: RawImage,
  parts: readonly DrawnPart[],
  { sides = [640, 1600], tint = 0.45 }: DrawPartsOptions = {},
): PartDrawing {
  const long = Math.max(picture.width, picture.height);
  const scale = Math.min(Math.max(long, sides[0]), sides[1]) / long;
  const size = scale === 1 ? picture : scaledSize(picture, scale);
  const image =
    size.width === picture.width && size.height === picture.height
      ? copyPicture(picture)
      : resample(picture, size.width, size.height, { filter: "bicubic" });
  const lineHeight = Math.max(18, Math.round(Math.max(image.width, image.height) / 42));
  const thickness = Math.max(2, lineHeight / 8);
  const [across, down] = [image.width / picture.width, image.height / picture.height];
  const placed = parts
    .map(({ box, mask, ...part }) => ({
      ...part,
      box: box === undefined ? undefined : ([box[0] * across, box[1] * down, box[2] * across, box[3] * down] as const),
      mask: mask === undefined ? undefined : resizeMask(mask, image),
    }))
    .sort((a, b) => extent(b) - extent(a));
  for (const { mask, color } of placed) if (mask !== undefined) drawMask(image, mask, color, tint, thickness / 2);
  for (const { box, color, dashed } of placed) {
    if (box === undefined) continue;
    if (dashed === true) dashedRectangle(image, box, color, thickness);
    else {
      strokeRectangle(image, box, SHADE, { thickness: thickness + 2, alpha: 0.4 });
      strokeRectangle(image, box, color, { thickness });
    }
  }
  // On a picture that is lower than a name, a name would hide all of it.
  const hasRoom = Math.min(image.width, image.height) >= lineHeight;
  return { image, tags: hasRoom ? placeTags(image, placed, lineHeight) : [], lineHeight };
}

/** Of a short side, a rounded pixel is so large a part that the other side must follow it. */
const MOST_DISTORTED = 0.01;

/** A picture's size times `scale` in whole pixels, in its proportions. */
function scaledSize({ width, height }: PictureSize, scale: number): PictureSize {
  const short = Math.min(width, height);
  const rounded = Math.max(1, Math.round(short * scale));
  const exact = Math.abs(rounded / (short * scale) - 1) > MOST_DISTORTED ? rounded / short : scale;
  const size = (side: number) => Math.max(1, Math.round(side * exact));
  return { width: size(width), height: size(height) };
}

interface PlacedPart extends Omit<DrawnPart, "box"> {
  readonly box: Box | undefined;
}

function extent({ box, mask }: PlacedPart): number {
  if (mask !== undefined) return mask.counts.reduce((sum, count, i) => sum + (i % 2) * count, 0);
  return box === undefined ? 0 : (box[2] - box[0]) * (box[3] - box[1]);
}

/** A tint, and an outline inside it. */
function drawMask(image: RawImage, mask: Mask, color: Color, tint: number, outline: number): void {
  const pixels = maskPixels(mask);
  const { width, height } = mask;
  const reach = Math.max(2, Math.round(outline));
  const isIn = (x: number, y: number) => x >= 0 && x < width && y >= 0 && y < height && pixels[y * width + x] === 1;
  eachRun(mask, (x, y0, y1) => {
    for (let y = y0; y < y1; y++) {
      const isEdge = !isIn(x - reach, y) || !isIn(x + reach, y) || !isIn(x, y - reach) || !isIn(x, y + reach);
      const share = isEdge ? 0.9 : tint;
      const at = 3 * (y * width + x);
      for (let i = 0; i < 3; i++)
        image.data[at + i] = image.data[at + i]! + (color[i]! - image.data[at + i]!) * share + 0.5;
    }
  });
}

function dashedRectangle(image: RawImage, [x0, y0, x1, y1]: Box, color: Color, thickness: number): void {
  const dash = 4 * thickness;
  const starts = (from: number, to: number) =>
    Array.from({ length: Math.max(0, Math.ceil((to - from) / (2 * dash))) }, (_, i) => from + 2 * i * dash);
  const stroke = (half: number, ink: Color, alpha: number) => {
    for (const y of [y0, y1])
      for (const x of starts(x0, x1)) fillRectangle(image, [x, y - half, Math.min(x + dash, x1), y + half], ink, alpha);
    for (const x of [x0, x1])
      for (const y of starts(y0, y1)) fillRectangle(image, [x - half, y, x + half, Math.min(y + dash, y1)], ink, alpha);
  };
  stroke(thickness / 2 + 1, SHADE, 0.4);
  stroke(thickness / 2, color, 1);
}

/** Above the frame, else inside it, else below, wherever no other plate is; of a mask in its middle. */
function placeTags(image: RawImage, parts: readonly PlacedPart[], lineHeight: number): Tag[] {
  const taken: Box[] = [];
  const tags: Tag[] = [];
  // Small things have no other place for their names.
  for (const part of [...parts].reverse()) {
    if (part.name === "") continue;
    const width = plateWidth(part.name, lineHeight);
    const onPicture = (x: number, y: number): Box => {
      const left = Math.max(0, Math.min(x, image.width - width));
      const top = Math.max(0, Math.min(y, image.height - lineHeight));
      return [left, top, left + width, top + lineHeight];
    };
    const places = placesOf(part, lineHeight).map(([x, y]) =>
      onPicture(x - (part.box === undefined ? width / 2 : 0), y),
    );
    const hidden = (place: Box) => taken.reduce((sum, other) => sum + sharedArea(place, other), 0);
    const best = places.reduce((a, b) => (hidden(b) < hidden(a) ? b : a));
    taken.push(best);
    tags.push({ text: part.name, color: part.color, x: Math.round(best[0]), y: Math.round(best[1]) });
  }
  return tags;
}

function placesOf({ box, mask }: PlacedPart, lineHeight: number): readonly (readonly [x: number, y: number])[] {
  if (box !== undefined) {
    const [x0, y0, x1, y1] = box;
    const above: readonly [number, number] = [x0, y0 - lineHeight];
    const inside: readonly (readonly [number, number])[] = [
      [x0, y0],
      [x0, y1 - lineHeight],
    ];
    const others: readonly (readonly [number, number])[] = [
      [x0, y1],
      [x1, y0],
      [x1, y1 - lineHeight],
    ];
    return y0 >= lineHeight ? [above, ...inside, ...others] : [...inside, ...others, above];
  }
  if (mask === undefined) return [[0, 0]];
  // The longest stretches of columns are in the thick of it.
  const stretches: (readonly [length: number, x: number, y: number])[] = [];
  eachRun(mask, (x, y0, y1) => stretches.push([y1 - y0, x, (y0 + y1) / 2]));
  stretches.sort(([a], [b]) => b - a);
  const thick = stretches.slice(0, Math.max(1, Math.ceil(stretches.length / 8))).sort(([, a], [, b]) => a - b);
  const [, x, y] = thick[Math.floor(thick.length / 2)] ?? [0, 0, 0];
  const others = [-2, 2, -4, 4].map((lines) => [x, y + lines * 0.6 * lineHeight - lineHeight / 2] as const);
  return [[x, y - lineHeight / 2], ...others];
}

/** About how wide a name is in whatever typeface, with its margins. */
function plateWidth(text: string, lineHeight: number): number {
  return [...text].length * 0.5 * lineHeight + 0.6 * lineHeight;
}

/** The names in the typeface of image/text.ts, drawn into the picture. */
export function paintTags({ image, tags, lineHeight }: PartDrawing): RawImage {
  const scale = Math.max(1, Math.floor((lineHeight - 2) / textHeight(1)));
  const margin = 2 * scale;
  for (const { text, color, x, y } of tags) {
    const width = textWidth(text, scale) + 2 * margin;
    const left = Math.max(0, Math.min(x, image.width - width));
    fillRectangle(image, [left, y, left + width, y + lineHeight], color);
    drawText(image, text, left + margin, y + Math.round((lineHeight - 7 * scale) / 2), scale, tagInk(color));
  }
  return image;
}
