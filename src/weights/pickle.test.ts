import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FormatError, LimitError, SaccadeError } from "../errors.ts";
import { unpickle } from "./pickle.ts";
import { Inert, PickleTuple, type PickleValue } from "./pickle-values.ts";

/** Bytes out of Latin-1 text, as Python's b"..." literals are written. */
const b = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const load = (text: string) => unpickle(b(text)).value;

describe("opcodes", () => {
  // Each as CPython's pickle.dumps writes the value, or as pickletools describes the opcode.
  const cases: [string, string, PickleValue][] = [
    ["None", "N.", null],
    ["booleans of protocol 2", "\x80\x02\x88.", true],
    ["booleans of protocol 0", "I00\n.", false],
    ["decimal int", "I-12\n.", -12],
    ["decimal long", "L123456789012345678901L\n.", 123456789012345678901n],
    ["BININT", "J\xfe\xff\xff\xff.", -2],
    ["BININT1", "K\xff.", 255],
    ["BININT2", "M\xff\xff.", 65535],
    ["LONG1", "\x8a\x01\xff.", -1],
    ["LONG1, empty", "\x8a\x00.", 0],
    ["LONG1 beyond 2^53", "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01.", 2n ** 64n],
    ["LONG4", "\x8b\x02\x00\x00\x00\x00\x80.", -32768],
    ["FLOAT", "F-1.5e3\n.", -1500],
    ["FLOAT inf", "F-inf\n.", Number.NEGATIVE_INFINITY],
    ["BINFLOAT", "G\x3f\xf8\x00\x00\x00\x00\x00\x00.", 1.5],
    ["STRING", "S'a\\x41\\n\\'\\101'\n.", "aA\n'A"],
    ["BINSTRING, UTF-8", "T\x02\x00\x00\x00\xc3\xa9.", "é"],
    ["SHORT_BINSTRING, Latin-1", "U\x01\xe9.", "é"],
    ["UNICODE", "Vx\\u0041\\U0001F600\n.", "xA😀"],
    ["BINUNICODE", "X\x03\x00\x00\x00abc.", "abc"],
    ["SHORT_BINUNICODE", "\x8c\x02hi.", "hi"],
    ["BINUNICODE8", "\x8d\x02\x00\x00\x00\x00\x00\x00\x00hi.", "hi"],
    ["BINBYTES", "B\x02\x00\x00\x00\x00\xff.", new Uint8Array([0, 255])],
    ["SHORT_BINBYTES", "C\x01z.", new Uint8Array([122])],
    ["BINBYTES8", "\x8e\x01\x00\x00\x00\x00\x00\x00\x00z.", new Uint8Array([122])],
    ["BYTEARRAY8", "\x96\x01\x00\x00\x00\x00\x00\x00\x00z.", new Uint8Array([122])],
    ["LIST and APPEND", "(K\x01lK\x02a.", [1, 2]],
    ["APPENDS", "](K\x01K\x02e.", [1, 2]],
    ["TUPLE, EMPTY_TUPLE", "()K\x01t.", new PickleTuple([new PickleTuple([]), 1])],
    [
      "TUPLE1 to 3",
      "K\x01\x85K\x02\x86K\x03K\x04\x87.",
      new PickleTuple([new PickleTuple([new PickleTuple([1]), 2]), 3, 4]),
    ],
    ["DICT", "(K\x01K\x02d.", new Map([[1, 2]])],
    [
      "SETITEM, SETITEMS",
      "}K\x01K\x02s(K\x03K\x04u.",
      new Map([
        [1, 2],
        [3, 4],
      ]),
    ],
    ["EMPTY_SET, ADDITEMS", "\x8f(K\x01K\x01K\x02\x90.", new Set([1, 2])],
    ["FROZENSET", "(K\x01\x91.", new Set([1])],
    ["POP, POP_MARK, DUP", "K\x01K\x020(K\x03K\x0412\x86.", new PickleTuple([1, 1])],
    ["POP of a mark", "K\x01(0.", 1],
    [
      "PUT, GET, BINPUT, LONG_BINPUT, MEMOIZE",
      "K\x01p9\n0K\x02q\x050K\x03r\x07\x00\x00\x000K\x04\x940(g9\nh\x05j\x07\x00\x00\x00h\x03t.",
      new PickleTuple([1, 2, 3, 4]),
    ],
    ["FRAME", "\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00K\x01.", 1],
    ["OrderedDict", "ccollections\nOrderedDict\n)R.", new Map()],
    ["defaultdict", "ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R.", new Map()],
    ["set of Python 2", "c__builtin__\nset\n](K\x07e\x85R.", new Set([7])],
    ["torch.Size", "ctorch\nSize\nK\x02\x85\x85R.", new PickleTuple([2])],
    [
      "bytes of protocol 2",
      "c_codecs\nencode\nX\x02\x00\x00\x00\xc3\xbfX\x06\x00\x00\x00latin1\x86R.",
      new Uint8Array([255]),
    ],
  ];
  test.each(cases)("%s", (_, text, value) => {
    expect(load(text)).toEqual(value);
  });

  test("what follows STOP is left alone, and its place is known", () => {
    expect(unpickle(b("xxK\x05.rest"), { start: 2 })).toEqual({ value: 5, end: 5, foreign: [] });
  });

  test("an OrderedDict's attributes are ignored, and pairs are taken", () => {
    const pairs = "ccollections\nOrderedDict\n](](K\x01K\x02e](K\x03K\x04ee\x85R}K\x01K\x02sb.";
    expect(load(pairs)).toEqual(
      new Map([
        [1, 2],
        [3, 4],
      ]),
    );
  });
});

