import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FormatError, LimitError, SaccadeError } from "../errors.ts";
import * as g from "../graph/build.ts";
import { trace } from "../graph/scope.ts";
import { tensor } from "../tensor.ts";
import { lower } from "./lower.ts";
import { readMetadata, writeMetadata } from "./metadata.ts";
import { isOnnx, type OnnxSummary, readOnnx } from "./read.ts";

const metadata = writeMetadata({ labels: ["cat", "dog"], transform: "resize(256)" });

function smallFile(): Uint8Array {
  const graph = trace((scope) => {
    const x = scope.graph.input("x", ["batch", 3, "2*width"]);
    return { y: g.quickGelu(g.mul(x, scope.parameter("w", [3, 1], { kind: "ones" }))) };
  });
  const parameters = new Map([["w", tensor("float32", [3, 1], Float32Array.of(1, 2, 3))]]);
  return lower(graph, { parameters, metadata, target: "onnxruntime", graphName: "small" });
}

/** Reads hostile bytes: an answer or a SaccadeError, nothing else. */
function survives(bytes: Uint8Array): OnnxSummary | undefined {
  try {
    return readOnnx(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(SaccadeError);
    return undefined;
  }
}

describe("readOnnx", () => {
  const file = smallFile();

  test("reads what lower wrote", () => {
    expect(readOnnx(file)).toMatchObject({
      graphName: "small",
      inputs: [{ name: "x", dtype: "float32", shape: ["batch", 3, "2*width"] }],
      initializers: [{ name: "w", dtype: "float32", shape: [3, 1], bytes: 12 }],
      nodeCount: 2,
      opCounts: { "com.microsoft.QuickGelu": 1, Mul: 1 },
      metadata,
    });
  });

  test("does not care where in a buffer the file lies", () => {
    const padded = new Uint8Array(file.length + 7);
    padded.set(file, 3);
    expect(readOnnx(padded.subarray(3, 3 + file.length))).toEqual(readOnnx(file));
  });

  test("survives every truncation", () => {
    for (let length = 0; length < file.length; length++) survives(file.subarray(0, length));
    expect(() => readOnnx(file.subarray(0, file.length - 1))).toThrow(FormatError);
    expect(() => readOnnx(new Uint8Array())).toThrow(FormatError);
  });

  test("survives any change of bytes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const bytes = file.slice();
          for (const [at, value] of changes) bytes[at] = value;
          survives(bytes);
          isOnnx(bytes);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("survives any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        survives(bytes);
        isOnnx(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  test("a length that lies allocates nothing", () => {
    // version 9, then a graph that claims 2 GB
    expect(() => readOnnx(Uint8Array.of(0x08, 9, 0x3a, 0xff, 0xff, 0xff, 0xff, 0x07))).toThrow(FormatError);
    // a weight whose shape claims 2^40 elements, with four bytes of data
    const weight = [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0x10, 1, 0x4a, 4, 0, 0, 0, 0];
    const graph = [0x2a, weight.length, ...weight];
    expect(() => readOnnx(Uint8Array.of(0x08, 9, 0x3a, graph.length, ...graph))).toThrow(/says otherwise/);
  });

  test("empty entries without end stop at a limit", () => {
    const entries = new Uint8Array(2 * 300_000);
    for (let i = 0; i < entries.length; i += 2) entries[i] = 0x2a; // empty initializers, two bytes each
    const length = [0xff & (entries.length | 0x80), 0xff & ((entries.length >> 7) | 0x80), entries.length >> 14];
    const head = [0x08, 9, 0x3a, ...length];
    const crafted = new Uint8Array(head.length + entries.length);
    crafted.set(head);
    crafted.set(entries, head.length);
    expect(() => readOnnx(crafted)).toThrow(LimitError);
  });

  test("names from the file cannot reach prototypes", () => {
    const bytes = lower(
      trace((scope) => ({ y: g.exp(scope.graph.input("x", [1])) })),
      { metadata: { ["__proto__"]: "polluted" } },
    );
    const { metadata: read } = readOnnx(bytes);
    expect(Object.hasOwn(read, "__proto__")).toBe(true);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect(readMetadata(read).labels).toBeUndefined();
  });

  test("steps over the weights of a large file", () => {
    const graph = trace((scope) => ({ y: scope.parameter("w", [1024, 4096], { kind: "zeros" }) }));
    const bytes = lower(graph, {
      parameters: new Map([["w", tensor("float32", [1024, 4096], new Float32Array(2 ** 22))]]),
    });
    const before = performance.now();
    for (let i = 0; i < 100; i++) readOnnx(bytes);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

test("isOnnx knows a model by its beginning", () => {
  const file = smallFile();
  expect(isOnnx(file)).toBe(true);
  expect(isOnnx(file.subarray(0, 300))).toBe(true);
  const others = [
    "",
    "{}",
    "\x89PNG\r\n\x1a\n0000",
    "PK\x03\x04................",
    "GIF89a..........",
    '\x40\x00\x00\x00\x00\x00\x00\x00{"weight":{"dtype":"F32"}}',
    "\xff\xd8\xff\xe0....JFIF",
  ];
  for (const other of others) expect(isOnnx(Uint8Array.from(other, (c) => c.charCodeAt(0)))).toBe(false);
});
