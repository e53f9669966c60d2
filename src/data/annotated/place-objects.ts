// Annotations follow their picture: where boxes, outlines and maps of classes lie on what an augmentation made of it.
import { type Box, boxArea, clipBox } from "../../boxes/box.ts";
import { eachRun, maskPixels } from "../../boxes/masks.ts";
import { type Polygon, polygonMask } from "../../boxes/polygons.ts";
import { FormatError } from "../../errors.ts";
import { composeMaps, invertMap, keepsAxes, mapPoint } from "../../image/affine-map.ts";
import type { AffineMatrix } from "../../image/augment-affine.ts";
import type { PictureSize } from "../../image/raw-image.ts";
import { type AnnotatedObject, IGNORED, type ObjectMask, type PictureAnnotations } from "../annotations.ts";

/** Of a box less than that must be left on the view for it to be asked for, and at least a pixel each way. */
const LEAST_SEEN = 0.1;

/**
 * The things of a picture in its pixels.
 *
 * @param picture the upright picture's size
 * @throws FormatError when they were made on a picture of another size
 */
export function objectsInPixels(annotations: PictureAnnotations, picture: PictureSize): readonly AnnotatedObject[] {
  const { size, unit, objects } = annotations;
  if (size !== undefined && (size.width !== picture.width || size.height !== picture.height)) {
    const isTurned = size.width === picture.height && size.height === picture.width;
    throw new FormatError(
      "annotations",
      `they are of a picture of ${size.width} x ${size.height}, and it is ${picture.width} x ${picture.height}`,
      isTurned
        ? { hint: "the camera's orientation is applied here: turn the file's pixels, or annotate it upright" }
        : {},
    );
  }
  if (unit === "pixels") return objects;
  const { width, height } = picture;
  return objects.map(({ box: [x0, y0, x1, y1], mask, ...rest }) => ({
    ...rest,
    box: [x0 * width, y0 * height, x1 * width, y1 * height],
    ...(mask === undefined ? {} : { mask: moveMask(mask, [width, 0, 0, 0, height, 0]) }),
  }));
}

/** A thing on a view. */
export interface PlacedObject {
  readonly object: AnnotatedObject;
  /** Inside the view, in its pixels. */
  readonly box: Box;
}

/**
 * What is left of the things on a view, in their order; of more than `most` the largest.
 *
 * @param map from the picture's pixels to the view's
 */
export function placeObjects(
  objects: readonly AnnotatedObject[],
  map: AffineMatrix,
  view: PictureSize,
  most: number,
): readonly PlacedObject[] {
  const placed = objects.flatMap((object): PlacedObject[] => {
    if (object.isIgnored === true) return [];
    const whole = moveBox(object, map);
    const box = clipBox(whole, view);
    const isSeen = box[2] - box[0] >= 1 && box[3] - box[1] >= 1 && boxArea(box) >= LEAST_SEEN * boxArea(whole);
    return isSeen ? [{ object, box }] : [];
  });
  if (placed.length <= most) return placed;
  const smallest = placed.map(({ box }) => boxArea(box)).sort((a, b) => b - a)[most - 1]!;
  return placed.filter(({ box }) => boxArea(box) >= smallest).slice(0, most);
}

/** Where sides do not stay upright, the box around what is known of the outline. */
function moveBox({ box, mask }: AnnotatedObject, map: AffineMatrix): Box {
  const hull = new Hull();
  const add = (x: number, y: number) => hull.add(...mapPoint(map, x, y));
  if (keepsAxes(map) || mask === undefined) addRectangle(box[0], box[1], box[2], box[3], add);
  else if ("polygons" in mask)
    for (const polygon of mask.polygons) for (let i = 0; i < polygon.length; i += 2) add(polygon[i]!, polygon[i + 1]!);
  else eachRun(mask, (x, y0, y1) => addRectangle(x, y0, x + 1, y1, add));
  return hull.box;
}

function addRectangle(x0: number, y0: number, x1: number, y1: number, add: (x: number, y: number) => void): void {
  add(x0, y0);
  add(x1, y0);
  add(x0, y1);
  add(x1, y1);
}

/** The smallest box around points. */
class Hull {
  #box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];

  add(x: number, y: number): void {
    const [x0, y0, x1, y1] = this.#box;
    this.#box = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x), Math.max(y1, y)];
  }

