// How augmentations look as text: "random_resized_crop(64,0.25:1,bicubic)|flip(0.5)|rand_augment(rand-m9-mstd0.5-inc1)|normalize(imagenet)|
// random_erasing(0.25)". The operations of transforms (transform-syntax.ts) belong to the language too, so one line can say what training does
// and another what evaluation does.
import { UsageError } from "../errors.ts";
import type { RandomAffineOptions } from "./augment-affine.ts";
import type { RandomResizedCropOptions, Range, ScaleJitterOptions } from "./augment-crop.ts";
import { ERASE_MODES, type RandomErasingOptions } from "./augment-erase.ts";
import { parseRandAugment, printRandAugment, type RandAugmentConfig } from "./augment-rand.ts";
import { parseTransform, printTransform, TRANSFORM_OPS, type TransformOp } from "./transform.ts";

/** An operation that draws numbers. Probabilities are 0 to 1, sizes pixels. */
export type RandomOp =
  | ({ readonly op: "random_resized_crop" } & RandomResizedCropOptions)
  /** A crop at a random place of the picture with a black border. */
  | { readonly op: "random_crop"; readonly width: number; readonly height: number; readonly padding: number }
  /** At a random scale somewhere on a canvas of the size. */
  | ({ readonly op: "scale_jitter" } & ScaleJitterOptions)
  /** Left and right exchanged. */
  | { readonly op: "flip"; readonly probability: number }
  | ({ readonly op: "random_affine" } & RandomAffineOptions)
  | ({ readonly op: "rand_augment" } & RandAugmentConfig)
  /** Factors from 1 - x to 1 + x, in a random order; the hue moves by -x to x of the colour circle. */
  | {
      readonly op: "color_jitter";
      readonly brightness: number;
      readonly contrast: number;
      readonly saturation: number;
      readonly hue: number;
    }
  /** On normalised values, so it comes after normalize or value_range. */
  | ({ readonly op: "random_erasing" } & RandomErasingOptions);

export type AugmentationOp = RandomOp | TransformOp;

/** Operations from left to right: pixels first, then one normalize or value_range, then random_erasing. */
export type Augmentation = readonly AugmentationOp[];

/** torchvision's and timm's defaults. */
const DEFAULT_SCALE: Range = [0.08, 1];
const DEFAULT_RATIO: Range = [3 / 4, 4 / 3];
const UNSCALED: Range = [1, 1];
/** detectron2's large-scale jitter. */
const DEFAULT_JITTER: Range = [0.1, 2];
const DEFAULT_ERASED: Range = [0.02, 1 / 3];
const CROP_FILTERS = ["bilinear", "bicubic", "random"] as const;
const MAX_SIZE = 16384;
const MAX_TEXT = 10_000;
const NUMBER = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The arguments of one call, and how to complain about them. */
interface Call {
  readonly args: readonly string[];
  readonly fail: (problem: string) => never;
}

const USAGE: Readonly<Record<RandomOp["op"], string>> = {
  random_resized_crop:
    "random_resized_crop(SIZE[,SCALE_LOW:SCALE_HIGH[,RATIO_LOW:RATIO_HIGH]][,bilinear|bicubic|random])",
  random_crop: "random_crop(SIZE[,PADDING])",
  scale_jitter: "scale_jitter(SIZE[,SCALE_LOW:SCALE_HIGH])",
  flip: "flip(PROBABILITY)",
  random_affine: "random_affine(DEGREES[,TRANSLATE[,SCALE_LOW:SCALE_HIGH]])",
  rand_augment: "rand_augment(rand-m9-mstd0.5-inc1)",
  color_jitter: "color_jitter(BRIGHTNESS,CONTRAST,SATURATION[,HUE])",
  random_erasing: `random_erasing(PROBABILITY[,AREA_LOW:AREA_HIGH][,${ERASE_MODES.join("|")}])`,
};

/**
 * Reads an augmentation.
 *
 * @throws UsageError that shows the place in the text.
 * @example parseAugmentation("random_resized_crop(64,0.25:1)|flip(0.5)|normalize(imagenet)|random_erasing(0.25)")
 */
export function parseAugmentation(text: string): Augmentation {
  if (text.length > MAX_TEXT) throw new UsageError(`an augmentation of ${text.length} characters cannot be meant`);
  if (text.trim() === "") return [];
  const ops: AugmentationOp[] = [];
  let start = 0;
  for (const part of text.split("|")) {
    const at = start + part.length - part.trimStart().length;
    const op = parseCall(part.trim(), text, at);
    checkPlace(ops, op, (problem) => fail(text, at, problem));
    ops.push(op);
    start += part.length + 1;
  }
  return ops;
}

