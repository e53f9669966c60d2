// RandAugment (Cubuk et al., https://arxiv.org/abs/1909.13719) as timm has it (timm/data/auto_augment.py), with timm's configuration text:
// "rand-m9-mstd0.5-inc1" is magnitude 9 of 10 with normal noise of 0.5, and operations that all grow stronger with the magnitude.
import { UsageError } from "../errors.ts";
import type { RandomSource } from "../random.ts";
import { type AffineFilter, type AffineMatrix, type AffineOptions, affine, rotate } from "./augment-affine.ts";
import {
  adjustBrightness,
  adjustColor,
  adjustContrast,
  adjustSharpness,
  autoContrast,
  equalize,
  invert,
  posterize,
  solarize,
  solarizeAdd,
} from "./augment-color.ts";
import type { RawImage } from "./raw-image.ts";

/** What the configuration text says. */
export interface RandAugmentConfig {
  /** m: strength, 0 to 10 (or to `magnitudeMax`). timm's default is 10. */
  readonly magnitude: number;
  /** n: operations per picture, drawn with replacement. Default 2. */
  readonly layers: number;
  /** p: chance of each operation to be carried out. Default 0.5. */
  readonly probability: number;
  /** mstd: standard deviation of the magnitude; Infinity (written as anything above 100) draws it uniformly from 0 to m. Default 0. */
  readonly magnitudeStd: number;
  /** mmax: what magnitudes are clipped to. Default 10. */
  readonly magnitudeMax: number;
  /** inc: stronger operations for larger magnitudes, for all of them. Default false. */
  readonly increasing: boolean;
}

/** Strengths are tenths of an operation's range. */
const TENTHS = 10;
const DEFAULTS: RandAugmentConfig = {
  magnitude: 10,
  layers: 2,
  probability: 0.5,
  magnitudeStd: 0,
  magnitudeMax: TENTHS,
  increasing: false,
};
const MAX_LAYERS = 16;

/**
 * Reads timm's configuration text.
 *
 * @throws UsageError that names the section which is wrong.
 * @example parseRandAugment("rand-m9-mstd0.5-inc1").magnitude // 9
 */
export function parseRandAugment(text: string): RandAugmentConfig {
  const fail = (section: string, problem: string): never => {
    throw new UsageError(
      `RandAugment "${text}": ${section === "" ? "" : `"${section}" `}${problem}`,
      "it is written like rand-m9-n2-p0.5-mstd0.5-inc1",
      { text },
    );
  };
  const [kind, ...sections] = text.split("-");
  if (kind !== "rand") fail(kind ?? "", 'is not "rand"');
  const found: { -readonly [K in keyof RandAugmentConfig]?: RandAugmentConfig[K] } = {};
  for (const section of sections) {
    const match = /^(mstd|mmax|inc|m|n|p)(\d+(?:\.\d+)?|inf)$/.exec(section);
    const value = match === null ? fail(section, "is not a section") : Number(match[2] === "inf" ? Infinity : match[2]);
    const within = (low: number, high: number) =>
      value >= low && value <= high ? value : fail(section, `is not between ${low} and ${high}`);
    const whole = (low: number, high: number) =>
      Number.isInteger(value) ? within(low, high) : fail(section, "is not a whole number");
    const key = match![1];
    if (key === "m") found.magnitude = within(0, 1000);
    else if (key === "n") found.layers = whole(1, MAX_LAYERS);
    else if (key === "p") found.probability = within(0, 1);
    else if (key === "mstd") found.magnitudeStd = value > 100 ? Number.POSITIVE_INFINITY : value;
    else if (key === "mmax") found.magnitudeMax = within(1, 1000);
    else found.increasing = whole(0, 1) === 1;
  }
  return { ...DEFAULTS, ...found };
}

/** The text of a configuration; `parseRandAugment` gives the same back. */
export function printRandAugment(config: RandAugmentConfig): string {
  const { magnitude, layers, probability, magnitudeStd, magnitudeMax, increasing } = config;
  return [
    `rand-m${magnitude}`,
    layers === DEFAULTS.layers ? "" : `-n${layers}`,
    probability === DEFAULTS.probability ? "" : `-p${probability}`,
    magnitudeStd === 0 ? "" : `-mstd${magnitudeStd === Number.POSITIVE_INFINITY ? "inf" : magnitudeStd}`,
    magnitudeMax === DEFAULTS.magnitudeMax ? "" : `-mmax${magnitudeMax}`,
    increasing ? "-inc1" : "",
  ].join("");
}

/** What operations that move pixels need. */
export interface RandAugmentSettings {
  /** "random" draws one for each operation, as timm does when it trains with random interpolation. */
  readonly filter: AffineFilter | "random";
  /** What is seen where a moved picture leaves its frame; timm takes the mean colour that normalisation subtracts. */
  readonly fill: readonly [red: number, green: number, blue: number];
}

