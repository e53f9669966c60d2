// Options that several commands share, and the checks of their values.
import { type Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "../errors.ts";
import { DECODINGS, type Decoding } from "../image/raw-image.ts";
import { parseResolution, type Resolution } from "../image/resolution.ts";
import { type FeatureViews, JITTERS, MOST_CROPS, VIEWS, type Views } from "../image/views.ts";
import type { LoadOptions } from "../model-folder/load.ts";
import { parseTokenDial, type TokenDial } from "../model-folder/token-dial.ts";
import { PRECISIONS, type Precision } from "../onnx/lower.ts";
import { SCORE_KINDS, type ScoreKind } from "../onnx/score-kind.ts";
import type { Files } from "../platform/host.ts";
import { DEVICES, type Device } from "../runtime/session.ts";
import { POOLINGS, type Pooling } from "../tasks/embed/pooling.ts";
import { decodeText } from "../text-file.ts";
import type { Terminal } from "./terminal.ts";

/** A parser for commander: an integer of at least `least`. */
export function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least)
      throw new InvalidArgumentError(`It must be an integer of at least ${least}.`);
    return value;
  };
}

/** Any number. */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** A parser for commander: "300k", "10M", "2.5G", "1e9". */
export function quantity(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d*)?(?:e\d+)?)\s*([kmgt]?)$/i.exec(text.trim()) ?? [];
  const value = Number(digits) * UNITS[unit.toLowerCase()]!;
  if (digits === "" || !Number.isFinite(value) || value === 0)
    throw new InvalidArgumentError("It must be a number above 0, such as 300k, 10M or 2.5G.");
  return value;
}

/** A share or a probability, both ends left out. */
export function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("It must be a number between 0 and 1.");
  return value;
}

/** `field=value` pairs; values are JSON, or text when they are not. */
export function keyValue(text: string, previous: Record<string, unknown> = {}): Record<string, unknown> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must be FIELD=VALUE.");
  const value = text.slice(at + 1);
  try {
    return { ...previous, [text.slice(0, at)]: JSON.parse(value) };
  } catch {
    return { ...previous, [text.slice(0, at)]: value };
  }
}

/** `a,b` to names; for outputs. */
export function nameList(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("")) throw new InvalidArgumentError("It must be names with commas between them.");
  return names;
}

/** A text file to its lines, for class names: one a line, the last line break is no line. Throws NotFoundError or LimitError. */
export async function readLines(files: Files, path: string): Promise<string[]> {
  const text = decodeText(await files.read(path, { maxBytes: 64 * 2 ** 20 }), path);
  return text.replace(/\r?\n$/, "").split(/\r?\n/);
}

export interface ModelOptions {
  model?: string;
  architecture?: string;
  config?: Record<string, unknown>;
  tokens?: TokenDial;
  transform?: string;
}

/** --architecture, --config, --tokens: how to read a model. */
export function addModelOptions(command: Command): Command {
  return command
    .option(
      "--architecture <name>",
      "for a bare checkpoint: the registered model or architecture it belongs to (default: the one that fits)",
    )
    .option("--config <field=value>", "change a field of the model's configuration; may be repeated", keyValue)
    .option("--tokens <how>", TOKENS_HELP, tokenDial);
}

/** --tokens, for commands that run models. */
export const TOKENS_HELP =
  "fewer tokens, for less: what a transformer keeps or merges, such as keep=0.7@3,6,9:evit or merge=13:tome (none: all); or how many latent tokens, of a SparseFormer with one shared token";

/** A whole number, or text in the language of reductions; what is wrong with it is said as of any model's tokens, with the hint on a line of its own. */
export const tokenDial = (text: string): TokenDial => parseTokenDial(text);

