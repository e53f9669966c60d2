// What a folder with a model is: our own layout, timm's or transformers' for their hubs, or an ONNX file with its configuration beside it.
// This is the one place that decides.
import { FormatError, UsageError } from "../errors.ts";
import type { NamedTensors } from "../models/architecture.ts";
import { defineModel } from "../models/registry.ts";
import type { Files } from "../platform/host.ts";
import { decodeText } from "../text-file.ts";
import { type ConfigFile, cardOf, parseConfigFile } from "./config-file.ts";
import { findWeights } from "./folder-weights.ts";
import { folderWithoutConfig, unknownConfig } from "./hubs/none-of-ours.ts";
import { findOnnx, onnxCard } from "./hubs/optimum.ts";
import { timmCard, timmConfig, timmNames } from "./hubs/timm.ts";
import { type ProcessorFile, transformersModel } from "./hubs/transformers.ts";
import type { ModelCard } from "./model.ts";

/** A folder whose model is one of our architectures. */
export interface NativeFolder {
  readonly kind: "native";
  readonly layout: "saccade" | "timm" | "transformers";
  /** What its config.json says, in our terms. */
  readonly file: ConfigFile;
  /** The layout's names of tensors -> those that the architecture adopts. */
  readonly adoptNames: (tensors: NamedTensors) => NamedTensors;
}

/** A folder whose model is an ONNX file. */
export interface OnnxFolder {
  readonly kind: "onnx";
  readonly path: string;
  /** What is said beside the file. */
  readonly card: Omit<ModelCard, "name">;
  /** Of a learnt head on the file: what its config.json says. */
  readonly file?: ConfigFile;
}

export type ModelFolder = NativeFolder | OnnxFolder;

export interface ReadFolderOptions {
  /** Preprocessing instead of what a folder of another library's says, which is not looked at then. */
  readonly transform?: string;
}

const MAX_CONFIG_BYTES = 64 * 2 ** 20;

/**
 * Recognises a folder with a model and reads what it says about it. Weights are not read.
 *
 * @throws NotFoundError or FormatError that say what the folder is instead, or what is wrong with it
 */
export async function readFolder(files: Files, folder: string, options: ReadFolderOptions = {}): Promise<ModelFolder> {
  const { transform } = options;
  const config = await readJson(files, files.join(folder, "config.json"));
  if (config === undefined) {
    const path = await findOnnx(files, folder);
    if (path === undefined) throw await folderWithoutConfig(files, folder);
    const processor = transform === undefined ? await findProcessor(files, folder) : undefined;
    return onnxFolder(path, onnxCard(undefined, processor), transform);
  }
  const { json, where, text } = config;
  const layout = layoutOf(json, where);
  if (layout === "saccade") return ownFolder(files, folder, parseConfigFile(text, where), where);
  const processor =
    layout === "transformers" && transform === undefined ? await findProcessor(files, folder) : undefined;
  const native = nativeFolder(layout, config, processor, transform);
  const isComputed = !(native instanceof FormatError);
  // Weights that our architectures compute come first; an ONNX file beside them is a copy.
  if (isComputed && (await findWeights(files, folder)) !== undefined) return native;
  const path = await findOnnx(files, folder);
  if (path !== undefined) {
    const card = layout === "timm" ? timmCard(json, where, transform) : onnxCard(config, processor);
    return onnxFolder(path, card, transform);
  }
  if (isComputed) return native;
  throw native;
}

/** As a config.json says it whose head is learnt on an ONNX file. */
export const ONNX_ARCHITECTURE = "onnx";
/** That file. */
export const BACKBONE_FILE = "backbone.onnx";

function ownFolder(files: Files, folder: string, file: ConfigFile, where: string): ModelFolder {
  if (file.architecture !== ONNX_ARCHITECTURE)
    return { kind: "native", layout: "saccade", file, adoptNames: (tensors) => tensors };
  if (file.head === undefined)
    throw new FormatError(where, `"${ONNX_ARCHITECTURE}" is for a learnt head, and it has none`);
  const { name: _, ...card } = cardOf(file, folder);
  return { kind: "onnx", path: files.join(folder, BACKBONE_FILE), card, file };
}

