import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { gzipSync, zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { FormatError, SaccadeError } from "../errors.ts";
import { readWeights } from "./load.ts";

const GOLDENS = resolve(import.meta.dirname, "../../test/goldens/checkpoints");
const golden = (name: string) => new Uint8Array(readFileSync(join(GOLDENS, name)));
const text = (value: string) => new TextEncoder().encode(value);

describe("knows the format by the content", () => {
  test.each([
    ["reference.safetensors", "safetensors", 16],
    ["torch113-zip-flat.pth", "torch-zip", 16],
    ["torch213-legacy-flat.pth", "torch-legacy", 16],
  ])("%s", (name, format, count) => {
    const weights = readWeights(golden(name), "misleading.onnx");
    expect([weights.format, weights.tensors.size]).toEqual([format, count]);
    expect(weights.notes).toEqual([]);
  });

  test("a Buffer, which slices differently, at an odd place in memory", () => {
    const bytes = golden("reference.safetensors");
    const shifted = Buffer.alloc(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    expect(readWeights(shifted).tensors).toEqual(readWeights(bytes).tensors);
  });

  test("notes say what was chosen and left out; `entry` and `all` choose", () => {
    const bytes = golden("torch213-kinds-protocol5.pth");
    expect(readWeights(bytes).notes.join("\n")).toMatch(
      /left out.*\nforeign objects were left inert: .*"torch\.device"/,
    );
    expect(readWeights(bytes, undefined, { all: true }).tensors.has("u16")).toBe(true);
    expect(() => readWeights(bytes, undefined, { entry: "model" })).toThrow(/no entry/);
  });
});

describe("says what a file is instead", () => {
  const tar = new Uint8Array(1024);
  tar.set(text("ustar"), 257);
  test.each<[string, Uint8Array, RegExp]>([
    ["empty", new Uint8Array(0), /x\.pth is an empty file/],
    ["HTML", text("\n<!DOCTYPE html><html>"), /web page/],
    ["an XML error", text('<?xml version="1.0"?><Error>'), /web page/],
    ["git-lfs", text("version https://git-lfs.github.com/spec/v1\noid sha256:0"), /git-lfs pointer/],
    ["gzip", gzipSync(text("abc")), /gzip/],
    ["tar", tar, /tar archive/],
    ["NumPy", text("\x93NUMPY").subarray(1), /NumPy/],
    ["npz", zipSync({ "a.npy": text("") }), /NumPy/],
    ["ONNX", new Uint8Array([8, 9, 0x12, 7, 112, 121, 116, 111, 114, 99, 104]), /ONNX/],
    ["JSON", text('{"a": 1}'), /JSON/],
    ["a pickle of nothing", new Uint8Array([0x80, 4, 0x4e, 0x2e]), /holds no tensors/],
    ["anything else", text("hello, world, hello"), /neither safetensors nor/],
  ])("%s", (name, bytes, message) => {
    const file = name === "NumPy" ? new Uint8Array([0x93, ...text("NUMPY")]) : bytes;
    expect(() => readWeights(file, "x.pth")).toThrow(FormatError);
    expect(() => readWeights(file, "x.pth")).toThrow(message);
  });

  test("a cut .safetensors is told by its name", () => {
    expect(() => readWeights(golden("reference.safetensors").subarray(0, 9), "x.safetensors")).toThrow(/header claims/);
    expect(() => readWeights(text("<html>"), "x.safetensors")).toThrow(/web page/);
  });
});

describe("hostile bytes", () => {
  /** Reads to the last element; anything but a SaccadeError is a failure. */
  function survive(bytes: Uint8Array): void {
    try {
      readWeights(bytes);
      readWeights(bytes, undefined, { all: true });
    } catch (error) {
      if (!(error instanceof SaccadeError)) throw error;
    }
  }

  const files = readdirSync(GOLDENS).filter((name) => /\.(pth|safetensors)$/.test(name));

  test.each(files)("%s with random mutations", (name) => {
    const original = golden(name);
    // Most of a file is tensor data, where a mutation only changes a number: half of them go where the structure is.
    const place = fc.oneof(fc.nat(original.length - 1), fc.nat(Math.min(original.length, 1500) - 1));
    fc.assert(
      fc.property(fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = original.slice();
        for (const [at, value] of changes) bytes[at] = value;
        survive(bytes);
      }),
      { numRuns: 1500 },
    );
  });

  test("mutations of the pickle inside an archive whose checksums are not computed", () => {
    // PyTorch's own option: without checksums the mutated pickle reaches the unpickler.
    const original = golden("torch213-kinds-protocol5.pth");
    const view = new DataView(original.buffer);
    for (let at = 0; at + 4 < original.length; at++)
      if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 16, 0, true);
    expect(readWeights(original).tensors.size).toBeGreaterThan(5);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 60, max: 1450 }), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const bytes = original.slice();
          for (const [at, value] of changes) bytes[at] = value;
          survive(bytes);
        },
      ),
      { numRuns: 4000 },
    );
  });

  test.each(files)("%s truncated anywhere", (name) => {
    const original = golden(name);
    for (let length = 0; length < original.length; length += 7)
      expect(() => readWeights(original.subarray(0, length), name)).toThrow(SaccadeError);
  });

  test("random bytes behind every magic", () => {
    const starts = [
      [0x50, 0x4b, 3, 4],
      [...golden("torch113-legacy-flat.pth").subarray(0, 23)],
      [64, 0, 0, 0, 0, 0, 0, 0, 0x7b],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 200 }), (start, rest) => {
        survive(Uint8Array.from([...start, ...rest]));
      }),
      { numRuns: 2000 },
    );
  });
});
