// PyTorch checkpoints (.pt, .pth, .pth.tar): the zip format of PyTorch 1.6 and later, and the chain of pickles before it.
// Reproduces torch/serialization.py (_load, _legacy_load) for files whose content is tensors and plain containers.
import { FormatError } from "../errors.ts";
import { ByteReader, decodeUtf8, plainBytes } from "./byte-reader.ts";
import { type Unpickled, unpickle } from "./pickle.ts";
import { Inert, PickleTuple, type PickleValue } from "./pickle-values.ts";
import { quote } from "./quote.ts";
import { isSize } from "./shapes.ts";
import { isModuleName, moduleTensors } from "./torch-script.ts";
import {
  CopyBudget,
  isTensorRebuilder,
  rebuildTorch,
  type StorageType,
  storageType,
  TorchStorage,
} from "./torch-tensor.ts";
import { openZip, type ZipArchive } from "./zip.ts";

const FORMAT = "pytorch";

/** The first pickle of a legacy file: protocol 2, LONG1 of ten bytes, STOP. */
export const LEGACY_MAGIC: readonly number[] = [
  0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
];
const LEGACY_PROTOCOL = 1001;

export interface TorchCheckpoint {
  readonly format: "torch-zip" | "torch-legacy";
  /** What was saved. Tensors in it are TorchTensor; state-dict.ts turns them into named tensors. */
  readonly root: PickleValue;
  /** What was left out, in words. */
  readonly notes: readonly string[];
}

/**
 * Reads a PyTorch checkpoint. Only tensors and plain containers are rebuilt; other classes become Inert. Tensor elements are not read yet.
 * Of a TorchScript archive, the tensors of its modules are the root.
 * @throws FormatError for malformed files and big-endian files; LimitError for what exceeds a bound.
 */
export function readTorch(bytes: Uint8Array): TorchCheckpoint {
  const file = plainBytes(bytes);
  if (LEGACY_MAGIC.every((byte, i) => file[i] === byte)) return readLegacy(file);
  return readZip(file);
}

function copyBudget(file: Uint8Array): CopyBudget {
  return new CopyBudget(4 * file.length + 64 * 2 ** 20);
}

function readZip(file: Uint8Array): TorchCheckpoint {
  const archive = openZip(file);
  const prefix = findPrefix(archive);
  const record = (name: string) => archive.entries.get(prefix + name);
  const byteOrder = record("byteorder");
  if (byteOrder !== undefined) {
    const order = byteOrder.size > 16 ? "?" : decodeUtf8(archive.read(byteOrder), FORMAT, "byteorder").trim();
    if (order !== "little")
      throw new FormatError(FORMAT, `the byte order is ${quote(order)}; only little-endian files are read`, {
        hint: "save the file again on a little-endian machine",
      });
  }
  const budget = copyBudget(file);
  const storages = new Map<string, { byteLength: number; bytes(): Uint8Array }>();
  const persistent = (id: PickleValue) => {
    const { type, key, count } = parseStorageId(id);
    let source = storages.get(key);
    if (source === undefined) {
      const entry = record(`data/${key}`);
      if (entry === undefined) throw new FormatError(FORMAT, `the storage ${quote(key)} is not in the file`);
      source = { byteLength: entry.size, bytes: once(() => archive.read(entry)) };
      storages.set(key, source);
    }
    if (count * type.itemBytes > source.byteLength)
      throw new FormatError(
        FORMAT,
        `the storage ${quote(key)} claims ${count} elements of ${type.itemBytes} bytes, but has ${source.byteLength} bytes`,
      );
    return new TorchStorage(type, source, 0, count * type.itemBytes, budget);
  };
  const { value, foreign } = unpickle(archive.read(record("data.pkl")!), {
    hooks: { build: rebuildTorch, persistent },
  });
  if (!isScript(archive, prefix)) return { format: "torch-zip", root: value, notes: describeForeign(foreign) };
  const others = foreign.filter((name) => !isModuleName(name));
  const notes = ["a TorchScript archive: the weights are read, its program is not", ...describeForeign(others)];
  return { format: "torch-zip", root: moduleTensors(value), notes };
}

function isScript({ entries }: ZipArchive, prefix: string): boolean {
  return entries.has(`${prefix}constants.pkl`) || [...entries.keys()].some((name) => name.startsWith(`${prefix}code/`));
}

/** Other archives, by a name in them. */
const ARCHIVES: readonly { readonly sign: RegExp; readonly what: string; readonly hint: string }[] = [
  {
    sign: /\.npy$/,
    what: "a NumPy .npz archive without data.pkl",
    hint: "weights are read from PyTorch checkpoints and safetensors files",
  },
  {
    sign: /(^|\/)model\.weights\.h5$/,
    what: "a Keras model, not a checkpoint",
    hint: "models run here as ONNX: model.export(FILE, format='onnx') in Keras",
  },
  {
    sign: /(^|\/)models\/model\.json$/,
    what: "a program of torch.export, not a checkpoint",
    hint: "export it to ONNX: torch.onnx.export(torch.export.load(FILE), (), OUT)",
  },
];

/** Everything lies in one folder whose name is the file's first name or "archive". */
function findPrefix(archive: ZipArchive): string {
  const names = [...archive.entries.keys()];
  const pickles = names.filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (pickle === undefined) {
    const kind = ARCHIVES.find(({ sign }) => names.some((name) => sign.test(name)));
    throw new FormatError(FORMAT, kind?.what ?? "a zip archive without data.pkl", {
      hint: kind?.hint ?? "weights are read from PyTorch checkpoints and safetensors files",
    });
  }
  if (pickles.length > 1) throw new FormatError(FORMAT, "the archive holds several data.pkl");
  return pickle.slice(0, -"data.pkl".length);
}

