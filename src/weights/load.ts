// One door for weights of every format: the content decides what a file is, its name only helps to explain what went wrong.
import { FormatError } from "../errors.ts";
import type { TensorData } from "../tensor.ts";
import { plainBytes } from "./byte-reader.ts";
import { type CheckpointFacts, readFacts } from "./facts.ts";
import { isInt8Rows, unpackInt8Rows } from "./int8-rows.ts";
import { isPickle, readNumpyPickle } from "./numpy-pickle.ts";
import { startsWith, whatInstead } from "./other-formats.ts";
import type { PickleValue } from "./pickle-values.ts";
import { quote } from "./quote.ts";
import { MAX_HEADER_BYTES, readSafetensors } from "./safetensors.ts";
import { findStateDict, flattenTensors } from "./state-dict.ts";
import { describeForeign, LEGACY_MAGIC, readTorch } from "./torch.ts";
import { prefixNotes, stripWrapperPrefixes } from "./wrapper-prefixes.ts";

export type WeightsFormat = "safetensors" | "torch-zip" | "torch-legacy" | "numpy-pickle";

export interface Weights {
  readonly format: WeightsFormat;
  readonly tensors: Map<string, TensorData>;
  /** A safetensors file's metadata; empty for PyTorch. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What a PyTorch checkpoint says beside its weights; empty for safetensors. */
  readonly facts: CheckpointFacts;
  /** What was chosen or left out, in sentences. */
  readonly notes: readonly string[];
  /** Tensors that were left out, because nothing here reads their kind: name and kind ("sparse", "float8_e4m3fn"). */
  readonly unread: ReadonlyMap<string, string>;
}

export interface ReadWeightsOptions {
  /** PyTorch only: takes this entry of the checkpoint ("model_ema"). */
  readonly entry?: string;
  /** All tensors by their full path ("model.proj.weight", "optimizer.state.0.exp_avg") instead of one model's. */
  readonly all?: boolean;
}

/**
 * Reads named weights out of a safetensors file, a PyTorch checkpoint, or a pickle of NumPy arrays (detectron2's .pkl). Where alignment allows, tensors are views into `bytes`.
 * @param fileName only used in messages.
 * @throws FormatError that says what the file is instead, or what is wrong with it; LimitError when it exceeds a bound.
 * @example
 * const { tensors, notes } = readWeights(bytes, "sparseformer_v1_tiny.pth");
 */
export function readWeights(bytes: Uint8Array, fileName?: string, options: ReadWeightsOptions = {}): Weights {
  const file = plainBytes(bytes);
  if (looksLikeSafetensors(file) || (fileName?.endsWith(".safetensors") === true && whatInstead(file) === undefined))
    return fromSafetensors(file, options.all === true);
  const { format, root, notes } = readPickled(file, fileName);
  if (options.all === true) {
    const all = flattenTensors(root);
    return { format, ...all, metadata: {}, facts: {}, notes: [...unreadNotes(all.unread), ...notes] };
  }
  const found = findStateDict(root, options.entry === undefined ? {} : { entry: options.entry });
  const { tensors, entry, otherCandidates, strippedPrefixes, unread } = found;
  return {
    format,
    tensors,
    metadata: {},
    facts: readFacts(root),
    notes: [
      ...(entry === ""
        ? []
        : [
            entry.includes(", ")
              ? `the weights are those of the entries ${entry}`
              : `the weights are those of the entry ${quote(entry)}`,
          ]),
      ...(otherCandidates.length === 0
        ? []
        : [`other entries hold tensors too: ${otherCandidates.slice(0, 20).map(quote).join(", ")}`]),
      ...prefixNotes(strippedPrefixes),
      ...unreadNotes(unread),
      ...notes,
    ],
    unread,
  };
}

function readPickled(
  file: Uint8Array,
  fileName: string | undefined,
): Pick<Weights, "format" | "notes"> & { readonly root: PickleValue } {
  if (startsWith(file, [0x50, 0x4b, 3, 4]) || startsWith(file, LEGACY_MAGIC)) return readTorch(file);
  if (!isPickle(file)) throw notWeights(file, fileName);
  const { root, foreign } = readNumpyPickle(file);
  return { format: "numpy-pickle", root, notes: describeForeign(foreign) };
}

/** A sentence about tensors that were left out; none where nothing was. */
function unreadNotes(unread: ReadonlyMap<string, string>): string[] {
  const list = [...unread].slice(0, 8).map(([name, kind]) => `${quote(name)} (${kind})`);
  const rest = unread.size - list.length;
  return unread.size === 0
    ? []
    : [`tensors of kinds that are not read were left out: ${list.join(", ")}${rest > 0 ? `, and ${rest} more` : ""}`];
}

function fromSafetensors(file: Uint8Array, all: boolean): Weights {
  const { tensors: stored, metadata } = readSafetensors(file);
  const named = isInt8Rows(metadata) ? unpackInt8Rows(stored) : stored;
  const { tensors, strippedPrefixes } = all ? { tensors: named, strippedPrefixes: [] } : stripWrapperPrefixes(named);
  const notes = prefixNotes(strippedPrefixes);
  return { format: "safetensors", tensors, metadata, facts: {}, notes, unread: new Map() };
}

/** A plausible header length and the brace that must follow it. */
function looksLikeSafetensors(file: Uint8Array): boolean {
  if (file.length < 10 || file[8] !== 0x7b) return false;
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true);
  return length <= BigInt(MAX_HEADER_BYTES);
}

function notWeights(file: Uint8Array, fileName: string | undefined): FormatError {
  const subject = fileName ?? "the file";
  const instead = whatInstead(file);
  if (instead !== undefined) return new FormatError("weights", `${subject} is ${instead.what}`, { hint: instead.hint });
  const isCalledOnnx = fileName?.toLowerCase().endsWith(".onnx") === true;
  return new FormatError(
    "weights",
    `${subject} is neither ${isCalledOnnx ? "ONNX, " : ""}safetensors nor a PyTorch checkpoint`,
    {
      hint: "the file may be cut off or damaged; weights are read from .safetensors, .pth, .pt and .pkl files, whole models from .onnx files",
    },
  );
}