/** One operation at a level of 0 to 10, its sign drawn inside. */
type Operation = (image: RawImage, level: number, context: Context) => RawImage;

interface Context {
  readonly random: RandomSource;
  readonly increasing: boolean;
  readonly affineOptions: () => AffineOptions;
}

const either = (value: number, { random }: Context): number => (random.chance(0.5) ? -value : value);

/** How far from the picture itself (1) an enhancement goes: both ways if increasing, else from 0.1 to 1.9 over all levels. */
function enhancement(level: number, context: Context): number {
  if (!context.increasing) return (level / TENTHS) * 1.8 + 0.1;
  return Math.max(0.1, 1 + either((level / TENTHS) * 0.9, context));
}

const move = (image: RawImage, matrix: AffineMatrix, context: Context) =>
  affine(image, matrix, context.affineOptions());

const SHEAR = 0.3;
const TRANSLATE = 0.45;

/** In timm's order. Those without a level do the same always. */
export const RAND_AUGMENT_OPERATIONS = {
  AutoContrast: (image) => autoContrast(image),
  Equalize: (image) => equalize(image),
  Invert: (image) => invert(image),
  Rotate: (image, level, context) => rotate(image, either((level / TENTHS) * 30, context), context.affineOptions()),
  Posterize(image, level, { increasing }) {
    const dropped = Math.trunc((level / TENTHS) * 4);
    const bits = increasing ? 4 - dropped : dropped;
    return bits >= 8 ? image : posterize(image, Math.max(0, bits));
  },
  Solarize(image, level, { increasing }) {
    const threshold = Math.min(256, Math.trunc((level / TENTHS) * 256));
    return solarize(image, increasing ? 256 - threshold : threshold);
  },
  SolarizeAdd: (image, level) => solarizeAdd(image, Math.min(128, Math.trunc((level / TENTHS) * 110))),
  Color: (image, level, context) => adjustColor(image, enhancement(level, context)),
  Contrast: (image, level, context) => adjustContrast(image, enhancement(level, context)),
  Brightness: (image, level, context) => adjustBrightness(image, enhancement(level, context)),
  Sharpness: (image, level, context) => adjustSharpness(image, enhancement(level, context)),
  ShearX: (image, level, context) => move(image, [1, either((level / TENTHS) * SHEAR, context), 0, 0, 1, 0], context),
  ShearY: (image, level, context) => move(image, [1, 0, 0, either((level / TENTHS) * SHEAR, context), 1, 0], context),
  TranslateXRel: (image, level, context) =>
    move(image, [1, 0, either((level / TENTHS) * TRANSLATE, context) * image.width, 0, 1, 0], context),
  TranslateYRel: (image, level, context) =>
    move(image, [1, 0, 0, 0, 1, either((level / TENTHS) * TRANSLATE, context) * image.height], context),
} as const satisfies Record<string, Operation>;

export type RandAugmentOperation = keyof typeof RAND_AUGMENT_OPERATIONS;
const OPERATION_NAMES = Object.keys(RAND_AUGMENT_OPERATIONS) as RandAugmentOperation[];

/**
 * One operation of RandAugment at a level.
 *
 * @param level 0 to 10
 */
export function applyRandAugmentOperation(
  name: RandAugmentOperation,
  image: RawImage,
  level: number,
  settings: RandAugmentSettings & { readonly increasing: boolean },
  random: RandomSource,
): RawImage {
  const operation: Operation = RAND_AUGMENT_OPERATIONS[name];
  return operation(image, level, {
    random,
    increasing: settings.increasing,
    affineOptions: () => ({
      filter: settings.filter === "random" ? random.choice(["bilinear", "bicubic"] as const) : settings.filter,
      fill: settings.fill,
    }),
  });
}

/**
 * A picture with a few randomly drawn operations applied. The result may share memory with `image`, which is not changed.
 *
 * @example randAugment(image, parseRandAugment("rand-m9-mstd0.5-inc1"), { filter: "random", fill: [128, 128, 128] }, random)
 */
export function randAugment(
  image: RawImage,
  config: RandAugmentConfig,
  settings: RandAugmentSettings,
  random: RandomSource,
): RawImage {
  // All are drawn before the first is carried out, as timm does.
  const names = Array.from({ length: config.layers }, () => random.choice(OPERATION_NAMES));
  let result = image;
  for (const name of names) {
    if (!random.chance(config.probability)) continue;
    const level = Math.min(Math.max(drawMagnitude(config, random), 0), config.magnitudeMax);
    result = applyRandAugmentOperation(name, result, level, { ...settings, increasing: config.increasing }, random);
  }
  return result;
}

function drawMagnitude({ magnitude, magnitudeStd }: RandAugmentConfig, random: RandomSource): number {
  if (magnitudeStd === 0) return magnitude;
  if (magnitudeStd === Number.POSITIVE_INFINITY) return random.between(0, magnitude);
  return magnitude + magnitudeStd * random.normal();
}
