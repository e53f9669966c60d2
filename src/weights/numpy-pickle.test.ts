// Pickles of NumPy arrays: those that Python wrote, those of a whole model by its official names, and hostile ones.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toyOf } from "../../test/registry-toys.ts";
import { FormatError, SaccadeError } from "../errors.ts";
import { fitWeights, inferenceGraph, initialWeights } from "../models/graph.ts";
import { defineModel } from "../models/registry.ts";
import { elementCount, type TensorData, toFloat64 } from "../tensor.ts";
import { readWeights } from "./load.ts";

/*
 * The files were written by Python 3.11 with NumPy 2.4:
 *   r = numpy.random.RandomState(3); shared = r.randn(4).astype("f4")
 *   model = {"backbone.weight": r.randn(2, 3, 2).astype("f4"), "backbone.columns": numpy.asfortranarray(r.randn(3, 4).astype("f4")), …}
 *   pickle.dumps({"model": model, "__author__": "a toy", "matching_heuristics": True, …}, protocol)
 */
const golden = (protocol: number) =>
  new Uint8Array(
    readFileSync(new URL(`../../test/goldens/checkpoints/numpy24-protocol${protocol}.pkl`, import.meta.url)),
  );

const EXPECTED: Readonly<Record<string, readonly [dtype: string, shape: readonly number[], sum: number]>> = {
  "backbone.weight": ["float32", [2, 3, 2], -0.055920593],
  "backbone.columns": ["float32", [3, 4], -3.150416017],
  "backbone.half": ["float16", [5], 0.478515625],
  "backbone.double": ["float64", [2, 2], -4.773058201],
  "backbone.index": ["int64", [2, 3], -3],
  "backbone.bytes": ["uint8", [7], 21],
  "backbone.flags": ["bool", [3], 2],
  "backbone.small": ["int16", [2], 1],
  "head.scalar": ["float32", [], 2.5],
  "head.empty": ["float32", [0, 3], 0],
  "head.bias": ["float32", [4], 0.458143048],
  "head.tied": ["float32", [4], 0.458143048],
};

const sum = (value: TensorData) => toFloat64(value).reduce((a, b) => a + b, 0);

describe("files of Python", () => {
  test.each([2, 4, 5])("protocol %i", (protocol) => {
    const { format, tensors, facts, unread, notes } = readWeights(golden(protocol), "model_final.pkl");
    expect(format).toBe("numpy-pickle");
    expect([...tensors.keys()]).toEqual(Object.keys(EXPECTED));
    for (const [name, [dtype, shape, total]] of Object.entries(EXPECTED)) {
      const value = tensors.get(name)!;
      expect([value.dtype, value.shape, sum(value)]).toEqual([dtype, shape, expect.closeTo(total, 8)]);
    }
    // Written column by column, read row by row.
    const first = [-0.5453599691390991, -1.5464773178100586, 0.9823674559593201, -1.1010676622390747];
    expect([...toFloat64(tensors.get("backbone.columns")!).subarray(0, 4)]).toEqual(first);
    expect(facts).toMatchObject({ __author__: "a toy", matching_heuristics: true, loss: 0.25 });
    expect(Object.fromEntries(unread)).toEqual({ "head.swapped": "numpy >f4" });
    expect(notes.join()).toContain("those of the entry");
  });
});

/** Opcodes as text, one character a byte. */
const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const u32 = (value: number) =>
  String.fromCharCode(value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >>> 24) & 255);
const textOp = (text: string) => `X${u32(text.length)}${text}`;
const intOp = (value: number) => `J${u32(value)}`;
const dtypeOp = (code: string, order = "<") =>
  `cnumpy\ndtype\n${textOp(code)}\x89\x88\x87R(K\x03${textOp(order)}NNN${intOp(-1)}${intOp(-1)}K\x00tb`;
const RECONSTRUCT = "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R";
const arrayOp = (shape: readonly number[], raw: string, dtype = dtypeOp("f4")) =>
  `${RECONSTRUCT}(K\x01(${shape.map(intOp).join("")}t${dtype}\x89${raw}tb`;
const floats = (count: number) => `B${u32(4 * count)}${"\x00\x00\x80\x3f".repeat(count)}`;
const fileOf = (entries: Readonly<Record<string, string>>) =>
  bytesOf(
    `\x80\x04}(${Object.entries(entries)
      .map(([name, op]) => `${textOp(name)}${op}`)
      .join("")}u.`,
  );

