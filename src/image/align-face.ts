// Faces as models of faces want them: turned, scaled and moved by a similarity transform, so that five points of the face come to lie where they lie
// in every picture that the model was trained on. Two ways: by the middles of eyes and mouth, as Light CNN's (AlfredXiangWu/face_verification_experiment,
// code/face_db_align.m), or by the least squares of all five points (Umeyama, 1991) onto the places that ArcFace's data has (deepinsight/insightface).
import { LimitError, UsageError } from "../errors.ts";
import { type AffineMatrix, affine } from "./augment-affine.ts";
import type { RawImage } from "./raw-image.ts";
import { resample } from "./resample.ts";

/** Column and row; the middle of the first pixel is 0, 0, as detectors and cv2 count. */
export type Point = readonly [x: number, y: number];

/** Left eye, right eye, nose, left and right corner of the mouth, as the picture shows them: the left eye is the one further left. */
export type FacePoints = readonly [leftEye: Point, rightEye: Point, nose: Point, leftMouth: Point, rightMouth: Point];

export const FACE_ALIGNMENTS = ["eyes-mouth", "five-points"] as const;
/**
 * - "eyes-mouth": eyes level, their middle in the middle column, the middle of the mouth so much lower
 * - "five-points": all five points as near to their places as they get together
 */
export type FaceAlignment = (typeof FACE_ALIGNMENTS)[number];

export interface AlignFaceOptions {
  /** Side of the aligned picture, pixels. Default 128. */
  readonly size?: number;
  /** Default "eyes-mouth". */
  readonly alignment?: FaceAlignment;
  /** Of "eyes-mouth": the row of the eyes' middle, pixels. Default 40 of 128. */
  readonly eyesRow?: number;
  /** Of "eyes-mouth": from the eyes' middle down to the mouth's, pixels. Default 48 of 128. */
  readonly eyesToMouth?: number;
}

/** Turning and scaling as a complex number, and what is added: `x' = a x - b y + tx`, `y' = b x + a y + ty`. */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly tx: number;
  readonly ty: number;
}

/** Of a model that sees 128 x 128 pixels; pictures that are cropped from 144 x 144 have the eyes in row 48. */
const EYES_MOUTH = { size: 128, eyesRow: 40, eyesToMouth: 48 };
/** Where the points lie in a picture of 112 x 112 pixels. */
const FIVE_POINTS: { readonly size: number; readonly places: FacePoints } = {
  size: 112,
  places: [
    [38.2946, 51.6963],
    [73.5318, 51.5014],
    [56.0252, 71.7366],
    [41.5493, 92.3655],
    [70.7299, 92.2041],
  ],
};
/** Points further away than this are no part of any picture. */
const FARTHEST = 1e6;
const LARGEST_SIDE = 4096;

/**
 * A face, aligned: size x size pixels, black where the picture ends.
 *
 * @param points on the upright picture
 * @throws UsageError for points that are none of a face, LimitError for a size beyond 4096
 * @example const face = alignFace(image, [[61, 70], [110, 68], [86, 95], [66, 120], [105, 118]], { size: 128 });
 */
export function alignFace(image: RawImage, points: FacePoints, options: AlignFaceOptions = {}): RawImage {
  const { size = EYES_MOUTH.size } = options;
  if (!Number.isInteger(size) || size < 1)
    throw new UsageError(`an aligned face has a whole number of pixels, got ${size}`);
  if (size > LARGEST_SIDE) throw new LimitError("the side of an aligned face", size, LARGEST_SIDE, "pixels");
  return warp(image, faceSimilarity(points, options), size);
}

/**
 * For points from outside, which may be of another size of the picture: a face may stick out, by less than the picture is large, and not with all of it.
 *
 * @throws UsageError
 */
export function requireFaceOnPicture({ width, height }: RawImage, points: FacePoints): void {
  const isNear = ([x, y]: Point, margin: number) =>
    x >= -margin * width && x < (1 + margin) * width && y >= -margin * height && y < (1 + margin) * height;
  const far = points.find((point) => !isNear(point, 1));
  const what = far === undefined ? "the face" : `the point ${far.join(", ")}`;
  if (far !== undefined || !points.some((point) => isNear(point, 0)))
    throw new UsageError(`${what} is not on the picture of ${width} x ${height} pixels`, ORDER);
}

/** What `alignFace` does to a point of the picture. Throws UsageError for points that are none of a face. */
export function faceSimilarity(points: FacePoints, options: AlignFaceOptions = {}): Similarity {
  const { size = EYES_MOUTH.size, alignment = "eyes-mouth" } = options;
  requireFacePoints(points);
  const found =
    alignment === "five-points"
      ? similarityBetween(
          points,
          FIVE_POINTS.places.map(([x, y]) => [(x * size) / FIVE_POINTS.size, (y * size) / FIVE_POINTS.size]),
        )
      : eyesMouth(points, size, options);
  const scale = Math.hypot(found.a, found.b);
  if (scale > 0 && Object.values(found).every(Number.isFinite)) return found;
  throw new UsageError("the five points lie on one place, and a face is larger", ORDER);
}

