import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { FormatError, LimitError } from "../errors.ts";
import { type TensorData, toFloat64 } from "../tensor.ts";
import { Inert, PickleTuple, type PickleValue } from "./pickle-values.ts";
import { findStateDict, flattenTensors } from "./state-dict.ts";
import { LEGACY_MAGIC, readTorch } from "./torch.ts";
import type { TorchTensor } from "./torch-tensor.ts";

const GOLDENS = resolve(import.meta.dirname, "../../test/goldens/checkpoints");
const LARGE = resolve(import.meta.dirname, "../../../shared/goldens/checkpoints");
if (!existsSync(LARGE)) console.log("the large checkpoint goldens are not here: their tests are skipped");

interface Expected {
  dtype: string;
  shape: number[];
  sum: number;
  first: number[];
}
const expectations = (path: string) =>
  JSON.parse(readFileSync(path, "utf8")) as Record<string, { tensors: Record<string, Expected> }>;

function compare(actual: ReadonlyMap<string, TensorData>, expected: Record<string, Expected>): void {
  expect([...actual.keys()].sort()).toEqual(Object.keys(expected).sort());
  for (const [name, { dtype, shape, sum, first }] of Object.entries(expected)) {
    const tensor = actual.get(name)!;
    expect([name, tensor.dtype, tensor.shape]).toEqual([name, dtype, shape]);
    const values = toFloat64(tensor);
    expect([...values.subarray(0, first.length)]).toEqual(first);
    const total = values.reduce((all, value) => all + value, 0);
    expect(Math.abs(total - sum)).toBeLessThanOrEqual(1e-9 * (1 + values.reduce((all, v) => all + Math.abs(v), 0)));
  }
}

describe("files written by PyTorch", () => {
  const flat = expectations(join(GOLDENS, "checkpoints-flat.json"));
  test.each(Object.keys(flat))("%s: dtypes, views, strides, shared storages", (name) => {
    const { format, root, notes } = readTorch(readFileSync(join(GOLDENS, name)));
    expect(format).toBe(name.includes("legacy") ? "torch-legacy" : "torch-zip");
    expect(notes).toEqual([]);
    compare(flattenTensors(root).tensors, flat[name]!.tensors);
  });

  test.skipIf(!existsSync(LARGE))("the large ones, every tensor by its full path", () => {
    const large = expectations(join(LARGE, "checkpoints.json"));
    for (const [name, { tensors }] of Object.entries(large)) {
      const all = flattenTensors(readTorch(readFileSync(join(LARGE, name))).root).tensors;
      // The optimizer's tensors are not listed there.
      for (const path of [...all.keys()]) if (path.startsWith("optimizer.")) all.delete(path);
      compare(all, tensors);
    }
  });

  test.each([2, 5])("every kind of value, protocol %i", (protocol) => {
    const { root, notes } = readTorch(readFileSync(join(GOLDENS, `torch213-kinds-protocol${protocol}.pth`)));
    const dict = root as Map<string, PickleValue>;
    const read = (name: string) => (dict.get(name) as TorchTensor).read();
    expect(read("u16")).toEqual({ dtype: "uint16", shape: [2], data: new Uint16Array([1, 65535]) });
    expect(read("u32").data).toEqual(new Uint32Array([7]));
    expect(read("u64").data).toEqual(new BigUint64Array([2n ** 63n + 1n]));
    expect(read("i16").data).toEqual(new Int16Array([-5]));
    expect(read("i8").data).toEqual(new Int8Array([-5]));
    expect(read("p").data).toEqual(new Float32Array([0, 1, 2, 3]));
    expect(read("ex")).toEqual({ dtype: "float32", shape: [1000], data: new Float32Array(1000) });
    for (const name of ["c", "f8", "sp", "meta"]) expect(dict.get(name)).toBeInstanceOf(Inert);
    expect(Object.fromEntries(flattenTensors(root).unread)).toEqual({
      c: "complex",
      f8: "float8_e4m3fn",
      sp: "sparse",
      meta: "without values",
    });
    expect(notes[0]).toMatch(/^foreign objects were left inert: .*"torch\.device"/);
    expect(dict.get("size")).toEqual(new PickleTuple([1, 2]));
    expect(dict.get("dt")).toMatchObject({ name: "torch.bfloat16", args: undefined });
    expect(dict.get("set")).toEqual(new Set([1, 2]));
    expect(dict.get("fs")).toEqual(new Set([3]));
    expect(dict.get("b")).toEqual(new Uint8Array([97, 98, 99]));
    expect(dict.get("ba")).toEqual(new Uint8Array([120, 121]));
    expect(dict.get("big")).toBe(2n ** 70n);
    expect(dict.get("neg")).toBe(-(2n ** 70n));
    expect(dict.get("f")).toBe(1.5);
    expect(dict.get("dd")).toEqual(new Map([["a", [1]]]));
  });

  test("zip tensors are views of the file", () => {
    const bytes = new Uint8Array(readFileSync(join(GOLDENS, "torch213-zip-flat.pth")));
    const tensors = flattenTensors(readTorch(bytes).root).tensors;
    expect(tensors.get("plain")!.data.buffer).toBe(bytes.buffer);
    expect(tensors.get("transposed")!.data.buffer).not.toBe(bytes.buffer);
  });
});

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const tuple = (items: readonly number[]) => `(${items.map((item) => `I${item}\n`).join("")}t`;

