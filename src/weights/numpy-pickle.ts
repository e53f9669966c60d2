// Plain pickles of NumPy arrays, as detectron2 publishes its models (.pkl): a dict of arrays by name, protocols 2 to 5. Reproduces what NumPy's own functions make of their arguments
// (numpy/_core/multiarray: _reconstruct, ndarray.__setstate__, scalar; _frombuffer; dtype.__setstate__) for arrays of plain numbers, as data: nothing is called.
import { FormatError } from "../errors.ts";
import { arrayFromBytes, BYTES_PER_ELEMENT, type DType, type TensorData } from "../tensor.ts";
import { FileTensor } from "./file-tensor.ts";
import { unpickle } from "./pickle.ts";
import { PickleExtension, PickleTuple, type PickleValue } from "./pickle-values.ts";
import { quote } from "./quote.ts";
import { checkedElementCount } from "./shapes.ts";
import { CopyBudget, TorchStorage, TorchTensor } from "./torch-tensor.ts";

const FORMAT = "pickle";

const DTYPES: Readonly<Record<string, DType>> = {
  f2: "float16",
  f4: "float32",
  f8: "float64",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  u1: "uint8",
  b1: "bool",
};

/** Whether a file begins as a pickle of protocol 2 or later does. PyTorch's own pickles are told apart before. */
export const isPickle = (file: Uint8Array): boolean => file[0] === 0x80 && file[1]! >= 2 && file[1]! <= 5;

/** @throws FormatError for malformed pickles and arrays; LimitError for what exceeds a bound */
export function readNumpyPickle(file: Uint8Array): { readonly root: PickleValue; readonly foreign: readonly string[] } {
  const budget = new CopyBudget(4 * file.length + 64 * 2 ** 20);
  const { value, end, foreign } = unpickle(file, { hooks: { build: (name, args) => rebuild(name, args, budget) } });
  if (end !== file.length) throw new FormatError(FORMAT, `${file.length - end} bytes follow the end of the pickle`);
  return { root: value, foreign };
}

/** Names of NumPy's functions before and since NumPy 2. */
const FUNCTION = /^numpy\.(?:_core|core)\.(?:multiarray|numeric)\.(_reconstruct|scalar|_frombuffer)$/;

function rebuild(name: string, args: readonly PickleValue[], budget: CopyBudget): PickleValue | undefined {
  if (name === "numpy.dtype") return new NumpyDtype(args[0]);
  switch (FUNCTION.exec(name)?.[1]) {
    case "_reconstruct":
      return new NumpyArray(budget);
    case "scalar":
      return scalarOf(args);
    case "_frombuffer": {
      const [bytes, dtype, shape, order] = args;
      const array = new NumpyArray(budget);
      array.setState(new PickleTuple([1, shape!, dtype!, order === "F", bytes!]));
      return array;
    }
    default:
      return undefined;
  }
}

/** What elements are. Its byte order comes after it was made, and many arrays share it. */
class NumpyDtype extends PickleExtension {
  readonly kind = "dtype";
  readonly #code: string;
  #order = "|";
  #isPlain = true;

  constructor(code: PickleValue | undefined) {
    super();
    if (typeof code !== "string" || code.length > 100) throw new FormatError(FORMAT, "an array's dtype has no name");
    this.#code = code.replace(/^[<|=]/, "");
  }

  /** (version, byte order, base of a sub-array, names, fields, …) */
  override setState(state: PickleValue): void {
    const [, order, base, names, fields] = state instanceof PickleTuple ? state.items : [];
    if (typeof order !== "string") throw new FormatError(FORMAT, "a dtype's state is malformed");
    this.#order = order;
    this.#isPlain = [base, names, fields].every((value) => value === null);
  }

  /** undefined for what nothing here reads: texts, objects, structures, numbers in the other byte order. */
  get dtype(): DType | undefined {
    const isRead = this.#isPlain && this.#order !== ">" && Object.hasOwn(DTYPES, this.#code);
    return isRead ? DTYPES[this.#code] : undefined;
  }

  get name(): string {
    return `numpy ${this.#order === ">" ? ">" : ""}${this.#code}`;
  }
}

/** An array, empty until its state has come. */
class NumpyArray extends FileTensor {
  readonly #budget: CopyBudget;
  #tensor: TorchTensor | undefined;
  #unread: string | undefined;

  constructor(budget: CopyBudget) {
    super();
    this.#budget = budget;
  }

  /** (version, shape, dtype, whether columns come first, bytes) */
  override setState(state: PickleValue): void {
    const [, shape, type, isFortran, bytes] = state instanceof PickleTuple ? state.items : [];
    if (!(shape instanceof PickleTuple) || !(type instanceof NumpyDtype))
      throw new FormatError(FORMAT, "an array's state is malformed");
    const { dtype } = type;
    if (dtype === undefined) {
      this.#unread = type.name;
      return;
    }
    const count = checkedElementCount(shape.items, FORMAT, "an array");
    const size = count * BYTES_PER_ELEMENT[dtype];
    if (typeof bytes === "string")
      throw new FormatError(FORMAT, "its arrays are texts of Python 2, whose bytes cannot be told", {
        hint: "load it with Python 3, pickle.load(file, encoding='latin1'), and save it again",
      });
    if (!(bytes instanceof Uint8Array) || bytes.length !== size)
      throw new FormatError(
        FORMAT,
        `an array of shape [${shape.items.join(", ")}] has ${bytes instanceof Uint8Array ? bytes.length : "no"} bytes, not ${size}`,
      );
    const dims = shape.items as number[];
    const source = { byteLength: size, bytes: () => bytes };
    const storage = new TorchStorage({ dtype, itemBytes: BYTES_PER_ELEMENT[dtype] }, source, 0, size, this.#budget);
    this.#tensor = new TorchTensor(storage, dtype, 0, dims, isFortran === true ? columnsFirst(dims) : rowsFirst(dims));
  }

  get #known(): TorchTensor {
    if (this.#tensor === undefined)
      throw new FormatError(FORMAT, this.#unread === undefined ? "an array without its elements" : quote(this.#unread));
    return this.#tensor;
  }

  get dtype(): DType {
    return this.#known.dtype;
  }

  get shape(): readonly number[] {
    return this.#known.shape;
  }

  override get unread(): string | undefined {
    return this.#unread;
  }

  read(): TensorData {
    return this.#known.read();
  }
}

function rowsFirst(shape: readonly number[]): number[] {
  return columnsFirst(shape.toReversed()).toReversed();
}

function columnsFirst(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((dim) => {
    const own = stride;
    stride *= Math.max(1, dim);
    return own;
  });
}

/** A number; undefined, which leaves a placeholder, for scalars of other kinds. */
function scalarOf([type, bytes]: readonly PickleValue[]): PickleValue | undefined {
  const dtype = type instanceof NumpyDtype ? type.dtype : undefined;
  if (dtype === undefined || dtype === "float16" || !(bytes instanceof Uint8Array)) return undefined;
  if (bytes.length !== BYTES_PER_ELEMENT[dtype])
    throw new FormatError(FORMAT, "a number of another size than its kind");
  const value = arrayFromBytes(dtype, bytes)[0]!;
  return dtype === "bool" ? value !== 0 : value;
}
