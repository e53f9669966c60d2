// Random crops and flips as torchvision and timm draw them (torchvision/transforms/transforms.py: RandomResizedCrop, RandomCrop;
// timm/data/transforms.py: RandomResizedCropAndInterpolation).
import type { RandomSource } from "../random.ts";
import type { MovedPicture } from "./affine-map.ts";
import { type Color, createPicture, paste } from "./draw.ts";
import type { RawImage } from "./raw-image.ts";
import { copyWindow, type PixelWindow, resample } from "./resample.ts";

/** Lowest and highest value. */
export type Range = readonly [low: number, high: number];

export interface RandomResizedCropOptions {
  readonly width: number;
  readonly height: number;
  /** Share of the picture's area that is kept. */
  readonly scale: Range;
  /** Width over height of what is kept, before it is resized. */
  readonly ratio: Range;
  /** "random" draws one for each picture, as timm's training default does. */
  readonly filter: "bilinear" | "bicubic" | "random";
}

const ATTEMPTS = 10;

/** The part of a `width` x `height` picture that a random resized crop takes. After ten misses: the middle, as wide as the ratio allows. */
export function drawCrop(width: number, height: number, scale: Range, ratio: Range, random: RandomSource): PixelWindow {
  const lowest = Math.log(ratio[0]);
  const highest = Math.log(ratio[1]);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = random.between(scale[0], scale[1]) * width * height;
    const aspect = Math.exp(random.between(lowest, highest));
    const cropWidth = Math.round(Math.sqrt(area * aspect));
    const cropHeight = Math.round(Math.sqrt(area / aspect));
    if (cropWidth < 1 || cropHeight < 1 || cropWidth > width || cropHeight > height) continue;
    const y = random.integer(height - cropHeight + 1);
    const x = random.integer(width - cropWidth + 1);
    return { x, y, width: cropWidth, height: cropHeight };
  }
  const whole = width / height;
  const cropWidth = whole > ratio[1] ? Math.max(1, Math.round(height * ratio[1])) : width;
  const cropHeight = whole < ratio[0] ? Math.max(1, Math.round(width / ratio[0])) : height;
  return {
    x: Math.floor((width - cropWidth) / 2),
    y: Math.floor((height - cropHeight) / 2),
    width: cropWidth,
    height: cropHeight,
  };
}

/** A random part of the picture at a fixed size. */
export function randomResizedCrop(
  image: RawImage,
  options: RandomResizedCropOptions,
  random: RandomSource,
): MovedPicture {
  const window = drawCrop(image.width, image.height, options.scale, options.ratio, random);
  const filter = options.filter === "random" ? random.choice(["bilinear", "bicubic"] as const) : options.filter;
  // Cut first, then scaled: as torchvision does it, no pixel from outside the crop gets in. Pillow's `box` would let the filter reach there.
  const isWhole = window.width === image.width && window.height === image.height;
  const cut = isWhole ? image : copyWindow(image, window);
  const [scaleX, scaleY] = [options.width / window.width, options.height / window.height];
  return {
    image: resample(cut, options.width, options.height, { filter }),
    map: [scaleX, 0, -window.x * scaleX, 0, scaleY, -window.y * scaleY],
  };
}

/** A crop of a fixed size at a random place of the picture with a black border of `padding` pixels around it: what CIFAR is trained with. */
export function randomCrop(
  image: RawImage,
  options: { readonly width: number; readonly height: number; readonly padding: number },
  random: RandomSource,
): MovedPicture {
  const { width, height, padding } = options;
  // A picture that is too small even with its border gets more border, evenly, as torchvision's pad_if_needed.
  const borderX = padding + Math.max(0, width - image.width - 2 * padding);
  const borderY = padding + Math.max(0, height - image.height - 2 * padding);
  const top = random.integer(image.height + 2 * borderY - height + 1) - borderY;
  const left = random.integer(image.width + 2 * borderX - width + 1) - borderX;
  const data = new Uint8Array(width * height * 3);
  const from = Math.max(0, left);
  const to = Math.min(image.width, left + width);
  for (let y = Math.max(0, -top); y < Math.min(height, image.height - top); y++) {
    const row = (top + y) * image.width;
    if (to > from) data.set(image.data.subarray((row + from) * 3, (row + to) * 3), (y * width + from - left) * 3);
  }
  return { image: { width, height, data }, map: [1, 0, -left, 0, 1, -top] };
}

/** What a jittered scale needs: the size that comes out, and factors on the scale at which the whole picture just fits into it. */
export interface ScaleJitterOptions {
  readonly width: number;
  readonly height: number;
  readonly scale: Range;
}

/**
 * The picture at a random scale, its proportions kept, at a random place of a canvas of one size: cut off where it is larger, with `fill` around it
 * where it is smaller. The large-scale jitter that detectors are trained with (detectron2's ResizeScale and FixedSizeCrop).
 */
export function scaleJitter(
  image: RawImage,
  { width, height, scale }: ScaleJitterOptions,
  fill: Color,
  random: RandomSource,
): MovedPicture {
  const ratio = random.between(...scale) * Math.min(width / image.width, height / image.height);
  const scaled = {
    width: Math.max(1, Math.round(image.width * ratio)),
    height: Math.max(1, Math.round(image.height * ratio)),
  };
  // Where the scaled picture's corner lies: at or before the canvas's where it is larger, else at or behind it.
  const place = (room: number) => (room < 0 ? -random.integer(1 - room) : random.integer(room + 1));
  const [x, y] = [place(width - scaled.width), place(height - scaled.height)];
  const window: PixelWindow = {
    x: Math.max(0, -x),
    y: Math.max(0, -y),
    width: Math.min(width, scaled.width),
    height: Math.min(height, scaled.height),
  };
  const seen = resample(image, scaled.width, scaled.height, { filter: "bilinear", window });
  const canvas = createPicture(width, height, fill);
  paste(seen, canvas, Math.max(0, x), Math.max(0, y));
  return {
    image: canvas,
    map: [scaled.width / image.width, 0, x, 0, scaled.height / image.height, y],
  };
}

/** Left and right exchanged. */
export function flipHorizontally(image: RawImage): RawImage {
  const { width, height, data: source } = image;
  const data = new Uint8Array(source.length);
  for (let y = 0; y < height; y++) {
    let from = (y + 1) * width * 3 - 3;
    for (let to = y * width * 3; to < (y + 1) * width * 3; to += 3, from -= 3) {
      data[to] = source[from]!;
      data[to + 1] = source[from + 1]!;
      data[to + 2] = source[from + 2]!;
    }
  }
  return { width, height, data };
}

/** Top and bottom exchanged. */
export function flipVertically(image: RawImage): RawImage {
  const { width, height, data: source } = image;
  const data = new Uint8Array(source.length);
  const row = width * 3;
  for (let y = 0; y < height; y++) data.set(source.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
  return { width, height, data };
}