/** The text of an augmentation. `parseAugmentation(printAugmentation(a))` equals `a`. */
export function printAugmentation(augmentation: Augmentation): string {
  return augmentation.map(printOp).join("|");
}

function parseCall(part: string, text: string, at: number): AugmentationOp {
  const match = /^([a-z_]*)\s*\(([^()]*)\)$/.exec(part);
  const name = match?.[1] ?? /^\w*/.exec(part)![0];
  if (!isRandomOp(name)) {
    if (name !== "" && !TRANSFORM_OPS.includes(name))
      fail(
        text,
        at,
        `"${name}" is not an operation`,
        `operations: ${[...Object.keys(USAGE), ...TRANSFORM_OPS].join(", ")}`,
      );
    // Spaces in front keep the columns of its messages right.
    const [op] = parseTransform(" ".repeat(at) + part);
    return op ?? fail(text, at, "an operation is missing");
  }
  const usage = USAGE[name];
  const complain = (problem: string) => fail(text, at, problem, `it is written ${usage}`);
  if (match === null) return complain("the arguments are not in one pair of parentheses");
  const inside = match[2]!.trim();
  return PARSERS[name]({ args: inside === "" ? [] : inside.split(",").map((arg) => arg.trim()), fail: complain });
}

const isRandomOp = (name: string): name is RandomOp["op"] => Object.hasOwn(USAGE, name);

/** Pixels, then values, then erasing. */
function checkPlace(before: Augmentation, { op }: AugmentationOp, complain: (problem: string) => never): void {
  const hasValues = before.some((other) => other.op === "normalize" || other.op === "value_range");
  if (op === "random_erasing") {
    if (!hasValues) complain("random_erasing works on normalised values, so normalize or value_range comes before it");
  } else if (hasValues) complain(`${op} works on pixels, so it comes before normalize or value_range`);
}

const PARSERS: { readonly [K in RandomOp["op"]]: (call: Call) => Extract<RandomOp, { op: K }> } = {
  random_resized_crop(call) {
    const [first, ...rest] = call.args;
    const size = readSize(first, call);
    const ranges = rest.filter((arg) => arg.includes(":")).map((arg) => readRange(arg, call, Number.MAX_VALUE));
    const words = rest.filter((arg) => !arg.includes(":"));
    if (ranges.length > 2 || words.length > 1) call.fail("these are too many arguments");
    const scale = ranges[0] ?? DEFAULT_SCALE;
    if (scale[1] > 1) call.fail(`a crop's share of the area is at most 1, not ${scale[1]}`);
    const filter = readWord(words[0] ?? "bilinear", CROP_FILTERS, call);
    return { op: "random_resized_crop", ...size, scale, ratio: ranges[1] ?? DEFAULT_RATIO, filter };
  },
  random_crop(call) {
    const [first, padding = "0"] = call.args;
    atMost(2, call);
    const pixels = readNumber(padding, call, MAX_SIZE);
    if (!Number.isInteger(pixels)) call.fail(`a padding is whole pixels, not ${padding}`);
    return { op: "random_crop", ...readSize(first, call), padding: pixels };
  },
  scale_jitter(call) {
    atMost(2, call);
    const [size, scale] = call.args;
    return {
      op: "scale_jitter",
      ...readSize(size, call),
      scale: scale === undefined ? DEFAULT_JITTER : readRange(scale, call, 100),
    };
  },
  flip(call) {
    atMost(1, call);
    return { op: "flip", probability: readNumber(call.args[0], call, 1) };
  },
  random_affine(call) {
    atMost(3, call);
    const [degrees, translate = "0", scale] = call.args;
    return {
      op: "random_affine",
      degrees: readNumber(degrees, call, 180),
      translate: readNumber(translate, call, 1),
      scale: scale === undefined ? UNSCALED : readRange(scale, call, 100),
    };
  },
  rand_augment(call) {
    atMost(1, call);
    return { op: "rand_augment", ...parseRandAugment(call.args[0] ?? call.fail("its configuration is missing")) };
  },
  color_jitter(call) {
    atMost(4, call);
    const [brightness, contrast, saturation, hue = "0"] = call.args;
    return {
      op: "color_jitter",
      brightness: readNumber(brightness, call, 100),
      contrast: readNumber(contrast, call, 100),
      saturation: readNumber(saturation, call, 100),
      hue: readNumber(hue, call, 0.5),
    };
  },
  random_erasing(call) {
    const [probability, ...rest] = call.args;
    const ranges = rest.filter((arg) => arg.includes(":")).map((arg) => readRange(arg, call, 1));
    const words = rest.filter((arg) => !arg.includes(":"));
    if (ranges.length > 1 || words.length > 1) call.fail("these are too many arguments");
    return {
      op: "random_erasing",
      probability: readNumber(probability, call, 1),
      area: ranges[0] ?? DEFAULT_ERASED,
      mode: readWord(words[0] ?? "pixel", ERASE_MODES, call),
    };
  },
};