/**
 * The similarity transform, without mirroring, that takes points nearest to others: the least sum of squared distances.
 *
 * @throws UsageError for fewer than two points, or as many as there are not others
 */
export function similarityBetween(from: readonly Point[], to: readonly Point[]): Similarity {
  if (from.length !== to.length || from.length < 2)
    throw new UsageError(
      `a similarity transform needs two or more points and as many others, got ${from.length} and ${to.length}`,
    );
  const [fromX, fromY] = mean(from);
  const [toX, toY] = mean(to);
  let [along, across, spread] = [0, 0, 0];
  for (const [i, point] of from.entries()) {
    const [x, y] = [point[0] - fromX, point[1] - fromY];
    const [u, v] = [to[i]![0] - toX, to[i]![1] - toY];
    along += x * u + y * v;
    across += x * v - y * u;
    spread += x * x + y * y;
  }
  const [a, b] = [along / spread, across / spread];
  return { a, b, tx: toX - a * fromX + b * fromY, ty: toY - b * fromX - a * fromY };
}

/** The official script rounds to whole pixels on its way; here nothing is rounded. */
function eyesMouth(points: FacePoints, size: number, options: AlignFaceOptions): Similarity {
  const share = size / EYES_MOUTH.size;
  const { eyesRow = EYES_MOUTH.eyesRow * share, eyesToMouth = EYES_MOUTH.eyesToMouth * share } = options;
  const [left, right, , leftMouth, rightMouth] = points;
  const [eyeX, eyeY] = mean([left, right]);
  const [mouthX, mouthY] = mean([leftMouth, rightMouth]);
  const between = Math.hypot(right[0] - left[0], right[1] - left[1]);
  const [cos, sin] = [(right[0] - left[0]) / between, (right[1] - left[1]) / between];
  // Turned back by the angle of the eyes.
  const down = cos * (mouthY - eyeY) - sin * (mouthX - eyeX);
  if (!(between > 0) || !(down > 0))
    throw new UsageError("the mouth is not below the eyes once these are level", ORDER);
  const scale = eyesToMouth / down;
  const [a, b] = [scale * cos, -scale * sin];
  return { a, b, tx: Math.floor(size / 2) - a * eyeX + b * eyeY, ty: eyesRow - b * eyeX - a * eyeY };
}

const ORDER = "the points are left eye, right eye, nose, left and right corner of the mouth, as the picture shows them";

/**
 * Five points that may be a face's.
 *
 * @throws UsageError for another number of points, and for numbers that are none or lie outside of any picture
 */
export function requireFacePoints(points: readonly Point[]): FacePoints {
  if (points.length !== 5) throw new UsageError(`a face has five points, got ${points.length}`, ORDER);
  const bad = points.flat().find((value) => !(Math.abs(value) <= FARTHEST));
  if (bad !== undefined) throw new UsageError(`${bad} is no place on a picture`, ORDER);
  const [leftEye, rightEye, nose, leftMouth, rightMouth] = points as unknown as FacePoints;
  return [leftEye, rightEye, nose, leftMouth, rightMouth];
}

function mean(points: readonly Point[]): [number, number] {
  const sum = (axis: 0 | 1) => points.reduce((total, point) => total + point[axis], 0);
  return [sum(0) / points.length, sum(1) / points.length];
}

/** The picture moved, bicubic; what is made smaller is shrunk before, so that no detail turns into noise. */
function warp(image: RawImage, similarity: Similarity, size: number): RawImage {
  const scale = Math.hypot(similarity.a, similarity.b);
  const shrunk = scale < 1 ? shrink(image, scale) : image;
  const [scaleX, scaleY] = [shrunk.width / image.width, shrunk.height / image.height];
  // From the aligned picture back to the one it is taken from, both in pixels from their edges.
  const { a, b, tx, ty } = similarity;
  const squared = a * a + b * b;
  const back = (x: number, y: number): Point => {
    const [u, v] = [x - 0.5 - tx, y - 0.5 - ty];
    return [scaleX * ((a * u + b * v) / squared + 0.5), scaleY * ((a * v - b * u) / squared + 0.5)];
  };
  const [originX, originY] = back(0, 0);
  const [rightX, rightY] = back(1, 0);
  const [downX, downY] = back(0, 1);
  const matrix: AffineMatrix = [rightX - originX, downX - originX, originX, rightY - originY, downY - originY, originY];
  return affine(shrunk, matrix, { filter: "bicubic", fill: [0, 0, 0], size: { width: size, height: size } });
}

function shrink(image: RawImage, scale: number): RawImage {
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return resample(image, side(image.width), side(image.height), { filter: "bicubic" });
}
