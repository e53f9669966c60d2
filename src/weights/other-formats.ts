// What a file is that is no file of weights, as far as its content tells at little cost, and what to do with it.
import { decodeLatin1 } from "./byte-reader.ts";

function ascii(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0));
}

export function startsWith(file: Uint8Array, magic: readonly number[], at = 0): boolean {
  return magic.every((byte, i) => file[at + i] === byte);
}

/** A kind of file, and what to do with it. */
export interface OtherFormat {
  readonly what: string;
  readonly hint: string;
}

const TO_ONNX = "models run here as ONNX: ";

const MAGICS: readonly (OtherFormat & { magic: readonly number[]; at?: number })[] = [
  { magic: [0x1f, 0x8b], what: "a gzip archive", hint: "unpack it first: gunzip FILE" },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], what: "a Zstandard archive", hint: "unpack it first: zstd -d FILE" },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], what: "an xz archive", hint: "unpack it first: unxz FILE" },
  { magic: [0x75, 0x73, 0x74, 0x61, 0x72], at: 257, what: "a tar archive", hint: "unpack it first: tar -xf FILE" },
  {
    magic: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59],
    what: "a NumPy array",
    hint: "weights are named tensors: save them as safetensors",
  },
  {
    magic: [0x89, 0x48, 0x44, 0x46],
    what: "an HDF5 file (Keras)",
    hint: `${TO_ONNX}python -m tf2onnx.convert --keras FILE --output model.onnx`,
  },
  {
    magic: ascii("TFL3"),
    at: 4,
    what: "a TensorFlow Lite model",
    hint: `${TO_ONNX}python -m tf2onnx.convert --tflite FILE --output model.onnx`,
  },
  {
    magic: ascii("ORTM"),
    at: 4,
    what: "a model in ONNX Runtime's own format",
    hint: "give the .onnx file that it was made from",
  },
  {
    magic: ascii("ftrt"),
    what: "a TensorRT engine",
    hint: "give the .onnx file that it was made from: an engine runs on one kind of GPU alone",
  },
  { magic: [0x47, 0x47, 0x55, 0x46], what: "a GGUF file", hint: "save the weights as safetensors" },
];

/** What a file that is no weights is instead, as far as its first bytes tell. */
export function whatInstead(file: Uint8Array): OtherFormat | undefined {
  if (file.length === 0) return { what: "an empty file", hint: "download it again" };
  const known = MAGICS.find(({ magic, at }) => startsWith(file, magic, at));
  if (known !== undefined) return known;
  const text = decodeLatin1(file.subarray(0, 512)).trimStart();
  if (/^(<\?xml[^>]*>\s*)?<net\s/i.test(text))
    return { what: "an OpenVINO model", hint: "give the .onnx file that it was made from" };
  if (/^(<!doctype|<html|<head|<\?xml|<error)/i.test(text))
    return { what: "a web page, not a file of weights", hint: "the download link led to a page; use the direct link" };
  if (text.startsWith("version https://git-lfs.github.com/spec"))
    return { what: "a git-lfs pointer, not the file itself", hint: "fetch the file: git lfs pull" };
  if (/^[{[]\s*["\]}{[]/.test(text))
    return { what: "a JSON text", hint: "give the folder that it is in, or a file of weights beside it" };
  const message = protobufFormat(file);
  if (message !== undefined) return message;
  return undefined;
}

// --- protobuf, which has no magic number: models are told apart by their outermost fields -----------------------------------------------

interface Field {
  readonly field: number;
  /** 0: a whole number, 2: bytes. */
  readonly wire: number;
  readonly value: number;
  /** Where the bytes of wire type 2 are. */
  readonly start: number;
  readonly end: number;
  /** Whether the file goes on until there. */
  readonly isWhole: boolean;
}

/** Fields that are looked at; the first ones tell. */
const MOST_FIELDS = 32;

/** The first fields between two places; fewer where the bytes are no protobuf. They may claim to end beyond the file, which may be its beginning. */
function fieldsOf(file: Uint8Array, start: number, end: number): Field[] {
  const fields: Field[] = [];
  let at = start;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 63 && at < end; shift += 7) {
      const byte = file[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  while (at < end && fields.length < MOST_FIELDS) {
    const tag = varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    const value = wire === 0 || wire === 2 ? varint() : Number.NaN;
    if (!(field >= 1) || Number.isNaN(value)) break;
    const from = at;
    if (wire === 2) at += value;
    fields.push({ field, wire, value, start: from, end: Math.min(at, end), isWhole: at <= end });
  }
  return fields;
}

/** ModelProto.configuration. */
const LAST_ONNX_FIELD = 26;

function protobufFormat(file: Uint8Array): OtherFormat | undefined {
  const fields = fieldsOf(file, 0, file.length);
  const [first, second] = fields;
  if (first === undefined) return undefined;
  if (first.field === 1 && first.wire === 2) return isGraphDef(file, first) ? GRAPH_DEF : undefined;
  if (first.field !== 1 || first.wire !== 0 || !(first.value >= 1 && first.value <= 1000)) return undefined;
  // The second field is a text in ONNX (who made it), a message in a SavedModel.
  const isMessage = second?.field === 2 && [0x0a, 0x12].includes(file[second.start]!);
  if (isMessage && fields.every(({ field }) => field <= 2)) return SAVED_MODEL;
  if (fields.some(({ field, wire }) => field >= 200 && wire === 2)) return CORE_ML;
  if (fields.some(({ field, wire }) => field > LAST_ONNX_FIELD || (field === 7 && wire !== 2))) return undefined;
  if (fields.some(({ field, isWhole }) => field === 7 && isWhole)) return ONNX;
  return fields.some(({ wire }) => wire === 2) ? CUT_ONNX : undefined;
}

/** Repeated nodes: NodeDef { name = 1, op = 2 }. */
function isGraphDef(file: Uint8Array, { start, end }: Field): boolean {
  const [name, op] = fieldsOf(file, start, end);
  if (name?.field !== 1 || op?.field !== 2 || name.wire !== 2 || op.wire !== 2) return false;
  return /^[A-Z_]\w*$/.test(decodeLatin1(file.subarray(op.start, op.end)).slice(0, 100));
}

const SAVED_MODEL: OtherFormat = {
  what: "a TensorFlow SavedModel",
  hint: `${TO_ONNX}python -m tf2onnx.convert --saved-model FOLDER --output model.onnx`,
};
const GRAPH_DEF: OtherFormat = {
  what: "a frozen TensorFlow graph",
  hint: `${TO_ONNX}python -m tf2onnx.convert --graphdef FILE --inputs … --outputs … --output model.onnx`,
};
const CORE_ML: OtherFormat = {
  what: "a Core ML model",
  hint: "export the model that it was made from to ONNX",
};
const ONNX: OtherFormat = {
  what: "an ONNX model",
  hint: "an ONNX model runs as it is; it is not a checkpoint",
};
const CUT_ONNX: OtherFormat = {
  what: "the beginning of an ONNX model, or one that is damaged",
  hint: "download or export it again",
};