describe("foreign globals stay inert", () => {
  test("os.system is not called", () => {
    const victim = join(tmpdir(), `saccade-pickle-${process.pid}`);
    const { value, foreign } = unpickle(b(`cos\nsystem\n(S'touch ${victim}'\ntR.`));
    expect(value).toBeInstanceOf(Inert);
    expect(value).toMatchObject({ kind: "inert", name: "os.system", args: [`touch ${victim}`] });
    expect(foreign).toEqual(["os.system"]);
    expect(existsSync(victim)).toBe(false);
  });

  test.each([
    ["REDUCE", "cbuiltins\neval\n(S'1'\ntR."],
    ["STACK_GLOBAL", "\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R."],
    ["NEWOBJ", "cbuiltins\neval\n(S'1'\nt\x81."],
    ["NEWOBJ_EX", "cbuiltins\neval\n(S'1'\nt}\x92."],
    ["INST", "(S'1'\nibuiltins\neval\n."],
    ["OBJ", "(cbuiltins\neval\nS'1'\no."],
  ])("%s", (_, text) => {
    expect(load(text)).toMatchObject({ name: "builtins.eval", args: ["1"] });
  });

  test("names of JavaScript's own objects are nothing special", () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"])
      expect(load(`c${name}\n${name}\n)R.`)).toMatchObject({ kind: "inert", name: `${name}.${name}` });
    const dict = load("}X\x09\x00\x00\x00__proto__K\x01s.") as Map<string, number>;
    expect(dict.get("__proto__")).toBe(1);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test("a class that is filled like a dict, a list and by state", () => {
    expect(load("cm\nC\n)\x81K\x01K\x02s(K\x03e}b.")).toMatchObject({
      name: "m.C",
      entries: new Map([[1, 2]]),
      items: [3],
      state: new Map(),
    });
    expect(load("cm\nC\n)}K\x01K\x02s\x92.")).toMatchObject({ keywords: new Map([[1, 2]]) });
  });
});

describe("malformed pickles", () => {
  test.each<[string, string]>([
    ["empty", ""],
    ["no STOP", "K\x01"],
    ["STOP on nothing", "."],
    ["values left", "K\x01K\x02."],
    ["a mark left", "(K\x01."],
    ["an unknown protocol", "\x80\x09N."],
    ["an unknown opcode", "\xffN."],
    ["EXT1", "\x82\x01."],
    ["EXT4", "\x84\x01\x00\x00\x00."],
    ["NEXT_BUFFER", "\x97."],
    ["READONLY_BUFFER", "N\x98."],
    ["no mark", "K\x01t."],
    ["values below the mark", "K\x01(\x85."],
    ["a memo that is not there", "h\x05."],
    ["a negative memo", "Np-1\n."],
    ["an odd dict", "}(K\x01u."],
    ["entries in a list", "]K\x01K\x02s."],
    ["elements in a dict", "}K\x01a."],
    ["state of a list", "]}b."],
    ["arguments that are no tuple", "cm\nC\nK\x01R."],
    ["a call of a number", "K\x01)R."],
    ["a global whose name is a number", "K\x01K\x02\x93."],
    ["a global with an endless name", `c${"m".repeat(2000)}\nC\n.`],
    ["an int that is none", "I1x\n."],
    ["a float that is none", "F0x10\n."],
    ["too many digits", `L${"9".repeat(5000)}\n.`],
    ["too many bytes", `\x8b\x00\x20\x00\x00${"\x01".repeat(0x2000)}.`],
    ["a string without quotes", "Sab\n."],
    ["text that is no UTF-8", "X\x01\x00\x00\x00\xff."],
    ["a character beyond Unicode", "V\\UFFFFFFFF\n."],
    ["a string longer than the file", "X\xff\xff\xff\x7fab."],
    ["bytes longer than any file", "\x8e\xff\xff\xff\xff\xff\xff\xff\xffab."],
    ["a frame longer than the file", "\x95\x00\x00\x00\x00\x00\x01\x00\x00N."],
    ["a persistent id without a reader", "K\x01Q."],
    ["a dict of numbers", "ccollections\nOrderedDict\nK\x01\x85R."],
    ["a byte beyond 255", "c_codecs\nencode\nV\\u1234\nVlatin1\n\x86R."],
  ])("%s", (_, text) => {
    expect(() => load(text)).toThrow(FormatError);
  });

  test("cycles are data like any other", () => {
    const list = load("]q\x00h\x00a.") as PickleValue[];
    expect(list[0]).toBe(list);
    const dict = load("}q\x00K\x01h\x00s.") as Map<number, unknown>;
    expect(dict.get(1)).toBe(dict);
  });

  test("nesting uses no JavaScript stack", () => {
    const depth = 500_000;
    let value = load(`${"]".repeat(depth)}${"a".repeat(depth - 1)}.`) as PickleValue[];
    let levels = 1;
    for (; value.length > 0; levels++) value = value[0] as PickleValue[];
    expect(levels).toBe(depth);
  });

  test("ceilings", () => {
    const limits = { operations: 1000, objects: 100 };
    expect(() => unpickle(b(`(${"]".repeat(101)}t.`), { limits })).toThrow(LimitError);
    expect(() => unpickle(b(`N${"20".repeat(600)}.`), { limits })).toThrow(LimitError);
    // Copying one memoized list over and over would make gigabytes out of a kilobyte.
    const copies = `(${"K\x01".repeat(2000)}lq\x00cbuiltins\nlist\nq\x01(${"h\x01h\x00\x85R".repeat(1000)}t.`;
    expect(() => load(copies)).toThrow(LimitError);
  });

  test("keys whose places in a Map a file could choose are few", () => {
    const double = (value: number) => {
      const bytes = Buffer.alloc(9);
      bytes.write("G", "latin1");
      bytes.writeDoubleBE(value, 1);
      return bytes.toString("latin1");
    };
    const many = (one: (i: number) => string) => Array.from({ length: 20_001 }, (_, i) => one(i)).join("");
    const floats = many((i) => double(i + 0.5));
    const pairs = many((i) => `${double(i + 0.5)}N`);
    for (const text of [
      `(${pairs}d.`,
      `}(${pairs}u.`,
      `(${floats}\x91.`,
      `\x8f(${floats}\x90.`,
      `cbuiltins\nset\n(${floats}l\x85R.`,
      `ccollections\nOrderedDict\n(${many((i) => `${double(i + 0.5)}N\x86`)}l\x85R.`,
      `}${"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01Ns".repeat(20_001)}.`,
    ])
      expect(() => load(text)).toThrow(/large numbers/);
    // A list of numbers finds nothing by its elements, and small numbers are any keys.
    expect(load(`cbuiltins\nlist\n(${floats}l\x85R.`)).toHaveLength(20_001);
    expect(load(`(${many((i) => `M${String.fromCharCode(i % 256, Math.floor(i / 256))}N`)}d.`)).toHaveProperty(
      "size",
      20_001,
    );
    expect(() => load("Np9007199254740991\n.")).toThrow(FormatError);
  });

  test("random bytes of opcodes parse or throw a SaccadeError", () => {
    const opcodes = b(
      "().012FGIJKLMNPQRSTUVXabcdeghijlopqrstu}]\x80\x81\x85\x86\x87\x88\x89\x8a\x8c\x8f\x90\x91\x92\x93\x94\x95\x00\x01\x02\n",
    );
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...opcodes), { maxLength: 60 }), (bytes) => {
        try {
          unpickle(Uint8Array.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(SaccadeError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