  get box(): Box {
    return this.#box;
  }
}

/** Outlines are moved; runs are not, because their pixels are looked up instead. */
function moveMask(mask: ObjectMask, map: AffineMatrix): ObjectMask {
  return "polygons" in mask ? { polygons: mask.polygons.map((polygon) => movePolygon(polygon, map)) } : mask;
}

function movePolygon(polygon: Polygon, map: AffineMatrix): Polygon {
  const moved = new Array<number>(polygon.length);
  for (let i = 0; i < polygon.length; i += 2) {
    const [x, y] = mapPoint(map, polygon[i]!, polygon[i + 1]!);
    moved[i] = x;
    moved[i + 1] = y;
  }
  return moved;
}

/**
 * A thing's pixels on a view, row by row, 1 where it is. One without an outline fills its box.
 *
 * @param map from the picture's pixels to the view's
 * @param size of what is made: the view's, or smaller
 */
export function placeMask(
  object: AnnotatedObject,
  map: AffineMatrix,
  view: PictureSize,
  size: PictureSize,
): Uint8Array {
  const scaled = scaledTo(map, view, size);
  const { mask, box } = object;
  if (mask !== undefined && !("polygons" in mask)) {
    const pixels = new Uint8Array(size.width * size.height);
    const source = maskPixels(mask);
    eachPixel(mask, scaled, size, (at, from) => {
      pixels[at] = from === OFF ? 0 : source[from]!;
    });
    return pixels;
  }
  const [x0, y0, x1, y1] = box;
  const polygons = mask?.polygons ?? [[x0, y0, x1, y0, x1, y1, x0, y1]];
  const moved = polygons.map((polygon) => movePolygon(polygon, scaled));
  return maskPixels(polygonMask(moved, size, "a picture"));
}

const scaledTo = (map: AffineMatrix, view: PictureSize, size: PictureSize): AffineMatrix =>
  composeMaps(map, [size.width / view.width, 0, 0, 0, size.height / view.height, 0]);

/** In place of a pixel, where a view shows nothing of the picture. */
const OFF = -1;

/** Every pixel of a view with the picture's that it shows, both by their places, row by row. */
function eachPixel(
  picture: PictureSize,
  map: AffineMatrix,
  size: PictureSize,
  visit: (at: number, from: number) => void,
): void {
  const back = invertMap(map);
  for (let y = 0, at = 0; y < size.height; y++)
    for (let x = 0; x < size.width; x++, at++) {
      const [sourceX, sourceY] = mapPoint(back, x + 0.5, y + 0.5);
      const isOn = sourceX >= 0 && sourceY >= 0 && sourceX < picture.width && sourceY < picture.height;
      visit(at, isOn ? Math.floor(sourceY) * picture.width + Math.floor(sourceX) : OFF);
    }
}

/** A map of classes on a view; 255 where the view shows nothing of the picture. */
export function placeSemantic(
  values: Uint8Array,
  picture: PictureSize,
  map: AffineMatrix,
  view: PictureSize,
  size: PictureSize,
): BigInt64Array {
  const out = new BigInt64Array(size.width * size.height);
  eachPixel(picture, scaledTo(map, view, size), size, (at, from) => {
    out[at] = BigInt(from === OFF ? IGNORED : values[from]!);
  });
  return out;
}

/**
 * A map of classes made of things with outlines: smaller ones lie on larger ones.
 *
 * @param background the class of pixels where nothing is; absent where nothing is known of them
 */
export function semanticOfObjects(
  objects: readonly AnnotatedObject[],
  picture: PictureSize,
  map: AffineMatrix,
  view: PictureSize,
  size: PictureSize,
  background = IGNORED,
): BigInt64Array {
  const out = new BigInt64Array(size.width * size.height);
  eachPixel(picture, scaledTo(map, view, size), size, (at, from) => {
    out[at] = BigInt(from === OFF ? IGNORED : background);
  });
  const bySize = [...objects].sort((a, b) => boxArea(b.box) - boxArea(a.box));
  for (const object of bySize) {
    const label = BigInt(object.isIgnored === true ? IGNORED : object.label);
    for (const [at, isIn] of placeMask(object, map, view, size).entries()) if (isIn === 1) out[at] = label;
  }
  return out;
}
