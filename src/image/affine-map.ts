// Where points of a picture go when it is flipped, cropped, scaled or turned: affine maps, which boxes and masks follow.
import type { AffineMatrix } from "./augment-affine.ts";
import type { RawImage } from "./raw-image.ts";
import type { ViewToPicture } from "./transform.ts";

/** A picture that was made of another, and where that one's points are on it; undefined where no map says it. */
export interface MovedPicture {
  readonly image: RawImage;
  readonly map: AffineMatrix | undefined;
}

/** Nothing moves. */
export const IDENTITY_MAP: AffineMatrix = [1, 0, 0, 0, 1, 0];

/** Where a map takes a point. Coordinates are pixels with fractions: pixel i covers i to i + 1. */
export function mapPoint([a, b, c, d, e, f]: AffineMatrix, x: number, y: number): readonly [x: number, y: number] {
  return [a * x + b * y + c, d * x + e * y + f];
}

/** `first`, and then `second` of what it gives. */
export function composeMaps(first: AffineMatrix, second: AffineMatrix): AffineMatrix {
  const [a, b, c, d, e, f] = first;
  const [p, q, r, s, t, u] = second;
  return [p * a + q * d, p * b + q * e, p * c + q * f + r, s * a + t * d, s * b + t * e, s * c + t * f + u];
}

/** The way back. The map must not flatten the picture. */
export function invertMap([a, b, c, d, e, f]: AffineMatrix): AffineMatrix {
  const determinant = a * e - b * d;
  const [p, q, s, t] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  return [p, q, -(p * c + q * f), s, t, -(s * c + t * f)];
}

/** Whether rectangles stay rectangles with upright sides. */
export function keepsAxes([, b, , d]: AffineMatrix): boolean {
  return b === 0 && d === 0;
}

/** From a picture's pixels to those of the view that a transform makes of it. */
export function mapOfView(
  { scaleX, scaleY, offsetX, offsetY }: ViewToPicture,
  picture: { readonly width: number; readonly height: number },
  view: { readonly width: number; readonly height: number },
): AffineMatrix {
  const [x, y] = [view.width / (scaleX * picture.width), view.height / (scaleY * picture.height)];
  return [x, 0, -offsetX * picture.width * x, 0, y, -offsetY * picture.height * y];
}
