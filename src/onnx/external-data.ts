// Tensors whose values are in files beside the ONNX file, as exporters write large models: which bytes of which file they are, and one file that
// holds them all. Engines look such files up on their own, each in its own way or not at all; so they never get to see one.
import { FormatError, LimitError } from "../errors.ts";
import { onnxByteLength } from "./dtypes.ts";
import { MAX_MODEL_BYTES } from "./serialize.ts";
import { fieldHead, joinPieces, rewriteTensors, visitTensors, withoutFields } from "./tensors.ts";
import { integers, MAX_ENTRIES, MAX_RANK, message, readFields, text } from "./wire.ts";

/** Where the values of a tensor are. */
export interface ExternalTensor {
  readonly name: string;
  /** As the file says it: a path relative to its folder. Anything may be in it. */
  readonly location: string;
  /** Of the first byte. */
  readonly offset: number;
  /** In bytes, as many as the tensor's shape and type take. */
  readonly length: number;
}

const DATA_LOCATION = 14;
const EXTERNAL_DATA = 13;
const RAW_DATA = 9;
/** TensorProto.DataLocation */
const EXTERNAL = 1;

/**
 * The tensors of a file that are kept in other files.
 *
 * @param name of the model, for messages
 * @throws FormatError for places that cannot be; LimitError for more tensors than any honest file has
 */
export function externalTensors(bytes: Uint8Array, name: string): ExternalTensor[] {
  const found: ExternalTensor[] = [];
  visitTensors(bytes, (tensor) => {
    const external = externalTensor(tensor, name);
    if (external === undefined) return;
    if (found.length >= MAX_ENTRIES)
      throw new LimitError(`tensors of ${name} in other files`, found.length + 1, MAX_ENTRIES, "tensors");
    found.push(external);
  });
  return found;
}

/**
 * The model as one file, its other files' bytes inside.
 *
 * @param data the whole of each file by its location
 * @throws LimitError, before anything is allocated, when it would be over 2 GB; FormatError when a file is shorter than its tensors
 */
export function inlineExternalData(bytes: Uint8Array, name: string, data: ReadonlyMap<string, Uint8Array>): Uint8Array {
  requireOneFile(bytes, name, externalTensors(bytes, name));
  const pieces = rewriteTensors(bytes, (tensor) => {
    const external = externalTensor(tensor, name);
    return (
      external && [
        ...withoutFields(tensor, isPlace),
        fieldHead(RAW_DATA, external.length),
        valuesOf(external, name, data),
      ]
    );
  });
  return pieces === undefined ? bytes : joinPieces(pieces);
}

/** Throws LimitError when the tensors do not fit into one file with the model. */
export function requireOneFile(bytes: Uint8Array, name: string, tensors: readonly ExternalTensor[]): void {
  const total = tensors.reduce((sum, { length }) => sum + length, bytes.length);
  if (total <= MAX_MODEL_BYTES) return;
  throw new LimitError(
    `${name} with its weights`,
    total,
    MAX_MODEL_BYTES,
    "bytes",
    "an ONNX file cannot be larger, and what is larger cannot be run here: export the model in float16",
  );
}

/**
 * Bytes alone do not say where their other files are.
 *
 * @throws FormatError for a model that has some
 */
export function requireSelfContained(bytes: Uint8Array, name: string): void {
  const [first] = externalTensors(bytes, name);
  if (first === undefined) return;
  throw new FormatError(
    name,
    `weights are in another file (${JSON.stringify(first.location)}), which bytes cannot say`,
    {
      hint: "give the path of the .onnx file, with that file beside it, or make one file of both: saccade export MODEL.onnx ONE.onnx",
      data: { location: first.location },
    },
  );
}

function externalTensor(tensor: Uint8Array, model: string): ExternalTensor | undefined {
  let name = "";
  let elementType = 0;
  let place = 0;
  const shape: number[] = [];
  const entries = new Map<string, string>();
  readFields(tensor, {
    1: integers((size) => {
      if (shape.length >= MAX_RANK)
        throw new LimitError("dimensions in the ONNX file", shape.length + 1, MAX_RANK, "dimensions");
      shape.push(size);
    }),
    2: integers((value) => {
      elementType = value;
    }),
    8: text((value) => {
      name = value;
    }),
    [EXTERNAL_DATA]: message((entry) => readEntry(entry, entries)),
    [DATA_LOCATION]: integers((value) => {
      place = value;
    }),
  });
  if (place !== EXTERNAL) return undefined;
  const fail = (problem: string) => new FormatError(model, `the tensor "${name}" ${problem}`);
  const location = entries.get("location") ?? "";
  const offset = wholeNumber(entries.get("offset") ?? "0");
  const needed = onnxByteLength(elementType, shape);
  const length = entries.has("length") ? wholeNumber(entries.get("length")!) : needed;
  if (location === "") throw fail("is said to be in another file, but not in which");
  if (offset === undefined || length === undefined || length < 0 || !Number.isSafeInteger(offset + length))
    throw fail(`is at a place that cannot be: ${JSON.stringify(Object.fromEntries(entries))}`);
  if (needed !== undefined && needed !== length)
    throw fail(`has ${length} bytes in ${JSON.stringify(location)}, its shape [${shape.join(", ")}] says ${needed}`);
  return { name, location, offset, length };
}

/** Entries of a tensor's place; more than these few are nobody's. */
const MAX_PLACE_ENTRIES = 32;

function readEntry(bytes: Uint8Array, entries: Map<string, string>): void {
  let key = "";
  let value = "";
  readFields(bytes, {
    1: text((name) => {
      key = name;
    }),
    2: text((content) => {
      value = content;
    }),
  });
  if (entries.size >= MAX_PLACE_ENTRIES)
    throw new LimitError(
      "entries of a tensor's place in the ONNX file",
      entries.size + 1,
      MAX_PLACE_ENTRIES,
      "entries",
    );
  entries.set(key, value);
}

function wholeNumber(digits: string): number | undefined {
  const value = /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** With its place go values of its own, which it should not have. */
const isPlace = (field: number) => field === DATA_LOCATION || field === EXTERNAL_DATA || field === RAW_DATA;

function valuesOf(
  { name, location, offset, length }: ExternalTensor,
  model: string,
  data: ReadonlyMap<string, Uint8Array>,
): Uint8Array {
  const file = data.get(location) ?? new Uint8Array();
  if (offset + length <= file.length) return file.subarray(offset, offset + length);
  throw new FormatError(
    model,
    `the tensor "${name}" is bytes ${offset} to ${offset + length} of ${JSON.stringify(location)}, which has ${file.length}`,
    { hint: "the file beside the model is cut off, or another model's: copy both again" },
  );
}