interface JsonFile {
  readonly json: Fields;
  readonly where: string;
}

/** Another library's folder as one of our architectures, or the error that says why it is none. */
function nativeFolder(
  layout: "timm" | "transformers",
  { json, where }: JsonFile,
  processor: ProcessorFile | undefined,
  transform: string | undefined,
): NativeFolder | FormatError {
  try {
    if (layout === "timm") {
      const file = checked(timmConfig(json, where, transform), where);
      return { kind: "native", layout, file, adoptNames: timmNames };
    }
    const { file, adoptNames } = transformersModel(json, where, processor);
    const read = checked(file, where);
    return { kind: "native", layout, file: transform === undefined ? read : { ...read, transform }, adoptNames };
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
}

/** Another library's configuration that our architecture does not take is a fault of its file. */
function checked(file: ConfigFile, where: string): ConfigFile {
  try {
    defineModel(file.architecture, file.config);
    return file;
  } catch (error) {
    if (error instanceof UsageError) throw new FormatError(where, error.message, { cause: error });
    throw error;
  }
}

function onnxFolder(path: string, card: OnnxFolder["card"], transform: string | undefined): OnnxFolder {
  return { kind: "onnx", path, card: transform === undefined ? card : { ...card, transform } };
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields that timm puts beside `architecture` (older releases more of them than today's), and that ours never has there. */
const TIMM_FIELDS = [
  "pretrained_cfg",
  "num_features",
  "input_size",
  "crop_pct",
  "interpolation",
  "mean",
  "std",
  "first_conv",
  "classifier",
];

/** Whose config.json it is. Throws FormatError when it says nothing, or two things at once. */
function layoutOf(json: Fields, where: string): NativeFolder["layout"] {
  if (typeof json.architecture === "string") {
    const isOurs = json.saccade !== undefined || json.config !== undefined;
    const isTimms = TIMM_FIELDS.some((field) => json[field] !== undefined) || json.model_type === "timm_wrapper";
    if (isOurs && isTimms)
      throw new FormatError(
        where,
        "it has fields of saccade's (saccade, config) and of timm's (pretrained_cfg), so it is unclear whose it is",
        {
          hint: "take out those that do not belong to it",
        },
      );
    return isTimms ? "timm" : "saccade";
  }
  // Ours without the field that says what it is: its schema names what is missing.
  if (json.saccade !== undefined) return "saccade";
  if (typeof json.model_type === "string" || Array.isArray(json.architectures)) return "transformers";
  throw unknownConfig(json, where);
}

/** An object in a JSON file; undefined when there is no file. */
async function readJson(files: Files, where: string): Promise<(JsonFile & { readonly text: string }) | undefined> {
  if ((await files.stat(where)) === undefined) return undefined;
  const text = decodeText(await files.read(where, { maxBytes: MAX_CONFIG_BYTES }), where);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(where, `not valid JSON (${(cause as Error).message})`, { cause });
  }
  if (!isObject(json)) throw new FormatError(where, "it is not a JSON object");
  return { json, where, text };
}

function isObject(json: unknown): json is Fields {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** What describes the image processor: a file of its own, or a part of the file that describes several processors. */
async function findProcessor(files: Files, folder: string): Promise<ProcessorFile | undefined> {
  for (const name of ["preprocessor_config.json", "processor_config.json"]) {
    const found = await readJson(files, files.join(folder, name));
    if (found === undefined) continue;
    const { json, where } = found;
    const nested = json.image_processor ?? json.feature_extractor;
    if (isObject(nested)) return { json: nested, where };
    if (name === "preprocessor_config.json") return { json, where };
  }
  return undefined;
}
