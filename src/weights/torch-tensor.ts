// PyTorch's storages and tensors as data: a storage is a run of bytes, a tensor a strided view of one.
// Reproduces torch/_utils.py (_rebuild_tensor, _v2, _v3, _rebuild_parameter, ...) and torch/_tensor.py (_rebuild_from_type_v2).
// Everything a file claims is checked against its storage when the tensor is rebuilt; memory is asked for only by `TorchTensor.read`.
import { FormatError, LimitError } from "../errors.ts";
import {
  allocate,
  arrayFromBytes,
  BYTES_PER_ELEMENT,
  type DType,
  type TensorData,
  type TypedArray,
} from "../tensor.ts";
import { FileTensor } from "./file-tensor.ts";
import { Inert, PickleExtension, PickleTuple, type PickleValue } from "./pickle-values.ts";
import { checkedElementCount, isSize } from "./shapes.ts";

const FORMAT = "pytorch";

// `expand` saves a tensor with stride 0, which is larger than its storage. Small ones are real (masks, position ids), large ones are lies.
const MAX_EXPANDED_ELEMENTS = 2 ** 20;

const DTYPE_OF_STORAGE: Readonly<Record<string, DType>> = {
  Double: "float64",
  Float: "float32",
  Half: "float16",
  BFloat16: "bfloat16",
  Long: "int64",
  Int: "int32",
  Short: "int16",
  Char: "int8",
  Byte: "uint8",
  Bool: "bool",
};
// Storages that are stepped over, never read.
const OTHER_STORAGE_BYTES: Readonly<Record<string, number>> = {
  Untyped: 1,
  ComplexFloat: 8,
  ComplexDouble: 16,
  QInt8: 1,
  QUInt8: 1,
  QInt32: 4,
  QUInt4x2: 1,
  QUInt2x4: 1,
};
const DTYPE_NAMES = new Set<string>(Object.keys(BYTES_PER_ELEMENT));

/** What `torch.FloatStorage` and its kind stand for. */
export interface StorageType {
  /** Undefined for untyped storages and for element types that have no counterpart here (complex, quantized). */
  readonly dtype: DType | undefined;
  readonly itemBytes: number;
}

/** The storage type of a global's name, or undefined. */
export function storageType(name: string): StorageType | undefined {
  const kind = /^torch(?:\.cuda|\.storage)?\.(\w+)Storage$/.exec(name)?.[1];
  if (kind === undefined) return undefined;
  const dtype = Object.hasOwn(DTYPE_OF_STORAGE, kind) ? DTYPE_OF_STORAGE[kind] : undefined;
  if (dtype !== undefined) return { dtype, itemBytes: BYTES_PER_ELEMENT[dtype] };
  return Object.hasOwn(OTHER_STORAGE_BYTES, kind)
    ? { dtype: undefined, itemBytes: OTHER_STORAGE_BYTES[kind]! }
    : undefined;
}

/** The bytes of one storage, made available when first asked for. */
export interface StorageSource {
  readonly byteLength: number;
  bytes(): Uint8Array;
}

/** Bounds what all tensors of a file copy together: many strided views of one small storage could otherwise cost any amount. */
export class CopyBudget {
  readonly #limit: number;
  #used = 0;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  spend(bytes: number): void {
    this.#used += bytes;
    if (this.#used > this.#limit)
      throw new LimitError("bytes copied for strided tensors", this.#used, this.#limit, "bytes");
  }
}

/** A storage, or the part of one that a legacy file calls a view. */
export class TorchStorage extends PickleExtension {
  readonly kind = "storage";
  readonly type: StorageType;
  readonly source: StorageSource;
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly budget: CopyBudget;

  constructor(type: StorageType, source: StorageSource, byteOffset: number, byteLength: number, budget: CopyBudget) {
    super();
    this.type = type;
    this.source = source;
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
    this.budget = budget;
  }
}

/** A tensor whose place in its storage is checked but whose elements are not read yet. */
export class TorchTensor extends FileTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly #storage: TorchStorage;
  readonly #offset: number;
  readonly #strides: readonly number[];
  readonly #count: number;
  #value: TensorData | undefined;

