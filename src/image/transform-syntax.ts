// How transforms look as text: "resize_small(256,bicubic)|central_crop(224)|normalize(imagenet)". A model carries this line with it, so the
// parser says exactly where a line is wrong, and printing what was parsed gives a line that parses to the same again.
import { UsageError } from "../errors.ts";
import { RESAMPLE_FILTERS, type ResampleFilter } from "./resample.ts";

/** One number for each of red, green and blue. */
export type Triple = readonly [red: number, green: number, blue: number];

/** One operation of a transform. Sizes are pixels. */
export type TransformOp =
  /** The shorter side becomes `size`; the other keeps the aspect ratio, truncated to an integer (torchvision's Resize(size)). */
  | { readonly op: "resize_small"; readonly size: number; readonly filter: ResampleFilter }
  /** The longer side becomes `size`; the other keeps the aspect ratio, truncated, at least 1. */
  | { readonly op: "resize_long"; readonly size: number; readonly filter: ResampleFilter }
  /** Exactly this size, whatever the aspect ratio. */
  | { readonly op: "resize"; readonly width: number; readonly height: number; readonly filter: ResampleFilter }
  /** The smallest size of the same aspect ratio that covers this one, each side rounded half to even (timm's ResizeKeepRatio). */
  | { readonly op: "resize_cover"; readonly width: number; readonly height: number; readonly filter: ResampleFilter }
  /** The middle; what is missing is black. Halves of pixels in its offsets are rounded to even (torchvision's CenterCrop) or down (transformers). */
  | { readonly op: "central_crop"; readonly width: number; readonly height: number; readonly rounding?: "down" }
  /** A part: `x` and `y` say where in what is left over it begins, from 0 (left, top) to 1 (right, bottom). What is missing is black. */
  | { readonly op: "crop"; readonly width: number; readonly height: number; readonly x: number; readonly y: number }
  /** As large as fits into this size with its aspect ratio, in the middle of bars of the colour `fill`, 0 to 255 each, or with bars at the right or below only. */
  | {
      readonly op: "letterbox";
      readonly width: number;
      readonly height: number;
      readonly filter: ResampleFilter;
      readonly fill: Triple;
      readonly place?: "top_left";
    }
  /** Grey bars that make the picture square. `fill` is 0 to 255. */
  | { readonly op: "pad_square"; readonly fill: number }
  /** Left and right change places. */
  | { readonly op: "mirror" }
  /** Turned about the middle, counter-clockwise, in the same size: Pillow's rotate, bilinear. Corners that stay empty get the colour `fill`. */
  | { readonly op: "rotate"; readonly degrees: number; readonly fill: Triple }
  /** (value / 255 - mean) / std. */
  | { readonly op: "normalize"; readonly mean: Triple; readonly std: Triple }
  /** Values from `low` (black) to `high` (white). */
  | { readonly op: "value_range"; readonly low: number; readonly high: number };

/** Operations from left to right. A normalize or value_range can only be the last; without one, values are 0 to 1. */
export type Transform = readonly TransformOp[];

/** What a transform does to values alone, whatever it does to pixels' places before: its last step, or nothing. */
export function valueSteps(transform: Transform): Transform {
  return transform.filter(({ op }) => op === "normalize" || op === "value_range");
}

/** Means and standard deviations that have names. */
export const NORMALIZATIONS = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  inception: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  clip: { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] },
  none: { mean: [0, 0, 0], std: [1, 1, 1] },
} as const satisfies Record<string, { readonly mean: Triple; readonly std: Triple }>;

/** torchvision's default, used where the text names no filter. Printed texts always name it. */
const DEFAULT_FILTER: ResampleFilter = "bilinear";
const MAX_SIZE = 16384;
const MAX_TEXT = 10_000;
/** Of what a pixel becomes: 16-bit values are the largest that any model takes. */
const MAX_VALUE = 65_536;

/** A piece of the text and where it starts. */
interface Piece {
  readonly text: string;
  readonly at: number;
}

interface Call {
  readonly name: Piece;
  readonly args: readonly Piece[];
  /** Where the closing parenthesis is: missing arguments are reported there. */
  readonly end: number;
}

/** Throws a UsageError that points at position `at`. */
type Fail = (at: number, problem: string, hint?: string) => never;

