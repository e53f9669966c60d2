// Training pictures: an augmentation (augment-syntax.ts) made ready to run, many thousand times, each time with its own random numbers.
import { ImageError, UsageError } from "../errors.ts";
import type { RandomSource } from "../random.ts";
import { composeMaps, IDENTITY_MAP, type MovedPicture, mapOfView } from "./affine-map.ts";
import { type AffineMatrix, randomAffine } from "./augment-affine.ts";
import { adjustBrightness, adjustColor, adjustContrast, adjustHue } from "./augment-color.ts";
import { flipHorizontally, type Range, randomCrop, randomResizedCrop, scaleJitter } from "./augment-crop.ts";
import { randomErase } from "./augment-erase.ts";
import { type RandAugmentSettings, randAugment } from "./augment-rand.ts";
import type { Augmentation, AugmentationOp, RandomOp } from "./augment-syntax.ts";
import type { RawImage } from "./raw-image.ts";
import { applyTransform, type TransformOp, transformToRaw } from "./transform.ts";

export {
  type Augmentation,
  type AugmentationOp,
  parseAugmentation,
  printAugmentation,
} from "./augment-syntax.ts";

/** An augmentation that is ready to run. It has no state: the same picture and the same random numbers give the same values. */
export interface Augmenter {
  /** The size that every picture comes out with. */
  readonly width: number;
  readonly height: number;
  /** Whether the result depends on random numbers at all. */
  readonly isRandom: boolean;
  /** Whether boxes and masks can follow what is done to pictures. */
  readonly movesAlong: boolean;
  /** What training sees, as pixels, before normalisation and erasing. */
  pixels(image: RawImage, random: RandomSource): RawImage;
  /**
   * Writes (3, height, width) float32 values to `out` from `offset` on.
   *
   * @returns where the picture's points are on what was made of it, both in pixels; undefined where an operation says no map (rand_augment)
   */
  apply(image: RawImage, random: RandomSource, out: Float32Array, offset: number): AffineMatrix | undefined;
}

type PixelStep = (image: RawImage, random: RandomSource) => MovedPicture;

/**
 * Makes an augmentation ready.
 *
 * RandAugment takes its fill colour from the mean of `normalize` and its filter from `random_resized_crop`, as timm's factory does
 * (timm/data/transforms_factory.py); without them it fills with grey 128 and draws filters.
 *
 * @throws UsageError when pictures of different sizes would not come out with one size.
 * @example
 * const augmenter = createAugmenter(parseAugmentation("random_resized_crop(64,0.25:1)|flip(0.5)|normalize(imagenet)"));
 * augmenter.apply(image, new RandomSource(seed, `augment/${epoch}/${position}`), batch.data, row * 3 * 64 * 64);
 */
export function createAugmenter(augmentation: Augmentation): Augmenter {
  const { width, height } = outputSize(augmentation);
  const steps = pixelSteps(augmentation);
  const values = valueTable(augmentation);
  const erasings = augmentation.filter((op) => op.op === "random_erasing");
  const moved = (image: RawImage, random: RandomSource) =>
    steps.reduce<MovedPicture>(
      (before, step) => {
        const after = step(before.image, random);
        const isKnown = before.map !== undefined && after.map !== undefined;
        return { image: after.image, map: isKnown ? composeMaps(before.map, after.map) : undefined };
      },
      { image, map: IDENTITY_MAP },
    );
  return {
    width,
    height,
    isRandom: augmentation.some(isRandom),
    movesAlong: augmentation.every(({ op }) => op !== "rand_augment" && op !== "rotate"),
    pixels: (image, random) => moved(image, random).image,
    apply(image, random, out, offset) {
      const { image: result, map } = moved(image, random);
      if (result.width !== width || result.height !== height)
        throw new ImageError(`a picture came out as ${result.width} x ${result.height}, not ${width} x ${height}`);
      writeValues(result, values, out, offset);
      for (const erasing of erasings) randomErase(out, offset, width, height, erasing, random);
      return map;
    },
  };
}

const RANDOM_OPS: ReadonlySet<string> = new Set<RandomOp["op"]>([
  "random_resized_crop",
  "random_crop",
  "scale_jitter",
  "flip",
  "random_affine",
  "rand_augment",
  "color_jitter",
  "random_erasing",
]);
const isRandom = (op: AugmentationOp): op is RandomOp => RANDOM_OPS.has(op.op);

