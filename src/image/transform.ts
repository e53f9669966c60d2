// From a picture to the numbers a model takes, as torchvision's and timm's evaluation transforms do it (torchvision/transforms/functional.py:
// resize, center_crop, to_tensor, normalize). The same plan tells where a point of the model's view lies on the original picture.
import { LimitError, UsageError } from "../errors.ts";
import { allocate, type TensorData } from "../tensor.ts";
import { rotate } from "./augment-affine.ts";
import { flipHorizontally } from "./augment-crop.ts";
import { DEFAULT_MAX_PIXELS, type PictureSize, type RawImage } from "./raw-image.ts";
import { copyWindow, type PixelWindow, type ResampleFilter, resample } from "./resample.ts";
import type { Transform, TransformOp, Triple } from "./transform-syntax.ts";

export {
  NORMALIZATIONS,
  parseTransform,
  printTransform,
  TRANSFORM_OPS,
  type Transform,
  type TransformOp,
  valueSteps,
} from "./transform-syntax.ts";

/**
 * Where the model's view lies on the original picture. Both are measured from 0 (left, top edge) to 1 (right, bottom edge):
 * `pictureX = viewX * scaleX + offsetX`. Padding makes offsets negative, mirroring scales; of a turned view it says where it would lie upright.
 */
export interface ViewToPicture {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/** What a model may be shown: its memory grows with it, beside that of the picture. 8192 x 8192, more than a 64-megapixel photograph. */
export const MAX_VIEW_PIXELS = 2 ** 26;

type Step =
  | {
      readonly kind: "resize";
      readonly width: number;
      readonly height: number;
      readonly filter: ResampleFilter;
      /** The part of the resized picture that later steps look at. */
      readonly window: PixelWindow;
    }
  | { readonly kind: "crop"; readonly window: PixelWindow }
  | { readonly kind: "mirror" }
  | { readonly kind: "rotate"; readonly degrees: number; readonly fill: Triple }
  | {
      readonly kind: "pad";
      readonly width: number;
      readonly height: number;
      readonly x: number;
      readonly y: number;
      readonly fill: Triple;
    };

/** One axis on the way: `source = position * scale + offset`, both in pixels, pixel i covering i to i + 1. */
interface Axis {
  readonly size: number;
  readonly scale: number;
  readonly offset: number;
}

interface Plan {
  readonly steps: readonly Step[];
  readonly x: Axis;
  readonly y: Axis;
}

/**
 * The size that a picture of `width` x `height` has after the transform.
 *
 * @example transformOutputSize(parseTransform("resize_small(256)|central_crop(224)"), 640, 480) // { width: 224, height: 224 }
 */
export function transformOutputSize(
  transform: Transform,
  width: number,
  height: number,
): { width: number; height: number } {
  const { x, y } = planGeometry(transform, width, height);
  return { width: x.size, height: y.size };
}

/** What a transform makes of every picture, if that is one size. */
export function fixedOutputSize(transform: Transform): PictureSize | undefined {
  const wide = transformOutputSize(transform, 1999, 997);
  const tall = transformOutputSize(transform, 997, 1999);
  return wide.height === tall.height && wide.width === tall.width ? wide : undefined;
}

/** Where the view that the transform makes of a `width` x `height` picture lies on that picture. */
export function viewToPicture(transform: Transform, width: number, height: number): ViewToPicture {
  const { x, y } = planGeometry(transform, width, height);
  return {
    scaleX: (x.scale * x.size) / width,
    scaleY: (y.scale * y.size) / height,
    offsetX: x.offset / width,
    offsetY: y.offset / height,
  };
}

/** The pixels that the model sees, before normalisation, and where they lie on the picture. */
export function transformToRaw(
  image: RawImage,
  transform: Transform,
): { image: RawImage; viewToPicture: ViewToPicture } {
  const { steps } = planView(transform, image);
  return {
    image: steps.reduce(applyStep, image),
    viewToPicture: viewToPicture(transform, image.width, image.height),
  };
}

/** The same from pixels that stand for a picture of another size: `box` says where its edges lie on them. The first step must be a resizing. */
export function transformRendition(
  pixels: RawImage,
  transform: Transform,
  picture: PictureSize,
  box: readonly [number, number, number, number],
): RawImage {
  const { steps } = planView(transform, picture);
  const [first, ...others] = steps;
  if (first?.kind !== "resize") return steps.reduce(applyStep, pixels);
  const { width, height, filter, window } = first;
  return others.reduce(applyStep, resample(pixels, width, height, { filter, window, box }));
}

/** The size that a transform resizes a picture to before anything else; undefined where something else comes first. */
export function firstResize(
  transform: Transform,
  width: number,
  height: number,
): (PictureSize & { readonly filter: ResampleFilter }) | undefined {
  const [first] = planGeometry(transform, width, height).steps;
  return first?.kind === "resize" ? first : undefined;
}

/**
 * A picture as a model's input.
 *
 * @returns (1, 3, height, width), float32, red plane first.
 * @throws LimitError when a step would make a picture larger than 2^28 pixels, or the model would see more than 2^26.
 * @example applyTransform(image, parseTransform("resize_small(256,bicubic)|central_crop(224)|normalize(imagenet)"))
 */
export function applyTransform(image: RawImage, transform: Transform): TensorData<"float32"> {
  const { x, y } = planView(transform, image);
  const [width, height] = [x.size, y.size];
  const out: TensorData<"float32"> = {
    dtype: "float32",
    shape: [1, 3, height, width],
    data: allocate("float32", 3 * height * width),
  };
  applyTransformInto(image, transform, out, 0);
  return out;
}

/**
 * Writes a picture as item `batchIndex` of a batch.
 *
 * @param out (N, 3, height, width).
 * @throws UsageError when the transform's output does not have the batch's height and width.
 */
export function applyTransformInto(
  image: RawImage,
  transform: Transform,
  out: TensorData<"float32">,
  batchIndex: number,
): void {
  const [count, channels, height, width] = out.shape;
  const size = transformOutputSize(transform, image.width, image.height);
  if (out.shape.length !== 4 || channels !== 3 || size.width !== width || size.height !== height)
    throw new UsageError(
      `a picture of 3 x ${size.height} x ${size.width} does not go into a batch of shape [${out.shape.join(", ")}]`,
      "pictures of one batch must come out of the transform with one size: end it with a crop or resize",
    );
  if (!Number.isInteger(batchIndex) || batchIndex < 0 || batchIndex >= count!)
    throw new UsageError(`a batch of ${count} has no item ${batchIndex}`);
  const pixels = transformToRaw(image, transform).image.data;
  const plane = width * height;
  const base = batchIndex * 3 * plane;
  const values = valueTable(transform.at(-1));
  for (let i = 0, at = 0; i < plane; i++, at += 3) {
    out.data[base + i] = values[pixels[at]!]!;
    out.data[base + plane + i] = values[256 + pixels[at + 1]!]!;
    out.data[base + 2 * plane + i] = values[512 + pixels[at + 2]!]!;
  }
}

/** What a model takes for a byte x: (x / 255 - mean) / std. */
export interface PixelNormalization {
  readonly mean: Triple;
  readonly std: Triple;
}

/** What the last operation of a transform says about bytes; undefined for a range of values that has no extent. */
export function pixelNormalization(transform: Transform): PixelNormalization | undefined {
  const last = transform.at(-1);
  if (last?.op === "normalize") return { mean: last.mean, std: last.std };
  const { low, high } = last?.op === "value_range" ? last : { low: 0, high: 1 };
  const extent = high - low;
  if (extent === 0) return undefined;
  const [mean, std] = [-low / extent, 1 / extent];
  return { mean: [mean, mean, mean], std: [std, std, std] };
}

/**
 * Pictures as bytes, before normalisation: what models take that normalise themselves.
 *
 * @returns (N, height, width, 3), in memory of its own
 * @throws UsageError when the pictures come out of the transform with different sizes
 */
export function transformToPixels(images: readonly RawImage[], transform: Transform): TensorData<"uint8"> {
  const views = images.map((image) => planView(transform, image).steps.reduce(applyStep, image));
  const [first] = views;
  if (first === undefined) throw new UsageError("no pictures were given");
  const { width, height } = first;
  const odd = views.find((view) => view.width !== width || view.height !== height);
  if (odd !== undefined)
    throw new UsageError(
      `pictures of ${width} x ${height} and ${odd.width} x ${odd.height} do not go into one batch`,
      "pictures of one batch must come out of the transform with one size: end it with a crop or resize",
    );
  const shape = [images.length, height, width, 3];
  // What a step has made nobody else has, and a large picture is not copied again.
  if (views.length === 1 && first !== images[0]) return { dtype: "uint8", shape, data: first.data };
  const data = allocate("uint8", images.length * height * width * 3);
  views.forEach((view, i) => {
    data.set(view.data, i * view.data.length);
  });
  return { dtype: "uint8", shape, data };
}

/** What each of 256 bytes becomes in each channel. Every step is rounded to float32, as PyTorch computes it, so results are bit-equal. */
function valueTable(last: TransformOp | undefined): Float32Array {
  const { fround } = Math;
  const mean: Triple = last?.op === "normalize" ? last.mean : [0, 0, 0];
  const std: Triple = last?.op === "normalize" ? last.std : [1, 1, 1];
  const low = last?.op === "value_range" ? last.low : 0;
  const high = last?.op === "value_range" ? last.high : 1;
  return Float32Array.from({ length: 768 }, (_, i) => {
    const unit = fround((i & 255) / 255);
    const ranged = fround(fround(unit * fround(high - low)) + fround(low));
    return fround(ranged - fround(mean[i >> 8]!)) / fround(std[i >> 8]!);
  });
}

function planGeometry(transform: Transform, width: number, height: number): Plan {
  const start: Plan = {
    steps: [],
    x: { size: width, scale: 1, offset: 0 },
    y: { size: height, scale: 1, offset: 0 },
  };
  return transform.reduce(planOp, start);
}

/** The same for pixels that will be made. Throws LimitError when a model would see too many of them. */
function planView(transform: Transform, { width, height }: PictureSize): Plan {
  const plan = planGeometry(transform, width, height);
  checkViewSize({ width: plan.x.size, height: plan.y.size });
  return plan;
}

/** Throws LimitError when what a model would see is larger than MAX_VIEW_PIXELS. */
export function checkViewSize({ width, height }: { readonly width: number; readonly height: number }): void {
  if (width * height > MAX_VIEW_PIXELS)
    throw new LimitError(
      `a view of ${width} x ${height} for the model`,
      width * height,
      MAX_VIEW_PIXELS,
      "pixels",
      "take a smaller resolution, or a transform with smaller sizes",
    );
}

function planOp(plan: Plan, op: TransformOp): Plan {
  const width = plan.x.size;
  const height = plan.y.size;
  const short = Math.min(width, height);
  const long = Math.max(width, height);
  switch (op.op) {
    case "resize_small": {
      const other = Math.trunc((op.size * long) / short);
      return width <= height
        ? planResize(plan, op.size, other, op.filter)
        : planResize(plan, other, op.size, op.filter);
    }
    case "resize_long": {
      const other = Math.max(1, Math.trunc((op.size * short) / long));
      return width <= height
        ? planResize(plan, other, op.size, op.filter)
        : planResize(plan, op.size, other, op.filter);
    }
    case "resize":
      return planResize(plan, op.width, op.height, op.filter);
    case "resize_cover": {
      const ratio = Math.min(width / op.width, height / op.height);
      return planResize(plan, roundHalfToEven(width / ratio), roundHalfToEven(height / ratio), op.filter);
    }
    case "central_crop":
      return planCrop(plan, op, { x: 0.5, y: 0.5 }, op.rounding === "down" ? Math.floor : roundHalfToEven);
    case "crop":
      return planCrop(plan, op, op, roundHalfToEven);
    case "letterbox": {
      const ratio = Math.min(op.width / width, op.height / height);
      const fitted = (size: number) => Math.max(1, Math.round(size * ratio));
      const resized = planResize(plan, fitted(width), fitted(height), op.filter);
      return planPad(resized, op.width, op.height, op.fill, op.place === "top_left" ? 0 : 0.5);
    }
    case "pad_square":
      return planPad(plan, long, long, [op.fill, op.fill, op.fill]);
    case "mirror":
      return { ...plan, steps: [...plan.steps, { kind: "mirror" }], x: mirrored(plan.x) };
    case "rotate":
      // Axes cannot say how it lies: they go on as if it were upright.
      return { ...plan, steps: [...plan.steps, { kind: "rotate", degrees: op.degrees, fill: op.fill }] };
    case "normalize":
    case "value_range":
      return plan;
  }
}

const mirrored = ({ size, scale, offset }: Axis): Axis => ({ size, scale: -scale, offset: offset + size * scale });

function planResize(plan: Plan, width: number, height: number, filter: ResampleFilter): Plan {
  const resized = (axis: Axis, size: number): Axis => ({
    size,
    scale: (axis.scale * axis.size) / size,
    offset: axis.offset,
  });
  const window = { x: 0, y: 0, width, height };
  return {
    steps: [...plan.steps, { kind: "resize", width, height, filter, window }],
    x: resized(plan.x, width),
    y: resized(plan.y, height),
  };
}

/** @param start where in what is left over the crop begins, 0 to 1 */
function planCrop(
  plan: Plan,
  { width, height }: PictureSize,
  start: { readonly x: number; readonly y: number },
  round: (value: number) => number,
): Plan {
  const window: PixelWindow = {
    x: round(Math.max(0, plan.x.size - width) * start.x),
    y: round(Math.max(0, plan.y.size - height) * start.y),
    width: Math.min(width, plan.x.size),
    height: Math.min(height, plan.y.size),
  };
  const cropped: Plan = {
    steps: withWindow(plan, window),
    x: { ...plan.x, size: window.width, offset: plan.x.offset + window.x * plan.x.scale },
    y: { ...plan.y, size: window.height, offset: plan.y.offset + window.y * plan.y.scale },
  };
  return planPad(cropped, width, height, BLACK);
}

/** A crop right after a resize becomes part of it: pixels that nobody will see are not computed. */
function withWindow(plan: Plan, window: PixelWindow): Step[] {
  const last = plan.steps.at(-1);
  if (window.width === plan.x.size && window.height === plan.y.size) return [...plan.steps];
  if (last?.kind !== "resize") return [...plan.steps, { kind: "crop", window }];
  const inside = { ...window, x: last.window.x + window.x, y: last.window.y + window.y };
  return [...plan.steps.slice(0, -1), { ...last, window: inside }];
}

const BLACK: Triple = [0, 0, 0];

/** @param before the share of what is added that comes at the left and above */
function planPad(plan: Plan, width: number, height: number, fill: Triple, before = 0.5): Plan {
  if (plan.x.size === width && plan.y.size === height) return plan;
  const x = Math.floor((width - plan.x.size) * before);
  const y = Math.floor((height - plan.y.size) * before);
  return {
    steps: [...plan.steps, { kind: "pad", width, height, x, y, fill }],
    x: { ...plan.x, size: width, offset: plan.x.offset - x * plan.x.scale },
    y: { ...plan.y, size: height, offset: plan.y.offset - y * plan.y.scale },
  };
}

/** Python's round(). */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 && floor % 2 === 0 ? floor : Math.round(value);
}

function applyStep(image: RawImage, step: Step): RawImage {
  switch (step.kind) {
    case "resize":
      return resample(image, step.width, step.height, { filter: step.filter, window: step.window });
    case "crop":
      return copyWindow(image, step.window);
    case "mirror":
      return flipHorizontally(image);
    case "rotate":
      return rotate(image, step.degrees, { filter: "bilinear", fill: step.fill });
    case "pad": {
      if (step.width * step.height > DEFAULT_MAX_PIXELS)
        throw new LimitError("a padded picture", step.width * step.height, DEFAULT_MAX_PIXELS, "pixels");
      const data = filled(step.width * step.height, step.fill);
      const rowBytes = image.width * 3;
      for (let row = 0; row < image.height; row++)
        data.set(image.data.subarray(row * rowBytes, (row + 1) * rowBytes), ((step.y + row) * step.width + step.x) * 3);
      return { width: step.width, height: step.height, data };
    }
  }
}

function filled(pixels: number, [red, green, blue]: Triple): Uint8Array {
  const data = new Uint8Array(pixels * 3).fill(red);
  if (green === red && blue === red) return data;
  for (let at = 0; at < data.length; at += 3) {
    data[at + 1] = green;
    data[at + 2] = blue;
  }
  return data;
}