interface Syntax {
  readonly usage: string;
  readonly read: (args: Arguments) => TransformOp;
}

const SYNTAX: Readonly<Record<TransformOp["op"], Syntax>> = {
  resize_small: {
    usage: "resize_small(SIZE[,FILTER])",
    read: (args) => ({ op: "resize_small", size: args.size("a size"), filter: args.filter() }),
  },
  resize_long: {
    usage: "resize_long(SIZE[,FILTER])",
    read: (args) => ({ op: "resize_long", size: args.size("a size"), filter: args.filter() }),
  },
  resize: {
    usage: "resize(WIDTH,HEIGHT[,FILTER])",
    read: (args) => ({
      op: "resize",
      width: args.size("a width"),
      height: args.size("a height"),
      filter: args.filter(),
    }),
  },
  resize_cover: {
    usage: "resize_cover(WIDTH,HEIGHT[,FILTER])",
    read: (args) => ({
      op: "resize_cover",
      width: args.size("a width"),
      height: args.size("a height"),
      filter: args.filter(),
    }),
  },
  central_crop: {
    usage: "central_crop(SIZE[,down]) or central_crop(WIDTH,HEIGHT[,down])",
    read(args) {
      const width = args.size("a size");
      const height = args.hasMore() && !args.nextIs("down") ? args.size("a height") : width;
      return { op: "central_crop", width, height, ...(args.takeIf("down") ? { rounding: "down" } : {}) };
    },
  },
  crop: {
    usage: "crop(WIDTH,HEIGHT,X,Y)",
    read: (args) => ({
      op: "crop",
      width: args.size("a width"),
      height: args.size("a height"),
      x: args.share("where it begins across"),
      y: args.share("where it begins down"),
    }),
  },
  letterbox: {
    usage: "letterbox(WIDTH,HEIGHT[,FILTER[,R/G/B[,top_left]]])",
    read: (args) => ({
      op: "letterbox",
      width: args.size("a width"),
      height: args.size("a height"),
      filter: args.filter(),
      fill: args.hasMore() ? args.color() : [0, 0, 0],
      ...(args.takeIf("top_left") ? { place: "top_left" } : {}),
    }),
  },
  pad_square: {
    usage: "pad_square() or pad_square(GREY)",
    read: (args) => ({ op: "pad_square", fill: args.hasMore() ? args.integer("a grey value", 0, 255) : 0 }),
  },
  mirror: { usage: "mirror()", read: () => ({ op: "mirror" }) },
  rotate: {
    usage: "rotate(DEGREES[,R/G/B])",
    read: (args) => ({
      op: "rotate",
      degrees: args.number("an angle", -180, 180),
      fill: args.hasMore() ? args.color() : [0, 0, 0],
    }),
  },
  normalize: {
    usage: `normalize(${Object.keys(NORMALIZATIONS).join("|")}) or normalize(mean=R/G/B,std=R/G/B)`,
    read: (args) => ({ op: "normalize", ...args.normalization() }),
  },
  value_range: {
    usage: "value_range(LOW,HIGH)",
    read: (args) => ({ op: "value_range", low: args.value("a lowest value"), high: args.value("a highest value") }),
  },
};

/** The names of all operations. */
export const TRANSFORM_OPS: readonly string[] = Object.keys(SYNTAX);

/**
 * Reads a transform.
 *
 * @throws UsageError that shows the place in the text.
 * @example parseTransform("resize_small(256,bicubic)|central_crop(224)|normalize(imagenet)")
 */
export function parseTransform(text: string): Transform {
  const fail: Fail = (at, problem, hint) => {
    throw new UsageError(`transform, column ${at + 1}: ${problem}\n${pointAt(text, at)}`, hint, { text, position: at });
  };
  if (text.length > MAX_TEXT) throw new UsageError(`a transform of ${text.length} characters cannot be meant`);
  return splitCalls(text, fail).map((call, index, calls) => {
    const { name } = call;
    if (!Object.hasOwn(SYNTAX, name.text))
      fail(
        name.at,
        name.text === "" ? "an operation is missing" : `"${name.text}" is not an operation`,
        `operations: ${TRANSFORM_OPS.join(", ")}`,
      );
    const syntax = SYNTAX[name.text as TransformOp["op"]];
    const args = new Arguments(call, (at, problem) => fail(at, problem, `it is written ${syntax.usage}`));
    const op = syntax.read(args);
    args.finish();
    if ((op.op === "normalize" || op.op === "value_range") && index !== calls.length - 1)
      fail(name.at, `${op.op} leaves numbers, not pixels, so nothing can come after it`, "put it last");
    return op;
  });
}

