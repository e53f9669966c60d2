// From what a user names (a registered model, a bundled one, a folder, a checkpoint, an ONNX file, bytes) to a model in memory.
import { type ByteSource, describeValue, isUrl, readBytes, type UrlLike } from "../byte-sources.ts";
import { FormatError, NotFoundError, UsageError } from "../errors.ts";
import { atResolution } from "../image/resolution.ts";
import { fixedOutputSize, parseTransform, printTransform } from "../image/transform.ts";
import { type PixelSize, unlearnedWeights } from "../models/graph.ts";
import { changedModel, defineModel, type ModelDefinition, registry } from "../models/registry.ts";
import { didYouMean } from "../nearest-name.ts";
import { isOnnx } from "../onnx/read.ts";
import type { Files, Host } from "../platform/host.ts";
import { int8RowsMetadata, packInt8Rows } from "../weights/int8-rows.ts";
import { readWeights } from "../weights/load.ts";
import { writeSafetensors } from "../weights/safetensors.ts";
import { type ConfigFile, cardEntries, cardOf, printConfigFile } from "./config-file.ts";
import { definitionOf } from "./definition.ts";
import { type NativeFolder, readFolder } from "./folder.ts";
import { MAX_WEIGHT_BYTES, readWeightsAt, requireWeights } from "./folder-weights.ts";
import { readHeadWeights } from "./head-weights.ts";
import { readOnnxFolder } from "./learnt-onnx.ts";
import type { LoadedModel, NativeModel } from "./model.ts";
import { defineFromCheckpoint, nativeModel } from "./native.ts";
import { wholeOnnx } from "./onnx-file.ts";
import { onnxModel } from "./onnx-model.ts";
import { recogniseCheckpoint } from "./recognise.ts";
import { aboutTokens, type TokenDial, withTokenDial } from "./token-dial.ts";
import { vocabularyBeside, withPulledVocabulary, writeVocabulary } from "./vocabulary.ts";
import { withOrigin } from "./weights-origin.ts";

export interface LoadOptions {
  /** For a bare checkpoint: the registered model or architecture it belongs to. Default: the one that fits. */
  readonly architecture?: string;
  /** Fields that change the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** How many tokens it works with: the dial for cost (token-dial.ts). Default: as its configuration says. */
  readonly tokens?: TokenDial;
  /** Called with a line about what was assumed. Default: nobody is told. */
  readonly onNotice?: (line: string) => void;
  /** Preprocessing instead of what a folder of another library's says, which is not looked at then. */
  readonly transform?: string;
  /** false for callers that give the model no pictures: a folder may then leave open how they are prepared. Default: true. */
  readonly seesPictures?: boolean;
}

/** A registered or bundled name, a path or a file: URL, or the bytes of a file (in memory, as a Blob or File, or as the Response of a fetch). */
export type ModelFileSource = string | UrlLike | ByteSource;

/**
 * Loads a model. A string is looked up in the registry and among the bundled models first; anything else is a path: a model folder, a
 * `.safetensors`/`.pth` checkpoint, or an `.onnx` file, with what it keeps in files beside it. Bytes are recognised by content.
 * Throws NotFoundError, FormatError, WeightsMismatchError or UsageError.
 */
export async function loadModel(host: Host, source: ModelFileSource, options: LoadOptions = {}): Promise<LoadedModel> {
  const dialled = withTokenDial(options);
  const model = await fromSource(host, source, dialled).catch((error: unknown) => {
    throw aboutTokens(error, dialled);
  });
  return withPulledVocabulary(host, model);
}

async function fromSource(host: Host, source: ModelFileSource, options: LoadOptions): Promise<LoadedModel> {
  if (typeof source !== "string")
    return isUrl(source)
      ? fromPath(host, host.pathOf(source), options)
      : fromBytes(await givenBytes(source), "the given bytes", options);
  const bundled = await bundledFolder(host, source);
  if (bundled !== undefined) return loadFolder(host.files, bundled, options, source);
  if (registry.has(source)) return loadRegistered(host, source, options);
  return fromPath(host, source, options);
}

async function fromPath(host: Host, path: string, options: LoadOptions): Promise<LoadedModel> {
  const { files } = host;
  const entry = await files.stat(path);
  if (entry === undefined) throw new NotFoundError("model", path, await nameHint(host, path));
  if (entry.isDirectory) return loadFolder(files, path, options);
  const bytes = await files.read(path, { maxBytes: MAX_WEIGHT_BYTES });
  const { bytes: whole } = await wholeOnnx(files, path, bytes);
  const beside = await describedBeside(files, path, isOnnx(whole));
  try {
    const model = fromBytes(whole, path, options);
    const isWanted = model.kind === "native" || model.card.transform === undefined;
    if (beside !== undefined && isWanted)
      options.onNotice?.(`saccade: ${path}: ${beside} says more about it, and is not read; give its folder`);
    return model.kind === "onnx" ? model : withVocabulary(files, files.join(path, ".."), model);
  } catch (error) {
    const isUnknown = error instanceof UsageError && options.architecture === undefined && options.config === undefined;
    if (beside === undefined || !isUnknown) throw error;
    throw new UsageError(error.message, `${beside} may say what it is: give its folder`);
  }
}

