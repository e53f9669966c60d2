// Matrices of weights in eight bits a value, for models that travel: a row is whole numbers from -127 to 127 times a scale of its own. In a file, NAME is
// int8 of the usual shape and NAME.int8_scale has the scales; the file's metadata says that they belong together. Everything above gets float16.
import { FormatError } from "../errors.ts";
import { elementCount, lazyTensor, numberToHalf, type TensorData, toFloat32 } from "../tensor.ts";
import { quote } from "./quote.ts";

/** The entry of a safetensors file's metadata that says how its tensors are stored. */
const STORAGE = "saccade.storage";
const INT8_ROWS = "int8_rows";
const SUFFIX = ".int8_scale";
/** Shorter rows gain nothing, and are what a model is touchy about: regions, positions of few numbers. */
const MIN_ROW = 16;

export const int8RowsMetadata = { [STORAGE]: INT8_ROWS } as const;

/** Whether a tensor is stored in eight bits: (rows, …) floats with rows of at least 16 values. */
function hasRows({ dtype, shape }: TensorData): boolean {
  const rows = shape[0] ?? 0;
  const isFloat = dtype === "float32" || dtype === "float16" || dtype === "bfloat16" || dtype === "float64";
  return isFloat && shape.length >= 2 && rows > 1 && elementCount(shape) / rows >= MIN_ROW;
}

/**
 * Tensors as they are stored: matrices as int8 with their scales, other floating-point tensors as float16.
 *
 * @throws FormatError for a matrix with values that are not finite, or with a row beyond float16
 */
export function packInt8Rows(tensors: Iterable<readonly [string, TensorData]>): Map<string, TensorData> {
  const packed = new Map<string, TensorData>();
  for (const [name, value] of tensors) {
    if (!hasRows(value)) {
      packed.set(name, value);
      continue;
    }
    const { shape } = value;
    const rows = shape[0]!;
    const numbers = toFloat32(value);
    const width = numbers.length / rows;
    const data = new Int8Array(numbers.length);
    const scales = new Uint16Array(rows);
    for (let row = 0; row < rows; row++) {
      const values = numbers.subarray(row * width, (row + 1) * width);
      const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      scales[row] = numberToHalf(largest / 127);
      const scale = toFloat32({ dtype: "float16", shape: [1], data: scales.subarray(row, row + 1) })[0]!;
      if (!Number.isFinite(scale) || values.some(Number.isNaN))
        throw new FormatError("weights", `${quote(name)} has values that eight bits a value cannot hold`, {
          hint: "keep it in float32",
        });
      if (scale > 0)
        for (let i = 0; i < width; i++)
          data[row * width + i] = Math.max(-127, Math.min(127, Math.round(values[i]! / scale)));
    }
    packed.set(name, { dtype: "int8", shape, data });
    packed.set(`${name}${SUFFIX}`, { dtype: "float16", shape: [rows], data: scales });
  }
  return packed;
}

/** Whether a file's metadata says that its matrices are stored so. Throws FormatError for another way, which nothing here knows. */
export function isInt8Rows(metadata: Readonly<Record<string, string>>): boolean {
  const storage = Object.hasOwn(metadata, STORAGE) ? metadata[STORAGE] : undefined;
  if (storage !== undefined && storage !== INT8_ROWS)
    throw new FormatError("weights", `its tensors are stored as ${quote(storage)}, which this version does not read`, {
      hint: "a later version of saccade may have written it",
    });
  return storage === INT8_ROWS;
}

/** What `packInt8Rows` made, as float16. Throws FormatError for scales that do not fit their matrix. */
export function unpackInt8Rows(stored: ReadonlyMap<string, TensorData>): Map<string, TensorData> {
  const tensors = new Map<string, TensorData>();
  for (const [name, value] of stored) {
    const scale = stored.get(`${name}${SUFFIX}`);
    if (name.endsWith(SUFFIX) && stored.has(name.slice(0, -SUFFIX.length))) continue;
    tensors.set(name, scale === undefined ? value : scaledRows(name, value, scale));
  }
  return tensors;
}

function scaledRows(name: string, { dtype, shape, data: steps }: TensorData, scale: TensorData): TensorData {
  const [rows = 0] = shape;
  const isScale = scale.dtype === "float16" && scale.shape.length === 1 && scale.shape[0] === rows;
  if (dtype !== "int8" || !(steps instanceof Int8Array) || !isScale)
    throw new FormatError("weights", `${quote(`${name}${SUFFIX}`)} does not fit ${quote(name)}`, {
      hint: `an int8 tensor has one float16 scale for each of its rows; this is ${dtype} [${shape.join(", ")}] with ${scale.dtype} [${scale.shape.join(", ")}]`,
    });
  const scales = toFloat32(scale);
  const stored = steps;
  // Whether a model's weights are read at all is known later: an engine may have kept what it made of them.
  return lazyTensor("float16", shape, () => halfRows(stored, scales));
}

/** Below it a row's products are fewer than there are steps. */
const WIDE_ROW = 256;

/** (rows, width) steps times the rows' scales, as raw float16. */
function halfRows(steps: Int8Array, scales: Float32Array): Uint16Array {
  const width = scales.length === 0 ? 0 : steps.length / scales.length;
  const data = new Uint16Array(steps.length);
  const products = new Uint16Array(256);
  for (let row = 0; row < scales.length; row++) {
    const scale = scales[row]!;
    const start = row * width;
    const end = start + width;
    if (width < WIDE_ROW) {
      for (let i = start; i < end; i++) data[i] = numberToHalf(steps[i]! * scale);
      continue;
    }
    for (let step = -128; step < 128; step++) products[step & 255] = numberToHalf(step * scale);
    for (let i = start; i < end; i++) data[i] = products[steps[i]! & 255]!;
  }
  return data;
}