/** The text of a transform. `parseTransform(printTransform(t))` equals `t`. */
export function printTransform(transform: Transform): string {
  return transform.map(printOp).join("|");
}

function printOp(op: TransformOp): string {
  switch (op.op) {
    case "resize_small":
    case "resize_long":
      return `${op.op}(${op.size},${op.filter})`;
    case "resize":
    case "resize_cover":
      return `${op.op}(${op.width},${op.height},${op.filter})`;
    case "central_crop": {
      const size = op.width === op.height ? op.width : `${op.width},${op.height}`;
      return `central_crop(${size}${op.rounding === undefined ? "" : `,${op.rounding}`})`;
    }
    case "crop":
      return `crop(${op.width},${op.height},${op.x},${op.y})`;
    case "letterbox":
      return `letterbox(${op.width},${op.height},${op.filter},${op.fill.join("/")}${op.place === undefined ? "" : `,${op.place}`})`;
    case "pad_square":
      return op.fill === 0 ? "pad_square()" : `pad_square(${op.fill})`;
    case "mirror":
      return "mirror()";
    case "rotate":
      return `rotate(${op.degrees},${op.fill.join("/")})`;
    case "normalize": {
      const mean = op.mean.join("/");
      const std = op.std.join("/");
      const named = Object.entries(NORMALIZATIONS).find(
        ([, preset]) => preset.mean.join("/") === mean && preset.std.join("/") === std,
      );
      return named === undefined ? `normalize(mean=${mean},std=${std})` : `normalize(${named[0]})`;
    }
    case "value_range":
      return `value_range(${op.low},${op.high})`;
  }
}

/** The arguments of one call, taken from left to right. */
class Arguments {
  readonly #call: Call;
  readonly #fail: Fail;
  #next = 0;

  constructor(call: Call, fail: Fail) {
    this.#call = call;
    this.#fail = fail;
  }

  hasMore(): boolean {
    return this.#next < this.#call.args.length;
  }

  nextIs(word: string): boolean {
    return this.#call.args[this.#next]?.text === word;
  }

  /** Whether this word is next, which is then taken. */
  takeIf(word: string): boolean {
    const isNext = this.nextIs(word);
    if (isNext) this.#next++;
    return isNext;
  }

  /** What a pixel becomes. Networks take small numbers: far larger ones overflow inside them without a word. */
  value(what: string): number {
    const piece = this.#take(what);
    const value = this.#toNumber(piece, what);
    if (Math.abs(value) > MAX_VALUE)
      this.#fail(piece.at, `${what} is a number from -${MAX_VALUE} to ${MAX_VALUE}, not ${piece.text}`);
    return value;
  }

  integer(what: string, low: number, high: number): number {
    const piece = this.#take(what);
    const value = this.#toNumber(piece, what);
    if (!Number.isInteger(value) || value < low || value > high)
      this.#fail(piece.at, `${what} is a whole number from ${low} to ${high}, not ${piece.text}`);
    return value;
  }

  size(what: string): number {
    return this.integer(what, 1, MAX_SIZE);
  }

  number(what: string, low: number, high: number): number {
    const piece = this.#take(what);
    const value = this.#toNumber(piece, what);
    if (value < low || value > high)
      this.#fail(piece.at, `${what} is a number from ${low} to ${high}, not ${piece.text}`);
    return value;
  }

  share(what: string): number {
    return this.number(what, 0, 1);
  }

  color(): Triple {
    const piece = this.#take("a colour");
    const color = this.#triple(piece, "");
    if (color.some((value) => !Number.isInteger(value) || value < 0 || value > 255))
      this.#fail(piece.at, `a colour is whole numbers from 0 to 255, not ${piece.text}`);
    return color;
  }

  filter(): ResampleFilter {
    if (!this.hasMore()) return DEFAULT_FILTER;
    const piece = this.#take("a filter");
    const filter = RESAMPLE_FILTERS.find((name) => name === piece.text);
    return filter ?? this.#fail(piece.at, `"${piece.text}" is not a filter: ${RESAMPLE_FILTERS.join(", ")}`);
  }

