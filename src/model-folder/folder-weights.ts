// The weights of a model folder: one file, or shards with an index that says which tensor is in which.
import { z } from "zod";
import { FormatError, LimitError, NotFoundError } from "../errors.ts";
import { faultsText } from "../models/check-config.ts";
import type { Files } from "../platform/host.ts";
import type { TensorData } from "../tensor.ts";
import { decodeText } from "../text-file.ts";
import { readWeights, type Weights } from "../weights/load.ts";

/** The largest weight file that is read, and the most that shards may be together: beyond it a file is a mistake, or needs another tool. */
export const MAX_WEIGHT_BYTES = 16 * 2 ** 30;

/** In the order in which they are looked for. */
const WHOLE = ["model.safetensors", "pytorch_model.bin", "model.pth", "model.pt", "model.pth.tar"];
const INDICES = ["model.safetensors.index.json", "pytorch_model.bin.index.json"];

/** Weights for other frameworks, and what to do about them. */
const FOREIGN: readonly (readonly [name: string, framework: string])[] = [
  ["tf_model.h5", "TensorFlow"],
  ["flax_model.msgpack", "Flax"],
  ["rust_model.ot", "tch-rs"],
  ["saved_model.pb", "TensorFlow"],
];

/** Where a folder's weights are. */
export interface WeightsPlace {
  /** The file, or the index of several. */
  readonly path: string;
  readonly isIndex: boolean;
}

export interface FolderWeights extends Weights {
  /** Bytes of all files that hold tensors. */
  readonly fileBytes: number;
  /** The file, where it is one. */
  readonly file?: Uint8Array;
}

/** The weight file of a model folder, or the index of its shards; undefined when it has neither. */
export async function findWeights(files: Files, folder: string): Promise<WeightsPlace | undefined> {
  for (const [names, isIndex] of [
    [WHOLE.slice(0, 1), false],
    [INDICES.slice(0, 1), true],
    [WHOLE.slice(1), false],
    [INDICES.slice(1), true],
  ] as const)
    for (const name of names) {
      const path = files.join(folder, name);
      if ((await files.stat(path)) !== undefined) return { path, isIndex };
    }
  return undefined;
}

/** Throws NotFoundError when a folder has no weights that are read here. */
export async function requireWeights(files: Files, folder: string): Promise<WeightsPlace> {
  const found = await findWeights(files, folder);
  if (found !== undefined) return found;
  for (const [name, framework] of FOREIGN)
    if ((await files.stat(files.join(folder, name))) !== undefined)
      throw new NotFoundError(
        "model.safetensors",
        folder,
        `its weights are ${framework}'s (${name}); save them as model.safetensors, or export the model to ONNX`,
      );
  throw new NotFoundError("model.safetensors", folder, "a model folder holds config.json and model.safetensors");
}

/**
 * Reads what `requireWeights` found.
 *
 * @throws FormatError for an index that names files outside of its folder, or tensors that are not where it says; NotFoundError for a missing
 * shard; LimitError for more than 16 GiB
 */
export async function readWeightsAt(
  files: Files,
  { path, isIndex }: WeightsPlace,
  read: (bytes: Uint8Array, path: string) => Weights = readWeights,
): Promise<FolderWeights> {
  if (isIndex) return readShards(files, path);
  const bytes = await files.read(path, { maxBytes: MAX_WEIGHT_BYTES });
  return { ...naming(path, () => read(bytes, path)), fileBytes: bytes.length, file: bytes };
}

/** The user named a folder, so what is wrong with the bytes of a file says which file it is. */
function naming<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError) || error.message.includes(path)) throw error;
    throw new FormatError(path, error.message, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}

const indexSchema = z.looseObject({ weight_map: z.record(z.string().max(4096), z.string().min(1).max(255)) });

const MAX_INDEX_BYTES = 64 * 2 ** 20;
const MAX_SHARDS = 1000;

async function readShards(files: Files, index: string): Promise<FolderWeights> {
  const places = await readIndex(files, index);
  const shards = [...new Set(places.values())].sort();
  if (shards.length > MAX_SHARDS) throw new LimitError(`${index}: shards`, shards.length, MAX_SHARDS, "files");
  const tensors = new Map<string, TensorData>();
  const parts: Weights[] = [];
  let fileBytes = 0;
  for (const shard of shards) {
    const bytes = await readShard(files, index, shard, MAX_WEIGHT_BYTES - fileBytes);
    fileBytes += bytes.length;
    const part = naming(shard, () => readWeights(bytes, shard, { all: true })); // under the names that the index has
    parts.push(part);
    for (const [name, tensor] of part.tensors) {
      // What the index does not know is kept: whether the model has a use for it is decided where it is fitted.
      if ((places.get(name) ?? shard) === shard) tensors.set(name, tensor);
    }
  }
  const unread = new Map(parts.flatMap((part) => [...part.unread]));
  const missing = [...places].find(([name]) => !tensors.has(name) && !unread.has(name));
  if (missing !== undefined)
    throw new FormatError(index, `it says that ${missing[1]} holds ${JSON.stringify(missing[0])}, which it does not`, {
      hint: "the index and its shards are of different models, or a shard is incomplete; download all of them again",
    });
  const [first] = parts;
  if (first === undefined) throw new FormatError(index, "it lists no tensors");
  const notes = [...new Set(parts.flatMap((part) => part.notes))];
  return { ...first, tensors, unread, notes: [`${shards.length} shards`, ...notes], fileBytes };
}

async function readShard(files: Files, index: string, shard: string, maxBytes: number): Promise<Uint8Array> {
  // Shards lie beside their index; a name with a folder in it is none that anything writes.
  if (/[/\\]/.test(shard))
    throw new FormatError(index, `it names the file ${JSON.stringify(shard)}, which is not in its folder`);
  try {
    return await files.readBeside(index, shard, { maxBytes });
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw new NotFoundError("shard", shard, `${index} lists it; download all shards into one folder`);
  }
}

/** Tensor -> shard. */
async function readIndex(files: Files, path: string): Promise<ReadonlyMap<string, string>> {
  const text = decodeText(await files.read(path, { maxBytes: MAX_INDEX_BYTES }), path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(path, `not valid JSON (${(cause as Error).message})`, { cause });
  }
  const parsed = indexSchema.safeParse(json);
  if (!parsed.success) throw new FormatError(path, faultsText(parsed.error));
  return new Map(Object.entries(parsed.data.weight_map));
}
