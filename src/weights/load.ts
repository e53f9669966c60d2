// One door for weights of every format: the content decides what a file is, its name only helps to explain what went wrong.
import { FormatError } from "../errors.ts";
import type { TensorData } from "../tensor.ts";
import { decodeLatin1, plainBytes } from "./byte-reader.ts";
import { type CheckpointFacts, readFacts } from "./facts.ts";
import { quote } from "./quote.ts";
import { MAX_HEADER_BYTES, readSafetensors } from "./safetensors.ts";
import { findStateDict, flattenTensors } from "./state-dict.ts";
import { LEGACY_MAGIC, readTorch } from "./torch.ts";
import { prefixNotes, stripWrapperPrefixes } from "./wrapper-prefixes.ts";

export type WeightsFormat = "safetensors" | "torch-zip" | "torch-legacy";

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
 * Reads named weights out of a safetensors file or a PyTorch checkpoint. Where alignment allows, tensors are views into `bytes`.
 * @param fileName only used in messages.
 * @throws FormatError that says what the file is instead, or what is wrong with it; LimitError when it exceeds a bound.
 * @example
 * const { tensors, notes } = readWeights(bytes, "sparseformer_v1_tiny.pth");
 */
export function readWeights(bytes: Uint8Array, fileName?: string, options: ReadWeightsOptions = {}): Weights {
  const file = plainBytes(bytes);
  if (looksLikeSafetensors(file) || (fileName?.endsWith(".safetensors") === true && whatInstead(file) === undefined))
    return fromSafetensors(file, options.all === true);
  if (!startsWith(file, [0x50, 0x4b, 3, 4]) && !startsWith(file, LEGACY_MAGIC)) throw notWeights(file, fileName);
  const { format, root, notes } = readTorch(file);
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

/** A sentence about tensors that were left out; none where nothing was. */
function unreadNotes(unread: ReadonlyMap<string, string>): string[] {
  const list = [...unread].slice(0, 8).map(([name, kind]) => `${quote(name)} (${kind})`);
  const rest = unread.size - list.length;
  return unread.size === 0
    ? []
    : [`tensors of kinds that are not read were left out: ${list.join(", ")}${rest > 0 ? `, and ${rest} more` : ""}`];
}

function fromSafetensors(file: Uint8Array, all: boolean): Weights {
  const { tensors: named, metadata } = readSafetensors(file);
  const { tensors, strippedPrefixes } = all ? { tensors: named, strippedPrefixes: [] } : stripWrapperPrefixes(named);
  const notes = prefixNotes(strippedPrefixes);
  return { format: "safetensors", tensors, metadata, facts: {}, notes, unread: new Map() };
}

function startsWith(file: Uint8Array, magic: readonly number[], at = 0): boolean {
  return magic.every((byte, i) => file[at + i] === byte);
}

/** A plausible header length and the brace that must follow it. */
function looksLikeSafetensors(file: Uint8Array): boolean {
  if (file.length < 10 || file[8] !== 0x7b) return false;
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true);
  return length <= BigInt(MAX_HEADER_BYTES);
}

const MAGICS: readonly { magic: readonly number[]; at?: number; what: string; hint: string }[] = [
  { magic: [0x1f, 0x8b], what: "a gzip archive", hint: "unpack it first: gunzip FILE" },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], what: "a Zstandard archive", hint: "unpack it first: zstd -d FILE" },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], what: "an xz archive", hint: "unpack it first: unxz FILE" },
  { magic: [0x75, 0x73, 0x74, 0x61, 0x72], at: 257, what: "a tar archive", hint: "unpack it first: tar -xf FILE" },
  {
    magic: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59],
    what: "a NumPy array",
    hint: "weights are named tensors: save them as safetensors",
  },
  { magic: [0x89, 0x48, 0x44, 0x46], what: "an HDF5 file (Keras)", hint: "save the weights as safetensors" },
  { magic: [0x47, 0x47, 0x55, 0x46], what: "a GGUF file", hint: "save the weights as safetensors" },
];

/** What a file that is no weights is instead, as far as its first bytes tell. */
function whatInstead(file: Uint8Array): { what: string; hint: string } | undefined {
  if (file.length === 0) return { what: "an empty file", hint: "download it again" };
  const known = MAGICS.find(({ magic, at }) => startsWith(file, magic, at));
  if (known !== undefined) return known;
  const text = decodeLatin1(file.subarray(0, 512)).trimStart();
  if (/^(<!doctype|<html|<head|<\?xml|<error)/i.test(text))
    return { what: "a web page, not a file of weights", hint: "the download link led to a page; use the direct link" };
  if (text.startsWith("version https://git-lfs.github.com/spec"))
    return { what: "a git-lfs pointer, not the file itself", hint: "fetch the file: git lfs pull" };
  if (/^[{[]\s*["\]}{[]/.test(text)) return { what: "a JSON text", hint: "give the file of weights beside it" };
  if (looksLikeOnnx(file))
    return { what: "an ONNX model", hint: "an ONNX model runs as it is; it is not a checkpoint" };
  if (file[0] === 0x80 && file[1]! >= 2 && file[1]! <= 5)
    return {
      what: "a plain pickle, not a PyTorch checkpoint",
      hint: "save the weights with torch.save or as safetensors",
    };
  return undefined;
}

/** ModelProto begins with ir_version (field 1, a small varint) and then another of its first fields. */
function looksLikeOnnx(file: Uint8Array): boolean {
  return (
    file[0] === 0x08 && file[1]! >= 1 && file[1]! <= 32 && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].includes(file[2]!)
  );
}

function notWeights(file: Uint8Array, fileName: string | undefined): FormatError {
  const subject = fileName ?? "the file";
  const instead = whatInstead(file);
  if (instead !== undefined) return new FormatError("weights", `${subject} is ${instead.what}`, { hint: instead.hint });
  return new FormatError("weights", `${subject} is neither safetensors nor a PyTorch checkpoint`, {
    hint: "the file may be cut off or damaged; weights are read from .safetensors, .pth and .pt files",
  });
}