/** The pickle of one tensor over the storage "0". */
function tensorPickle(
  shape: number[],
  strides: number[],
  options: { offset?: number; count?: number; type?: string } = {},
) {
  const { offset = 0, count = 4, type = "FloatStorage" } = options;
  const storage = `(Vstorage\nctorch\n${type}\nV0\nVcpu\nI${count}\ntQ`;
  return `ctorch._utils\n_rebuild_tensor_v2\n(${storage}I${offset}\n${tuple(shape)}${tuple(strides)}I00\nNtR`;
}

function zipFile(pickle: string, more: Record<string, Uint8Array> = {}, level: 0 | 9 = 0): Uint8Array {
  const data = new Uint8Array(new Float32Array([1, 2, 3, Number.NaN]).buffer);
  return zipSync({ "x/data.pkl": latin1(pickle), "x/data/0": data, ...more }, { level });
}

const readOne = (bytes: Uint8Array) => (readTorch(bytes).root as TorchTensor).read();

describe("tensors", () => {
  test("whole, view, transposed, repeated, empty, 0-d, NaN", () => {
    const one = (shape: number[], strides: number[], options = {}) => [
      ...readOne(zipFile(`${tensorPickle(shape, strides, options)}.`)).data,
    ];
    expect(one([2, 2], [2, 1])).toEqual([1, 2, 3, Number.NaN]);
    expect(one([2], [1], { offset: 1 })).toEqual([2, 3]);
    expect(one([2, 2], [1, 2])).toEqual([1, 3, 2, Number.NaN]);
    expect(one([3, 2], [0, 1])).toEqual([1, 2, 1, 2, 1, 2]);
    expect(one([2, 1, 2], [1, 99, 1])).toEqual([1, 2, 2, 3]);
    expect(one([0, 5], [5, 1], { offset: 9 })).toEqual([]);
    expect(one([], [], { offset: 2 })).toEqual([3]);
  });

  test("deflated archives and those of a subclass", () => {
    expect(readOne(zipFile(`${tensorPickle([4], [1])}.`, {}, 9)).data).toHaveLength(4);
    const args = tensorPickle([4], [1])
      .replace(/^ctorch\._utils\n_rebuild_tensor_v2\n/, "")
      .replace(/R$/, "");
    const subclass = `ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\ncm\nSub\n${args}}tR.`;
    expect(readOne(zipFile(subclass)).data).toHaveLength(4);
    const hostile = `ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\ncm\nSub\n(S'ls'\nt}tR.`;
    expect(readTorch(zipFile(hostile)).root).toBeInstanceOf(Inert);
  });

  test.each<[string, string]>([
    ["a shape beyond the storage", tensorPickle([5], [1])],
    ["an offset beyond the storage", tensorPickle([1], [1], { offset: 4 })],
    ["strides beyond the storage", tensorPickle([2, 2], [3, 1])],
    ["a 0-stride shape that is huge", tensorPickle([1e12], [0])],
    ["a 0-stride shape that is large", tensorPickle([2000, 2000], [0, 0])],
    ["an overflowing shape", tensorPickle([2 ** 40, 2 ** 40], [0, 0])],
    ["a negative stride", tensorPickle([2], [-1], { offset: 1 })],
    ["a negative dimension", tensorPickle([-2], [1])],
    ["a missing stride", tensorPickle([2, 2], [1])],
    ["a storage beyond its entry", tensorPickle([4], [1], { count: 5 })],
    ["a storage of another type", tensorPickle([4], [1], { type: "DoubleStorage" })],
    ["an unknown storage type", tensorPickle([4], [1], { type: "FunnyStorage" })],
    ["an endless storage", tensorPickle([4], [1], { count: 2 ** 52 })],
    ["a storage that is not there", tensorPickle([4], [1]).replace("V0\n", "V7\n")],
    ["no storage", "ctorch._utils\n_rebuild_tensor_v2\n(NI0\n))I00\nNtR"],
    ["another persistent id", "Vmodule\nQ"],
  ])("refuses %s", (_, pickle) => {
    expect(() => readTorch(zipFile(`${pickle}.`))).toThrow(FormatError);
  });

  test("refuses to copy one storage without end", () => {
    const side = 2 ** 9;
    const storage = { "x/data/0": new Uint8Array(4 * side * side) };
    const one = (i: number) => `V${i}\n${tensorPickle([side, side], [1, side], { count: side * side })}`;
    const many = `(${Array.from({ length: 80 }, (_, i) => one(i)).join("")}d.`;
    const { root } = readTorch(zipFile(many, storage));
    expect(() => flattenTensors(root)).toThrow(LimitError);
  });
});