  /** @throws FormatError when the view does not lie inside the storage. */
  constructor(
    storage: TorchStorage,
    dtype: DType,
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
  ) {
    super();
    this.dtype = dtype;
    this.shape = shape;
    this.#storage = storage;
    this.#offset = offset;
    this.#strides = strides;
    this.#count = checkedElementCount(shape, FORMAT, "a tensor");
    const available = Math.floor(storage.byteLength / BYTES_PER_ELEMENT[dtype]);
    const last = shape.reduce((sum, dim, i) => sum + (dim - 1) * strides[i]!, offset);
    if (this.#count > 0 && !(last < available))
      throw new FormatError(
        FORMAT,
        `a tensor of shape [${shape.join(", ")}] and strides [${strides.join(", ")}] at ${offset} reaches past its storage of ${available} elements`,
      );
    if (this.#count > available && this.#count > MAX_EXPANDED_ELEMENTS)
      throw new FormatError(
        FORMAT,
        `a tensor of shape [${shape.join(", ")}] repeats a storage of ${available} elements`,
        { hint: "save a copy of expanded tensors: tensor.contiguous()" },
      );
  }

  /** The elements, row-major: a view of the file where the tensor is contiguous and aligned, else a copy, made once. */
  read(): TensorData {
    this.#value ??= this.#read();
    return this.#value;
  }

  #read(): TensorData {
    const { dtype, shape } = this;
    if (this.#count === 0) return { dtype, shape, data: allocate(dtype, 0) };
    const itemBytes = BYTES_PER_ELEMENT[dtype];
    const start = this.#storage.byteOffset + this.#offset * itemBytes;
    const bytes = this.#storage.source.bytes();
    if (isContiguous(shape, this.#strides)) {
      const range = bytes.subarray(start, start + this.#count * itemBytes);
      if (range.byteOffset % itemBytes !== 0) this.#storage.budget.spend(range.byteLength);
      return { dtype, shape, data: arrayFromBytes(dtype, range) };
    }
    this.#storage.budget.spend(this.#count * itemBytes);
    const span = shape.reduce((sum, dim, i) => sum + (dim - 1) * this.#strides[i]!, 1);
    const range = bytes.subarray(start, start + span * itemBytes);
    if (range.byteOffset % itemBytes !== 0) this.#storage.budget.spend(range.byteLength);
    const source = arrayFromBytes(dtype, range);
    const data = allocate(dtype, this.#count);
    gather(source, data, shape, this.#strides);
    return { dtype, shape, data };
  }
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    // The stride of a dimension of one element is never used, and PyTorch writes anything there.
    if (shape[axis] === 1) continue;
    if (strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

/** Copies a strided view into row-major order. */
function gather(source: TypedArray, out: TypedArray, shape: readonly number[], strides: readonly number[]): void {
  const inner = shape.length - 1;
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < out.length; ) {
    for (let i = 0; i < shape[inner]!; i++) out[to++] = source[from + i * strides[inner]!]!;
    for (let axis = inner - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

type Arguments = readonly PickleValue[];
type Rebuilder = (args: Arguments) => PickleValue | undefined;

// `undefined` leaves an inert placeholder: the tensor is of a kind that has no counterpart here.
const REBUILDERS: ReadonlyMap<string, Rebuilder> = new Map<string, Rebuilder>([
  ["torch._utils._rebuild_tensor", (args) => rebuildTensor(args, undefined)],
  ["torch._utils._rebuild_tensor_v2", (args) => rebuildTensor(args, undefined)],
  ["torch._utils._rebuild_tensor_v3", (args) => rebuildTensor(args, args[6])],
  ["torch._utils._rebuild_parameter", rebuildParameter],
  ["torch._utils._rebuild_parameter_with_state", rebuildParameter],
  ["torch._utils._rebuild_device_tensor_from_cpu_tensor", rebuildDeviceTensor],
  ["torch._tensor._rebuild_from_type", rebuildFromType],
  ["torch._tensor._rebuild_from_type_v2", rebuildFromType],
  ["torch.tensor._rebuild_from_type", rebuildFromType],
]);

/** What stands for a tensor that this reader does not rebuild, in a word or two: "sparse", "float8_e4m3fn". undefined for anything else. */
export function unreadKind({ name, args }: Inert): string | undefined {
  if (args === undefined || !isTensorRebuilder(name)) return undefined;
  const [first] = args;
  if (first instanceof Inert && unreadKind(first) !== undefined) return unreadKind(first);
  const kind = UNREAD_KINDS.find(([part]) => name.includes(part))?.[1];
  if (kind !== undefined) return kind;
  const dtype = args.find((arg) => arg instanceof Inert && arg.args === undefined && arg.name.startsWith("torch."));
  if (dtype instanceof Inert) return dtype.name.slice("torch.".length);
  if (!(first instanceof TorchStorage)) return "of another class";
  return first.type.itemBytes >= OTHER_STORAGE_BYTES.ComplexFloat! ? "complex" : "quantised";
}

const UNREAD_KINDS: readonly (readonly [part: string, kind: string])[] = [
  ["sparse", "sparse"],
  ["qtensor", "quantised"],
  ["nested", "nested"],
  ["meta", "without values"],
];

/** Whether a global makes tensors in PyTorch, be it one that this reader rebuilds or not. */
export function isTensorRebuilder(name: string): boolean {
  return REBUILDERS.has(name) || /^torch\._utils\._rebuild_/.test(name);
}

/** Rebuilds what PyTorch's own rebuilders make of pure data. @throws FormatError for arguments that cannot be theirs. */
export function rebuildTorch(name: string, args: Arguments): PickleValue | undefined {
  return REBUILDERS.get(name)?.(args);
}

/** (storage, offset, size, stride, ...) */
function rebuildTensor(args: Arguments, dtypeReference: PickleValue | undefined): PickleValue | undefined {
  const [storage, offset, size, stride] = args;
  if (!(storage instanceof TorchStorage))
    throw new FormatError(FORMAT, "a tensor is rebuilt from something else than a storage");
  const dtype = dtypeReference === undefined ? storage.type.dtype : dtypeNamed(dtypeReference);
  if (dtype === undefined) return undefined;
  const shape = sizes(size, "shape");
  const strides = sizes(stride, "strides");
  if (!isSize(offset)) throw new FormatError(FORMAT, "a tensor's offset is no size");
  if (shape.length !== strides.length)
    throw new FormatError(FORMAT, "a tensor has another number of strides than dimensions");
  return new TorchTensor(storage, dtype, offset, shape, strides);
}

function dtypeNamed(reference: PickleValue): DType | undefined {
  if (!(reference instanceof Inert) || reference.args !== undefined || !reference.name.startsWith("torch."))
    throw new FormatError(FORMAT, "a tensor's dtype is no dtype");
  const name = reference.name.slice("torch.".length);
  return DTYPE_NAMES.has(name) ? (name as DType) : undefined;
}

function sizes(value: PickleValue | undefined, what: string): readonly number[] {
  const items = value instanceof PickleTuple ? value.items : value;
  if (!Array.isArray(items) || !items.every(isSize)) throw new FormatError(FORMAT, `a tensor's ${what} are not sizes`);
  return items;
}

/** (data, requires_grad, hooks, ...) */
function rebuildParameter([data]: Arguments): PickleValue | undefined {
  return data instanceof TorchTensor ? data : undefined;
}

/** (data, dtype, device, requires_grad): a tensor of another device that was saved through the CPU. */
function rebuildDeviceTensor([data, dtype]: Arguments): PickleValue | undefined {
  return data instanceof TorchTensor && dtype !== undefined && dtypeNamed(dtype) === data.dtype ? data : undefined;
}

/** (function, type, args, state): a tensor subclass. The type is ignored, the function must be one of these rebuilders. */
function rebuildFromType([rebuilder, , args]: Arguments): PickleValue | undefined {
  if (!(rebuilder instanceof Inert) || rebuilder.args !== undefined || !(args instanceof PickleTuple)) return undefined;
  // Not through itself: nesting would be recursion.
  if (REBUILDERS.get(rebuilder.name) === rebuildFromType) return undefined;
  return rebuildTorch(rebuilder.name, args.items);
}