function printOp(op: AugmentationOp): string {
  switch (op.op) {
    case "random_resized_crop": {
      const ratio = isSame(op.ratio, DEFAULT_RATIO) ? "" : `,${printRange(op.ratio)}`;
      return `random_resized_crop(${printSize(op)},${printRange(op.scale)}${ratio},${op.filter})`;
    }
    case "random_crop":
      return `random_crop(${printSize(op)},${op.padding})`;
    case "scale_jitter": {
      const scale = isSame(op.scale, DEFAULT_JITTER) ? "" : `,${printRange(op.scale)}`;
      return `scale_jitter(${printSize(op)}${scale})`;
    }
    case "flip":
      return `flip(${op.probability})`;
    case "random_affine": {
      const scale = isSame(op.scale, UNSCALED) ? "" : `,${printRange(op.scale)}`;
      return `random_affine(${op.degrees},${op.translate}${scale})`;
    }
    case "rand_augment":
      return `rand_augment(${printRandAugment(op)})`;
    case "color_jitter":
      return `color_jitter(${op.brightness},${op.contrast},${op.saturation}${op.hue === 0 ? "" : `,${op.hue}`})`;
    case "random_erasing": {
      const area = isSame(op.area, DEFAULT_ERASED) ? "" : `,${printRange(op.area)}`;
      return `random_erasing(${op.probability}${area}${op.mode === "pixel" ? "" : `,${op.mode}`})`;
    }
    default:
      return printTransform([op]);
  }
}

const printRange = ([low, high]: Range): string => `${low}:${high}`;
const printSize = ({ width, height }: { width: number; height: number }): string =>
  width === height ? `${width}` : `${width}x${height}`;
const isSame = (a: Range, b: Range): boolean => a[0] === b[0] && a[1] === b[1];

function atMost(count: number, call: Call): void {
  if (call.args.length > count) call.fail(`"${call.args[count]}" is one argument too many`);
}

function readNumber(text: string | undefined, call: Call, highest: number): number {
  if (text === undefined || text === "") return call.fail("a number is missing");
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!(value <= highest)) call.fail(`"${text}" is not a number from 0 to ${highest}`);
  return value;
}

/** "64" or "64x48", width first. */
function readSize(text: string | undefined, call: Call): { width: number; height: number } {
  const [width, height = width] = /^(\d+)(?:x(\d+))?$/.exec(text ?? "")?.slice(1) ?? [];
  const size = { width: Number(width), height: Number(height) };
  const fits = (side: number) => side >= 1 && side <= MAX_SIZE;
  if (!fits(size.width) || !fits(size.height)) call.fail(`"${text ?? ""}" is not a size like 64 or 64x48`);
  return size;
}

function readRange(text: string, call: Call, highest: number): Range {
  const [low, high, ...more] = text.split(":");
  const range: Range = [readNumber(low, call, highest), readNumber(high, call, highest)];
  if (more.length > 0 || range[0] > range[1] || range[1] === 0)
    call.fail(`"${text}" is not a range LOW:HIGH with LOW at most HIGH`);
  if (range[0] === 0) call.fail(`"${text}" must begin above 0`);
  return range;
}

function readWord<T extends string>(text: string, words: readonly T[], call: Call): T {
  return words.find((word) => word === text) ?? call.fail(`"${text}" is none of ${words.join(", ")}`);
}

function fail(text: string, at: number, problem: string, hint?: string): never {
  const start = Math.max(0, at - 60);
  const line = text.slice(start, at + 40).replace(/[^\x20-\x7e]/g, "?");
  throw new UsageError(`augmentation, column ${at + 1}: ${problem}\n  ${line}\n  ${" ".repeat(at - start)}^`, hint, {
    text,
    position: at,
  });
}