/** What loadModel takes. */
export function loadOptions(options: ModelOptions, terminal: Terminal): LoadOptions {
  const { architecture, config, tokens, transform } = options;
  return {
    onNotice: (line) => terminal.note(line),
    ...(architecture === undefined ? {} : { architecture }),
    ...(config === undefined ? {} : { config }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(transform === undefined ? {} : { transform }),
  };
}

export interface DeviceOptions {
  device?: Device;
  threads?: number;
}

/** --device, --threads: where to run. */
export function addDeviceOptions(command: Command): Command {
  return command
    .addOption(new Option("--device <device>", "where to run").choices(DEVICES).default("auto"))
    .option("--threads <n>", "threads of the engine (default: all cores)", integer(1));
}

export interface SessionsOptions extends DeviceOptions {
  sessions?: number;
}

/** --sessions: for commands that answer many pictures. */
export function addSessionsOption(command: Command): Command {
  const help =
    "copies of the model side by side, with --threads each (default: for many pictures, what does most here)";
  return command.option("--sessions <n>", help, integer(1));
}

/** What a task takes that is to answer many pictures. */
export function sessionsOptions({ sessions }: SessionsOptions, expectedPictures: number) {
  return { sessions: sessions ?? ("auto" as const), expectedPictures };
}

export interface PrecisionOptions {
  precision: Precision;
}

/** --precision: how exactly to compute. */
export function addPrecisionOption(command: Command): Command {
  const help = "int8: linear layers in eight bits, faster and not quite the same numbers";
  return command.addOption(new Option("--precision <precision>", help).choices(PRECISIONS).default("float32"));
}

export interface ScoresOptions {
  scores?: ScoreKind;
}

/** --scores: what the scores of an ONNX file are. */
export function addScoresOption(command: Command): Command {
  const help = "what the model's scores are (default: what its file or its graph says)";
  return command.addOption(new Option("--scores <kind>", help).choices(SCORE_KINDS));
}

export interface ResolutionOptions {
  resolution?: Resolution;
}

/** --resolution: how much of a picture a model that takes any size is given. */
export function addResolutionOption(command: Command): Command {
  const help =
    "shorter side of what the model sees, or native for whole pictures in their own size (default: the preprocessing's)";
  return command.option("--resolution <pixels>", help, resolution);
}

function resolution(text: string): Resolution {
  try {
    return parseResolution(text);
  } catch (error) {
    throw error instanceof UsageError ? new InvalidArgumentError(`${error.message}.`) : error;
  }
}

export interface DecodeFlags {
  decode?: Decoding;
}

/** --decode: whether photographs may be decoded smaller than they are. */
export function addDecodeOption(command: Command, usual: Decoding): Command {
  const help = `exact: Pillow's numbers; fast: large JPEG and WebP are decoded no larger than the model needs (default: ${usual})`;
  return command.addOption(new Option("--decode <how>", help).choices(DECODINGS));
}

export interface ViewsFlags {
  views?: Views;
}

/** --views: how much of a wide or tall picture is seen. */
export function addViewsOption(command: Command): Command {
  const help =
    "what is seen of a picture: center, as the model's preprocessing has it; whole, between bars; crops along its longer side, " +
    `up to ${MOST_CROPS}; or both; answers are averaged, and N views take N times the model's time (default: center)`;
  return command.addOption(new Option("--views <which>", help).choices(VIEWS));
}

export interface FeatureFlags {
  views?: FeatureViews;
  layer?: string;
  pool?: Pooling;
  power?: boolean;
}

/** --no-cache, for commands that make features. */
export const NO_CACHE_HELP = "neither look for features of an earlier run nor keep them for the next";

/** --layer, --pool, --views, --power: which numbers of a model are a picture's features. */
export function addFeatureOptions(command: Command): Command {
  const views =
    "what features are the mean of: as for classify center, whole, crops or whole+crops; flips, the picture and its mirror image (2 views); " +
    "ten-crops, the corners too (10); jitter, also turned and whole (16); N views take N times the model's time (default: center)";
  const pool =
    "how one vector is made of tokens or a map: mean, max, the first token, or none, all values (default: mean)";
  return command
    .option(
      "--layer <name>",
      "a layer of the model, such as tokens, cls or stage.3 (saccade inspect lists them), or any value of an ONNX file",
    )
    .addOption(new Option("--pool <how>", pool).choices(POOLINGS))
    .addOption(new Option("--views <which>", views).choices([...VIEWS, ...JITTERS]))
    .option("--power", "take the root of every number, with its sign, before vectors are scaled");
}

/** What an embedder takes. */
export function featureOptions({ views, layer, pool, power }: FeatureFlags) {
  return {
    ...(views === undefined ? {} : { views }),
    ...(layer === undefined ? {} : { layer }),
    ...(pool === undefined ? {} : { pooling: pool }),
    ...(power === undefined ? {} : { power }),
  };
}

/** What a session takes. */
export function sessionOptions(options: DeviceOptions, terminal: Terminal) {
  return {
    device: options.device ?? "auto",
    onNotice: once((line) => terminal.note(line)),
    signal: terminal.signal,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  };
}

/** Each line once: the sessions of a pool all have the same to say. */
function once(say: (line: string) => void): (line: string) => void {
  const said = new Set<string>();
  return (line) => {
    if (said.has(line)) return;
    said.add(line);
    say(line);
  };
}