describe("TorchScript", () => {
  const script = (pickle: string) => zipFile(pickle, { "x/code/__torch__.py": latin1("not looked at") });
  /** A module of a class, with attributes (keys and values, already pickled). */
  const module = (name: string, attributes: string) => `c__torch__.m\n${name}\n)\x81}(${attributes}ub`;
  const weight = `S'weight'\n${tensorPickle([2], [1])}`;

  test("the tensors of its modules, by their paths, as a state dict has them", () => {
    const tree = module("Net", `${weight}S'model'\n${module("Inner", `${weight}S'training'\nNS'n'\nI3\n`)}`);
    const { root, notes } = readTorch(script(`\x80\x02${tree}.`));
    expect([...flattenTensors(root).tensors.keys()]).toEqual(["weight", "model.weight"]);
    expect(findStateDict(root).entry).toBe("");
    expect(notes).toEqual(["a TorchScript archive: the weights are read, its program is not"]);
  });

  test("what is no module stays inert, a module in itself ends", () => {
    const foreign = `S'other'\ncos\nsystem\n(S'ls'\ntR`;
    const { root, notes } = readTorch(script(`\x80\x02${module("Net", `${weight}${foreign}`)}.`));
    expect([...flattenTensors(root).tensors.keys()]).toEqual(["weight"]);
    expect(notes[1]).toContain("os.system");
    const itself = `\x80\x02c__torch__.m\nNet\n)\x81q\x00}(S'own'\nh\x00ub.`;
    expect(() => readTorch(script(itself))).toThrow(LimitError);
  });
});

describe("archives", () => {
  const plain = `${tensorPickle([4], [1])}.`;
  test.each<[string, Uint8Array, RegExp]>([
    ["big-endian", zipFile(plain, { "x/byteorder": latin1("big") }), /byte order/],
    ["NumPy's", zipSync({ "a.npy": latin1("") }), /NumPy/],
    ["without a pickle", zipSync({ "x/data/0": latin1("") }), /without data\.pkl/],
    ["with two pickles", zipFile(plain, { "y/data.pkl": latin1("N.") }), /several/],
  ])("%s", (_, bytes, message) => {
    expect(() => readTorch(bytes)).toThrow(FormatError);
    expect(() => readTorch(bytes)).toThrow(message);
  });

  test("a little byte order is stated and fine", () => {
    expect(readOne(zipFile(plain, { "x/byteorder": latin1("little") })).data[0]).toBe(1);
  });
});

describe("legacy files", () => {
  const system = "(Vlittle_endian\nI01\nd.";
  const count = "\x04\x00\x00\x00\x00\x00\x00\x00";
  const data = "\x00\x00\x80\x3f".repeat(4);
  const legacy = (...parts: string[]) => Uint8Array.from([...LEGACY_MAGIC, ...latin1(parts.join(""))]);
  const valid = ["\x80\x02M\xe9\x03.", system, `${tensorPickle([4], [1])}.`, "(V0\nl.", count, data] as const;
  const withPart = (at: number, part: string) => legacy(...valid.map((text, i) => (i === at ? part : text)));

  test("a minimal one", () => {
    expect([...readOne(legacy(...valid)).data]).toEqual([1, 1, 1, 1]);
  });

  test("a storage that is a view of another", () => {
    const storage = "(Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI4\n(Vview\nI1\nI2\nttQ";
    const rebuild = (size: number) => `ctorch._utils\n_rebuild_tensor\n(${storage}I1\n${tuple([size])}${tuple([1])}tR.`;
    expect([...readOne(withPart(2, rebuild(1))).data]).toEqual([1]);
    expect(() => readTorch(withPart(2, rebuild(2)))).toThrow(FormatError);
  });

  test.each<[string, Uint8Array]>([
    ["another protocol", withPart(0, "M\xea\x03.")],
    ["big-endian", withPart(1, "(Vlittle_endian\nI00\nd.")],
    ["a key that is unknown", withPart(3, "(V1\nl.")],
    ["a key twice", withPart(3, "(V0\nV0\nl.")],
    ["a storage that is not listed", withPart(3, "(l.")],
    ["keys that are no list", withPart(3, "N.")],
    ["another element count", withPart(4, "\x05\x00\x00\x00\x00\x00\x00\x00")],
    ["an endless element count", withPart(4, "\xff\xff\xff\xff\xff\xff\xff\xff")],
    ["a storage larger than the file", withPart(2, `${tensorPickle([4], [1], { count: 1e9 })}.`)],
  ])("refuses %s", (_, bytes) => {
    expect(() => readTorch(bytes)).toThrow(FormatError);
  });

  test("every truncation is refused", () => {
    const bytes = legacy(...valid);
    for (let length = 0; length < bytes.length; length++)
      expect(() => readTorch(bytes.subarray(0, length))).toThrow(FormatError);
  });
});