test("a Mask2Former by detectron2's names: nothing missing, nothing left over", () => {
  const name = "eco_m2f_swin_tiny_coco_panoptic";
  const definition = defineModel(name, toyOf(name).config);
  const graph = inferenceGraph(definition);
  const names = [...initialWeights(graph, 0)];
  const model = Object.fromEntries(
    names.map(([parameter, { shape }]) => [
      parameter.replace("query_feat.weight", "static_query.weight"),
      arrayOp(shape, floats(elementCount(shape))),
    ]),
  );
  const beside = {
    "criterion.empty_weight": arrayOp([2], floats(2)),
    "backbone.layers.0.blocks.0.attn.relative_position_index": arrayOp(
      [2],
      `B${u32(16)}${"\x00".repeat(16)}`,
      dtypeOp("i8"),
    ),
    pixel_mean: arrayOp([3, 1, 1], floats(3)),
  };
  const file = bytesOf(
    `\x80\x04}(${textOp("model")}}(${Object.entries({ ...model, ...beside })
      .map(([parameter, op]) => `${textOp(parameter)}${op}`)
      .join("")}u${textOp("__author__")}${textOp("Bowen Cheng")}${textOp("matching_heuristics")}\x88u.`,
  );
  const { tensors } = readWeights(file, "model_final_9fd0ae.pkl");
  const fitted = fitWeights(graph, definition.architecture.adoptWeights(tensors, definition.config), name);
  expect(fitted.size).toBe(names.length);
});

describe("hostile files", () => {
  const read = (entries: Readonly<Record<string, string>>) => readWeights(fileOf(entries), "x.pkl");

  test("nothing is called: what is no array stays a placeholder, and is named", () => {
    const { tensors, notes } = read({
      weight: arrayOp([2], floats(2)),
      evil: `cposix\nsystem\n${textOp("echo")}\x85R`,
      eval: `cnumpy.core.multiarray\nfromfile\n${textOp("/etc/passwd")}\x85R`,
    });
    expect([...tensors.keys()]).toEqual(["weight"]);
    expect(notes.join()).toMatch(/left inert: "posix.system", "numpy.core.multiarray.fromfile"/);
  });

  test.each([
    ["a shape that its bytes do not fill", { a: arrayOp([1_000_000], floats(2)) }, /has 8 bytes, not 4000000/],
    ["a shape beyond all numbers", { a: arrayOp(new Array(8).fill(2 ** 30), floats(2)) }, /overflows/],
    ["a negative size", { a: arrayOp([-1], floats(0)) }, /not made of sizes/],
    ["too many dimensions", { a: arrayOp(new Array(300).fill(1), floats(1)) }, /dimensions/],
    ["no state", { a: RECONSTRUCT }, /without its elements/],
    ["a state that is none", { a: `${RECONSTRUCT}K\x01b` }, /state is malformed/],
    ["a dtype that is none", { a: arrayOp([1], floats(1), "K\x01") }, /state is malformed/],
    ["a dtype without a name", { a: "cnumpy\ndtype\nK\x01\x85R" }, /dtype has no name/],
    ["Python 2's texts", { a: arrayOp([1], textOp("abcd")) }, /texts of Python 2/],
    ["a number of another size", { a: `cnumpy.core.multiarray\nscalar\n${dtypeOp("f4")}C\x01z\x86R` }, /another size/],
  ])("%s", (_, entries, message) => {
    expect(() => read(entries)).toThrow(message);
    expect(() => read(entries)).toThrow(FormatError);
  });

  test("objects, texts and structures are named as what is not read", () => {
    const { unread } = read({
      weight: arrayOp([1], floats(1)),
      objects: arrayOp([1], "]", dtypeOp("O8", "|")),
      swapped: arrayOp([1], floats(1), dtypeOp("f4", ">")),
    });
    expect(Object.fromEntries(unread)).toEqual({ objects: "numpy O8", swapped: "numpy >f4" });
  });

  test("cut and damaged files fail by name or are read, and never otherwise", () => {
    const whole = golden(4);
    for (let end = 2; end < whole.length; end += 7)
      expect(() => readWeights(whole.subarray(0, end))).toThrow(SaccadeError);
    expect(() => readWeights(Uint8Array.of(...whole, 0))).toThrow("follow the end of the pickle");
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        const damaged = whole.slice();
        damaged[at] = value;
        try {
          readWeights(damaged, undefined, { all: true });
        } catch (error) {
          if (!(error instanceof SaccadeError)) throw error;
        }
      }),
      { numRuns: 2000, seed: 1 },
    );
  });
});