  normalization(): { mean: Triple; std: Triple } {
    const first = this.#take("a name, or mean= and std=");
    if (Object.hasOwn(NORMALIZATIONS, first.text)) return NORMALIZATIONS[first.text as keyof typeof NORMALIZATIONS];
    if (!first.text.startsWith("mean=")) this.#fail(first.at, `"${first.text}" is not a known normalisation`);
    const mean = this.#triple(first, "mean=");
    const second = this.#take("std=");
    if (!second.text.startsWith("std=")) this.#fail(second.at, `std= belongs here, not "${second.text}"`);
    const std = this.#triple(second, "std=");
    if (std.some((value) => value <= 0)) this.#fail(second.at, "a standard deviation is above 0");
    if (mean.some((value, i) => (1 + Math.abs(value)) / std[i]! > MAX_VALUE))
      this.#fail(second.at, `these make values beyond ${MAX_VALUE}: mean and deviation are of values from 0 to 1`);
    return { mean, std };
  }

  finish(): void {
    const extra = this.#call.args[this.#next];
    if (extra !== undefined) this.#fail(extra.at, `"${extra.text}" is one argument too many`);
  }

  #take(what: string): Piece {
    const piece = this.#call.args[this.#next];
    if (piece === undefined) return this.#fail(this.#call.end, `${this.#call.name.text} needs ${what} here`);
    if (piece.text === "") this.#fail(piece.at, `${what} is missing here`);
    this.#next++;
    return piece;
  }

  #toNumber(piece: Piece, what: string): number {
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(piece.text) ? Number(piece.text) : Number.NaN;
    if (!Number.isFinite(value)) this.#fail(piece.at, `"${piece.text}" is not a number (${what} belongs here)`);
    return value + 0; // -0 becomes 0, so that printing loses nothing
  }

  /** One number for all channels, or three with slashes. */
  #triple(piece: Piece, key: string): Triple {
    let at = piece.at + key.length;
    const values = piece.text
      .slice(key.length)
      .split("/")
      .map((text) => {
        const value = this.#toNumber({ text, at }, "a number");
        at += text.length + 1;
        return value;
      });
    const [red, green, blue] = values;
    if (red !== undefined && values.length === 1) return [red, red, red];
    if (red === undefined || green === undefined || blue === undefined || values.length > 3)
      return this.#fail(
        piece.at,
        `${key === "" ? "a colour" : key} takes one number, or three with slashes between them`,
      );
    return [red, green, blue];
  }
}

/** "a(1,2)|b" to its calls. Spaces do not matter; empty text is the empty transform. */
function splitCalls(text: string, fail: Fail): Call[] {
  if (text.trim() === "") return [];
  let at = 0;
  return text.split("|").map((part) => {
    const start = at;
    at += part.length + 1;
    const open = part.indexOf("(");
    if (open === -1) {
      const stray = part.search(/[),]/);
      if (stray !== -1) fail(start + stray, `"${part[stray]}" without a "(" before it`);
      return { name: trimmed(part, start), args: [], end: start + part.trimEnd().length };
    }
    const close = part.indexOf(")", open);
    if (close === -1) fail(start + open, "this parenthesis is never closed");
    const rest = trimmed(part.slice(close + 1), start + close + 1);
    if (rest.text !== "")
      fail(rest.at, `"${rest.text}" after the closing parenthesis`, 'operations are joined with "|"');
    return {
      name: trimmed(part.slice(0, open), start),
      args: splitArguments(part.slice(open + 1, close), start + open + 1),
      end: start + close,
    };
  });
}

function splitArguments(text: string, start: number): Piece[] {
  if (text.trim() === "") return [];
  let at = start;
  return text.split(",").map((part) => {
    const piece = trimmed(part, at);
    at += part.length + 1;
    return piece;
  });
}

function trimmed(text: string, at: number): Piece {
  return { text: text.trim(), at: at + text.length - text.trimStart().length };
}

/** The text around a position on one line, and a caret below it. */
function pointAt(text: string, at: number): string {
  const start = Math.max(0, at - 60);
  const line = text.slice(start, at + 40).replace(/[^\x20-\x7e]/g, "?");
  return `  ${line}\n  ${" ".repeat(at - start)}^`;
}