/** The model with the vocabulary that lies in a folder, if it is one that needs one. */
async function withVocabulary(files: Files, folder: string, model: NativeModel): Promise<NativeModel> {
  const vocabulary = await vocabularyBeside(files, folder, model.definition);
  return vocabulary === undefined ? model : { ...model, card: { ...model.card, vocabulary } };
}

/** What would have been read if the folder that a weight file or an ONNX file lies in had been given; undefined when there is none. */
async function describedBeside(files: Files, path: string, isOnnxFile: boolean): Promise<string | undefined> {
  const name = isOnnxFile ? "preprocessor_config.json" : "config.json";
  // ONNX files may lie in a folder of their own.
  for (const up of isOnnxFile ? [[".."], ["..", ".."]] : [[".."]]) {
    const place = files.join(path, ...up, name);
    if ((await files.stat(place)) !== undefined) return place;
  }
  return undefined;
}

async function givenBytes(source: ByteSource): Promise<Uint8Array> {
  const bytes = await readBytes(source, "a model file", MAX_WEIGHT_BYTES);
  if (bytes !== undefined) return bytes;
  throw new UsageError(
    `a model is a name, a path or bytes; this is ${describeValue(source)}`,
    'such as "saccade/everyday"; names are listed by: saccade models',
  );
}

/** What to do about a model that is neither a name nor a path of something. */
export async function nameHint(host: Host, source: string): Promise<string> {
  if (/^https?:/i.test(source)) return "addresses are not fetched: download the file first";
  const bundled = await bundledModels(host);
  const meant = didYouMean(source, [...registry.keys(), ...bundled.map(({ name }) => name)]);
  const looksLikePath = /[/\\.]/.test(source);
  return `${meant}${
    looksLikePath
      ? "there is nothing at this path"
      : "names are listed by: saccade models; a path needs a slash or an extension"
  }`;
}

/** The models that come with the package, and their folders. */
export async function bundledModels({ files, folders }: Host): Promise<{ name: string; path: string }[]> {
  if ((await files.stat(folders.bundledModels)) === undefined) return [];
  const found: { name: string; path: string }[] = [];
  for (const { path, isDirectory } of await files.list(folders.bundledModels))
    if (isDirectory && (await files.stat(files.join(path, "config.json"))) !== undefined)
      found.push({ name: `saccade/${path.replace(/^.*[/\\]/, "")}`, path });
  return found;
}

/** The folder of a model that comes with the package ("saccade/everyday"); undefined for every other name. */
export async function bundledFolder(host: Host, name: string): Promise<string | undefined> {
  if (!/^saccade\/[a-z0-9-]+$/.test(name)) return undefined;
  const folder = host.files.join(host.folders.bundledModels, name.slice("saccade/".length));
  return (await host.files.stat(folder))?.isDirectory ? folder : undefined;
}

/** Where `saccade pull NAME` puts official weights. */
export function pulledPath(host: Host, name: string): string {
  const url = registry.get(name)?.weights?.url ?? "";
  const extension = /\.[a-z.]+$/.exec(url)?.[0].replace(/^.*(\.pth|\.safetensors|\.pth\.tar|\.pt)$/, "$1") ?? "";
  return host.files.join(host.folders.cache, `${name}${extension}`);
}

async function loadRegistered(host: Host, name: string, options: LoadOptions): Promise<NativeModel> {
  const path = pulledPath(host, name);
  if ((await host.files.stat(path)) === undefined) {
    const definition = changedModel(name, {}, options.config);
    const weights = unlearnedWeights(definition);
    if (weights !== undefined) return nativeModel(definition, weights, { name });
    throw new NotFoundError(
      "weights",
      name,
      definition.registered?.weights === undefined
        ? "no official file of them is known: name a file or a folder that has some"
        : `download the official ones with: saccade pull ${name}`,
    );
  }
  const file = await host.files.read(path, { maxBytes: MAX_WEIGHT_BYTES });
  const { tensors, facts } = readWeights(file, path);
  const card = { name, provenance: { source: registry.get(name)!.weights!.url } };
  return withOrigin(nativeModel(defineFromCheckpoint(name, facts, options.config), tensors, card), file);
}

function fromBytes(bytes: Uint8Array, where: string, options: LoadOptions): LoadedModel {
  if (isOnnx(bytes)) {
    refuseChanges(where, options);
    return onnxModel(bytes, where);
  }
  const { definition, tensors, notes, pretext } = recogniseCheckpoint(readWeights(bytes, where), where, options);
  for (const note of notes) options.onNotice?.(`saccade: ${where}: ${note}`);
  const card = { name: where, ...(pretext === undefined ? {} : { pretext }) };
  return withOrigin(nativeModel(definition, tensors, card), bytes);
}