interface LegacyStorage {
  readonly type: StorageType;
  readonly byteLength: number;
  data: Uint8Array | undefined;
}

function readLegacy(file: Uint8Array): TorchCheckpoint {
  const start = checkLegacyPreamble(file);
  const budget = copyBudget(file);
  const storages = new Map<string, LegacyStorage>();
  const persistent = (id: PickleValue) => {
    const { type, key, count, view } = parseStorageId(id);
    const byteLength = count * type.itemBytes;
    const known = storages.get(key);
    if (known !== undefined && known.byteLength !== byteLength)
      throw new FormatError(FORMAT, `the storage ${quote(key)} is described in two ways`);
    // Storages follow the pickle, so an honest one is smaller than the rest of the file; the exact check comes when it is found.
    if (byteLength > file.length) throw new FormatError(FORMAT, `the storage ${quote(key)} is larger than the file`);
    const storage = known ?? { type, byteLength, data: undefined };
    storages.set(key, storage);
    const source = { byteLength, bytes: () => legacyData(storage, key) };
    if (view === undefined) return new TorchStorage(type, source, 0, byteLength, budget);
    const [offset, size] = [view.offset * type.itemBytes, view.size * type.itemBytes];
    if (offset + size > byteLength) throw new FormatError(FORMAT, `a view of the storage ${quote(key)} leaves it`);
    return new TorchStorage(type, source, offset, size, budget);
  };
  const { value, end, foreign } = unpickle(file, { start, hooks: { build: rebuildTorch, persistent } });
  readLegacyStorages(file, end, storages);
  return { format: "torch-legacy", root: value, notes: describeForeign(foreign) };
}

/** Magic number, protocol version, system information. Returns where the object's pickle starts. */
function checkLegacyPreamble(file: Uint8Array): number {
  const version = unpickle(file, { start: LEGACY_MAGIC.length });
  if (version.value !== LEGACY_PROTOCOL) throw new FormatError(FORMAT, "the legacy protocol version is unknown");
  const system: Unpickled = unpickle(file, { start: version.end });
  if (!(system.value instanceof Map) || system.value.get("little_endian") !== true)
    throw new FormatError(FORMAT, "the file was not written by a little-endian machine", {
      hint: "save the file again on a little-endian machine",
    });
  return system.end;
}

/** A list of keys, then per key an element count and the elements. */
function readLegacyStorages(file: Uint8Array, start: number, storages: ReadonlyMap<string, LegacyStorage>): void {
  const keys = unpickle(file, { start });
  if (!Array.isArray(keys.value)) throw new FormatError(FORMAT, "the list of storages is no list");
  const reader = new ByteReader(file, FORMAT, keys.end);
  for (const item of keys.value) {
    const key = String(storageKey(item));
    const storage = storages.get(key);
    if (storage === undefined || storage.data !== undefined)
      throw new FormatError(FORMAT, `the storage ${quote(key)} is listed twice or never used`);
    const count = reader.u64();
    if (count * storage.type.itemBytes !== storage.byteLength)
      throw new FormatError(
        FORMAT,
        `the storage ${quote(key)} has ${count} elements, but was announced with another count`,
      );
    const data = reader.take(storage.byteLength);
    // Pickles end anywhere, so the elements are rarely aligned: one copy here saves a copy for every tensor of the storage.
    storage.data = data.byteOffset % 8 === 0 ? data : new Uint8Array(data);
  }
  for (const [key, { data }] of storages)
    if (data === undefined) throw new FormatError(FORMAT, `the storage ${quote(key)} is not in the file`);
}

function legacyData({ data }: LegacyStorage, key: string): Uint8Array {
  if (data === undefined) throw new FormatError(FORMAT, `the storage ${quote(key)} is not in the file`);
  return data;
}

interface StorageId {
  readonly type: StorageType;
  readonly key: string;
  /** In elements. */
  readonly count: number;
  readonly view: { readonly offset: number; readonly size: number } | undefined;
}

/** ("storage", storage type, key, location, element count[, view]) */
function parseStorageId(id: PickleValue): StorageId {
  const [tag, reference, key, , count, view] = id instanceof PickleTuple ? id.items : [];
  if (tag !== "storage") throw new FormatError(FORMAT, "a persistent id that is no storage");
  const name = reference instanceof Inert && reference.args === undefined ? reference.name : "";
  const type = storageType(name);
  if (type === undefined) throw new FormatError(FORMAT, `a storage of the unknown type ${quote(name)}`);
  if (!isSize(count) || !Number.isSafeInteger(count * type.itemBytes))
    throw new FormatError(FORMAT, "a storage whose element count is no size");
  return { type, key: String(storageKey(key)), count, view: parseView(view) };
}

function storageKey(key: PickleValue | undefined): string | number | bigint {
  if ((typeof key === "string" && key.length <= 100) || typeof key === "number" || typeof key === "bigint") return key;
  throw new FormatError(FORMAT, "a storage whose key is no name");
}

/** (key, offset, size) */
function parseView(view: PickleValue | undefined): StorageId["view"] {
  if (view === undefined || view === null) return undefined;
  const [, offset, size] = view instanceof PickleTuple ? view.items : [];
  if (!isSize(offset) || !isSize(size)) throw new FormatError(FORMAT, "a view of a storage that is malformed");
  return { offset, size };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Foreign names as a sentence. Tensors that were not rebuilt are left to `flattenTensors`, which knows their names. */
export function describeForeign(foreign: readonly string[]): string[] {
  const names = foreign.filter((name) => !isTensorRebuilder(name));
  if (names.length === 0) return [];
  const rest = names.length > 8 ? `, and ${names.length - 8} more` : "";
  return [`foreign objects were left inert: ${names.slice(0, 8).map(quote).join(", ")}${rest}`];
}
