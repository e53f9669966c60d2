// A learnt model's folder, written and read again to learn on. The model under the head never changes. What does (the head's weights, the features that
// it was learnt from) is in files that carry a digest in their names, and config.json says which: until it is replaced, in one step, the folder is
// what it was, and from then on it is what it became.
import { UsageError } from "../errors.ts";
import type { LearntHead } from "../models/learnt-head/head.ts";
import type { DigestHost, Files, Host } from "../platform/host.ts";
import type { TensorData } from "../tensor.ts";
import { writeSafetensors } from "../weights/safetensors.ts";
import { type ConfigFile, cardEntries, printConfigFile } from "./config-file.ts";
import { BACKBONE_FILE, ONNX_ARCHITECTURE, readFolder } from "./folder.ts";
import { MAX_WEIGHT_BYTES } from "./folder-weights.ts";
import { learntEntry } from "./learnt-entry.ts";
import { loadFolder } from "./load.ts";
import type { LearntFacts, LoadedModel, ModelCard, NativeModel } from "./model.ts";
import { backboneModel } from "./native.ts";
import { wholeOnnx } from "./onnx-file.ts";
import { onnxModel } from "./onnx-model.ts";

/** Everything that a learnt model's folder holds. */
export interface LearntParts {
  readonly backbone: LoadedModel;
  readonly head: LearntHead;
  readonly weights: ReadonlyMap<string, TensorData>;
  /** Labels, preprocessing, licence, facts: what the learnt model says about itself. */
  readonly card: ModelCard & { readonly learnt: LearntFacts };
  /** The features that it was learnt from, as the bytes of a Parquet file. */
  readonly examples: Uint8Array;
}

type WritingHost = Pick<Host, "files"> & DigestHost;

/**
 * Writes a new folder, or none: until it is whole it has another name.
 *
 * @returns the path of the features that it was learnt from
 * @throws UsageError where something is in the way; SaccadeError "in_use" while somebody else writes it
 */
export async function writeLearntFolder(host: WritingHost, folder: string, parts: LearntParts): Promise<string> {
  const { files } = host;
  await requireFree(files, folder);
  const begun = `${folder.replace(/[/\\]+$/, "")}.unfinished`;
  await files.makeDirectory(begun);
  await using _ = await files.lock(begun);
  for (const { path, name } of await entriesOf(files, begun)) {
    if (name === LOCK_FILE) continue;
    if (!BEGUN_FILE.test(name))
      throw new UsageError(`${begun} is in the way: it holds ${name}`, "move it, or name another folder");
    await files.remove(path); // what somebody interrupted
  }
  const { backbone } = parts;
  if (backbone.kind === "onnx") await files.writeAtomic(files.join(begun, BACKBONE_FILE), backbone.bytes);
  else
    await files.writeAtomic(
      files.join(begun, "model.safetensors"),
      writeSafetensors(backbone.weights, { format: "pt" }),
    );
  const { examples } = await writeHead(host, begun, parts);
  await requireFree(files, folder);
  await files.rename(begun, folder);
  await files.remove(files.join(folder, LOCK_FILE)); // it went along
  return files.join(folder, examples);
}

async function requireFree(files: Files, folder: string): Promise<void> {
  if ((await files.stat(folder)) !== undefined)
    throw new UsageError(`${folder} is there already`, "name another folder");
}

/** Changes what a folder has learnt; the model under it stays. Gives the path of the features that it was learnt from. */
export async function updateLearntFolder(host: WritingHost, folder: string, parts: LearntParts): Promise<string> {
  const { files } = host;
  const kept = await writeHead(host, folder, parts);
  for (const { path, name } of await entriesOf(files, folder))
    if (LEARNT_FILE.test(name) && !Object.values(kept).includes(name)) await files.remove(path);
  return files.join(folder, kept.examples);
}

const LEARNT_FILE = /^(head|examples)-[0-9a-f]{16}\.(safetensors|parquet)$/;
/** What this writes into a folder that is not whole, under its name or first under another. */
const BEGUN_FILE =
  /^\.?((head|examples)-[0-9a-f]{16}\.(safetensors|parquet)|model\.safetensors|backbone\.onnx|config\.json)(\..*\.tmp)?$/;
const LOCK_FILE = ".lock";

async function entriesOf(files: Files, folder: string) {
  return (await files.list(folder)).map(({ path }) => ({ path, name: path.replace(/^.*[/\\]/, "") }));
}

/** @returns the names of the files that config.json names */
async function writeHead(host: WritingHost, folder: string, parts: LearntParts) {
  const { files } = host;
  const { backbone, head, weights, card, examples } = parts;
  const headBytes = writeSafetensors(weights, { format: "pt" });
  const digest = async (bytes: Uint8Array) => (await host.sha256(bytes)).slice(0, 16);
  const names = {
    weights: `head-${await digest(headBytes)}.safetensors`,
    examples: `examples-${await digest(examples)}.parquet`,
  };
  await files.writeAtomic(files.join(folder, names.weights), headBytes);
  await files.writeAtomic(files.join(folder, names.examples), examples);
  const file: ConfigFile = {
    ...architectureOf(backbone),
    ...cardEntries(card),
    head,
    learnt: learntEntry(card.learnt, names),
  };
  await files.writeAtomic(files.join(folder, "config.json"), printConfigFile(file));
  return names;
}

function architectureOf(backbone: LoadedModel): Pick<ConfigFile, "architecture" | "config"> {
  if (backbone.kind === "onnx") return { architecture: ONNX_ARCHITECTURE, config: {} };
  const { architecture, config } = backbone.definition;
  return { architecture: architecture.name, config: config as Record<string, unknown> };
}

/** A learnt model's folder, as it is read to learn on. */
export interface LearntFolder {
  readonly backbone: LoadedModel;
  readonly head: LearntHead;
  readonly card: ModelCard & { readonly learnt: LearntFacts };
  /** Path of the features that it was learnt from. */
  readonly examples: string;
}

/** @throws UsageError for a folder that is no learnt model, or has lost what it was learnt from; what reading folders throws */
export async function readLearntFolder(files: Files, folder: string): Promise<LearntFolder> {
  const found = await readFolder(files, folder);
  const head = found.file?.head;
  const examples = found.file?.learnt?.examples;
  if (head === undefined)
    throw new UsageError(`the model in ${folder} was not made by learning`, `make one: saccade learn DATA --out NAME`);
  if (examples === undefined)
    throw new UsageError(
      `${folder} has not kept what it was learnt from, so it cannot learn on`,
      "learn anew: saccade learn DATA --out NAME",
    );
  const model = await loadFolder(files, folder);
  const { learnt } = model.card;
  if (learnt === undefined) throw new UsageError(`${folder} does not say how it was learnt`);
  const backbone =
    found.kind === "native"
      ? backboneModel(model as NativeModel)
      : await foreignBackbone(files, found.path, model.card);
  return { backbone, head, card: { ...model.card, learnt }, examples: files.join(folder, examples) };
}

async function foreignBackbone(files: Files, path: string, card: ModelCard): Promise<LoadedModel> {
  const { bytes } = await wholeOnnx(files, path, await files.read(path, { maxBytes: MAX_WEIGHT_BYTES }));
  const model = onnxModel(bytes, path);
  // What the file does not say of its pictures was said when it was learnt on.
  return { ...model, card: { ...model.card, ...(card.transform === undefined ? {} : { transform: card.transform }) } };
}