/** An ONNX file is what it is, and to pass over the wish in silence would let people believe it was changed. */
function refuseChanges(where: string, { architecture, config = {} }: LoadOptions): void {
  const fields = Object.keys(config);
  if (architecture === undefined && fields.length === 0) return;
  const wish = fields.length > 0 ? `its ${fields.join(", ")} cannot be changed` : "it has no other architecture";
  throw new UsageError(`${where} is an ONNX file: ${wish}`, "leave --tokens, --config and --architecture out");
}

/**
 * Reads a folder whose model is one of our architectures: our own layout, timm's or transformers' (folder.ts).
 *
 * @throws NotFoundError, FormatError, WeightsMismatchError or UsageError
 */
export async function readModelFolder(
  files: Files,
  folder: string,
  options: LoadOptions = {},
  name = folder,
): Promise<NativeModel> {
  return requireNative(await loadFolder(files, folder, options, name));
}

/** Any folder with a model, an ONNX file's too. Throws as `readModelFolder`. */
export async function loadFolder(
  files: Files,
  folder: string,
  options: LoadOptions = {},
  name = folder,
): Promise<LoadedModel> {
  const found = await readFolder(files, folder, options);
  if (found.kind === "onnx") {
    const { bytes } = await readOnnxFolder(files, folder, found);
    const { kind, card } = onnxModel(bytes, name);
    return { kind, bytes, card: { ...found.card, ...card } };
  }
  const { file, adoptNames } = found;
  const definition = definitionOf(file, options.config);
  const takesTexts = definition.architecture.input(definition.config).kind === "text";
  if (options.seesPictures !== false && !takesTexts) requireTransform(found, folder);
  const { tensors, unread, file: read } = await readWeightsAt(files, await requireWeights(files, folder));
  const learnt = await readHeadWeights(files, folder, file);
  const card = cardOf(options.config === undefined ? file : forChangedModel(file, definition), name);
  const weights = new Map([...adoptNames(tensors), ...learnt]);
  const model = nativeModel(definition, weights, card, unread);
  return withVocabulary(files, folder, read === undefined ? model : withOrigin(model, read));
}

/** Models of one family in transformers are prepared for in different ways, so theirs is not guessed. */
function requireTransform({ layout, file }: NativeFolder, folder: string): void {
  if (layout !== "transformers" || file.transform !== undefined) return;
  throw new NotFoundError(
    "preprocessor_config.json",
    folder,
    "copy it from the model that this one was made from, or say how pictures are prepared, with --transform: saccade convert FOLDER OUT --transform '…'",
  );
}

/**
 * Changed fields may ask for other preprocessing. What only repeats the configuration's own goes with it; of any other, the sizes are made
 * those of the pictures that the model takes now.
 */
function forChangedModel(file: ConfigFile, { architecture, config: changed }: ModelDefinition): ConfigFile {
  const { config } = defineModel(file.architecture, file.config);
  const { transform, ...rest } = file;
  if (transform === undefined || transform === architecture.transform?.(config)) return rest;
  const [before, now] = [sizeOf(architecture.input(config)), sizeOf(architecture.input(changed))];
  if (before === "free" || now === "free" || isSameSize(before, now)) return file;
  const steps = parseTransform(transform);
  if (!isSameSize(fixedOutputSize(steps), before)) return file;
  const scaled = atResolution(steps, Math.min(now.width, now.height));
  return isSameSize(fixedOutputSize(scaled), now) ? { ...file, transform: printTransform(scaled) } : file;
}

function sizeOf(input: ReturnType<ModelDefinition["architecture"]["input"]>): PixelSize | "free" {
  return input.kind === "text" ? "free" : input.size;
}

function isSameSize(a: PixelSize | undefined, b: PixelSize): boolean {
  return a?.width === b.width && a.height === b.height;
}

/** How weights are stored: each in its own precision, or matrices in eight bits a value, half the size of float16. */
export type WeightStorage = "own" | "int8";

/** Writes a model folder. Each file is written whole or not at all; config.json comes last, so a folder with one is complete. */
export async function writeModelFolder(
  files: Files,
  folder: string,
  model: NativeModel,
  storage: WeightStorage = "own",
): Promise<void> {
  const { definition, card, weights } = model;
  await files.makeDirectory(folder);
  const bytes =
    storage === "own"
      ? writeSafetensors(weights, { format: "pt" })
      : writeSafetensors(packInt8Rows(weights), { format: "pt", ...int8RowsMetadata });
  await files.writeAtomic(files.join(folder, "model.safetensors"), bytes);
  const { vocabulary } = card;
  if (vocabulary !== undefined) await writeVocabulary(files, folder, vocabulary);
  const file: ConfigFile = {
    architecture: definition.architecture.name,
    config: definition.config as Record<string, unknown>,
    ...cardEntries(card),
    ...(definition.learnt === undefined ? {} : { head: definition.learnt.head }),
  };
  await files.writeAtomic(files.join(folder, "config.json"), printConfigFile(file));
}

/** Throws FormatError: for callers that need an architecture of this library. */
export function requireNative(model: LoadedModel): NativeModel {
  if (model.kind === "native") return model;
  throw new FormatError(model.card.name, "this is an ONNX file, but a model folder or a checkpoint is needed here");
}