/** The size after the last operation, where it does not depend on the picture. */
function outputSize(augmentation: Augmentation): { width: number; height: number } {
  let size: { width: number; height: number } | undefined;
  for (const op of augmentation)
    switch (op.op) {
      case "random_resized_crop":
      case "random_crop":
      case "scale_jitter":
      case "central_crop":
      case "crop":
      case "letterbox":
      case "resize":
        size = { width: op.width, height: op.height };
        break;
      case "resize_cover":
        size = undefined;
        break;
      case "resize_small":
      case "resize_long":
        size = size?.width === size?.height && size !== undefined ? { width: op.size, height: op.size } : undefined;
        break;
      case "pad_square": {
        const side = Math.max(size?.width ?? 0, size?.height ?? 0);
        size = size === undefined ? undefined : { width: side, height: side };
        break;
      }
    }
  if (size === undefined)
    throw new UsageError(
      "this augmentation leaves pictures of different sizes, which cannot share a batch",
      "end its pixel operations with random_resized_crop, scale_jitter, random_crop, central_crop or resize",
    );
  return size;
}

function pixelSteps(augmentation: Augmentation): PixelStep[] {
  const settings = randAugmentSettings(augmentation);
  const steps: PixelStep[] = [];
  let fixed: TransformOp[] = [];
  const flushFixed = () => {
    const run = fixed;
    // Runs stay together, because a crop after a resize saves most of the resize.
    const isTurned = run.some(({ op }) => op === "rotate");
    if (run.length > 0)
      steps.push((picture) => {
        const { image, viewToPicture } = transformToRaw(picture, run);
        return { image, map: isTurned ? undefined : mapOfView(viewToPicture, picture, image) };
      });
    fixed = [];
  };
  for (const op of augmentation) {
    if (op.op === "normalize" || op.op === "value_range" || op.op === "random_erasing") continue;
    if (!isRandom(op)) {
      fixed.push(op);
      continue;
    }
    flushFixed();
    steps.push(randomStep(op, settings));
  }
  flushFixed();
  return steps;
}

function randomStep(op: Exclude<RandomOp, { op: "random_erasing" }>, settings: RandAugmentSettings): PixelStep {
  switch (op.op) {
    case "random_resized_crop":
      return (image, random) => randomResizedCrop(image, op, random);
    case "random_crop":
      return (image, random) => randomCrop(image, op, random);
    case "scale_jitter":
      return (image, random) => scaleJitter(image, op, settings.fill, random);
    case "flip":
      return (image, random) =>
        random.chance(op.probability)
          ? { image: flipHorizontally(image), map: [-1, 0, image.width, 0, 1, 0] }
          : { image, map: IDENTITY_MAP };
    case "random_affine":
      return (image, random) => randomAffine(image, op, random);
    case "rand_augment":
      return (image, random) => ({ image: randAugment(image, op, settings, random), map: undefined });
    case "color_jitter":
      return (image, random) => ({ image: colorJitter(image, op, random), map: IDENTITY_MAP });
  }
}

function randAugmentSettings(augmentation: Augmentation): RandAugmentSettings {
  const crop = augmentation.find((op) => op.op === "random_resized_crop");
  const normalize = augmentation.find((op) => op.op === "normalize");
  const grey = (value: number) => Math.min(255, Math.round(255 * value));
  const [red, green, blue] = normalize?.mean ?? [];
  return {
    filter: crop?.filter ?? "random",
    fill:
      red === undefined || green === undefined || blue === undefined
        ? [128, 128, 128]
        : [grey(red), grey(green), grey(blue)],
  };
}

/** torchvision's ColorJitter: the four in a random order, each by a random factor. */
function colorJitter(
  image: RawImage,
  { brightness, contrast, saturation, hue }: Extract<RandomOp, { op: "color_jitter" }>,
  random: RandomSource,
): RawImage {
  const around = (reach: number): Range => [Math.max(0, 1 - reach), 1 + reach];
  const adjustments: readonly (readonly [
    reach: number,
    range: Range,
    adjust: (image: RawImage, by: number) => RawImage,
  ])[] = [
    [brightness, around(brightness), adjustBrightness],
    [contrast, around(contrast), adjustContrast],
    [saturation, around(saturation), adjustColor],
    [hue, [-hue, hue], adjustHue],
  ];
  let result = image;
  for (const index of random.shuffle([0, 1, 2, 3])) {
    const [reach, [low, high], adjust] = adjustments[index]!;
    if (reach > 0) result = adjust(result, random.between(low, high));
  }
  return result;
}

/**
 * What each of 256 bytes becomes in each channel, red first: the transform applied to a picture of all bytes, so that training and
 * evaluation cannot come to differ.
 */
function valueTable(augmentation: Augmentation): Float32Array {
  const data = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  const values = augmentation.filter((op) => op.op === "normalize" || op.op === "value_range");
  return applyTransform({ width: 256, height: 1, data }, values).data;
}

function writeValues(image: RawImage, values: Float32Array, out: Float32Array, offset: number): void {
  const pixels = image.data;
  const plane = image.width * image.height;
  const green = offset + plane;
  const blue = green + plane;
  for (let i = 0, at = 0; i < plane; i++, at += 3) {
    out[offset + i] = values[pixels[at]!]!;
    out[green + i] = values[256 + pixels[at + 1]!]!;
    out[blue + i] = values[512 + pixels[at + 2]!]!;
  }
}
