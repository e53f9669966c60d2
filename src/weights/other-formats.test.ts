import { describe, expect, test } from "vitest";
import { readWeights } from "./load.ts";
import { whatInstead } from "./other-formats.ts";

/** A protobuf field: a whole number, or bytes. */
function field(number: number, content: number | string | readonly number[]): number[] {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
  if (typeof content === "number") return [...varint(8 * number), ...varint(content)];
  const bytes = typeof content === "string" ? [...new TextEncoder().encode(content)] : content;
  return [...varint(8 * number + 2), ...varint(bytes.length), ...bytes];
}

const letters = (text: string) => Array.from(text, (letter) => letter.charCodeAt(0));
const nodeDef = (name: string, op: string) => field(1, [...field(1, name), ...field(2, op), ...field(3, "input")]);
const metaGraph = [
  ...field(1, [...field(4, "serve"), ...field(5, "2.15.0")]),
  ...field(2, nodeDef("x", "Placeholder")),
];
const graph = field(7, field(2, "graph"));
const ONNX = [...field(1, 8), ...field(2, "pytorch"), ...field(3, "2.4"), ...graph];

const FILES: readonly (readonly [what: string, bytes: readonly number[]])[] = [
  ["a TensorFlow SavedModel", [...field(1, 1), ...field(2, metaGraph)]],
  ["a TensorFlow SavedModel", [...field(1, 1), ...field(2, field(2, nodeDef("x", "Placeholder")))]],
  [
    "a frozen TensorFlow graph",
    [...nodeDef("input", "Placeholder"), ...nodeDef("w", "Const"), ...field(4, field(1, 27))],
  ],
  ["a Core ML model", [...field(1, 5), ...field(2, field(1, field(1, "image"))), ...field(500, field(1, []))]],
  ["a TensorFlow Lite model", [28, 0, 0, 0, ...letters("TFL3")]],
  ["a model in ONNX Runtime's own format", [0, 0, 0, 0, ...letters("ORTM")]],
  ["a TensorRT engine", letters("ftrt\0\0")],
  ["an OpenVINO model", letters('<?xml version="1.0"?>\n<net name="x" version="11">')],
  ["a web page, not a file of weights", letters("<!doctype html>")],
  ["an HDF5 file (Keras)", [0x89, 0x48, 0x44, 0x46, 13, 10]],
  ["an ONNX model", ONNX],
  ["the beginning of an ONNX model, or one that is damaged", ONNX.slice(0, 12)],
];

test.each(FILES)("%s", (what, bytes) => {
  const file = Uint8Array.from(bytes);
  expect(whatInstead(file)?.what).toBe(what);
  expect(() => readWeights(file, "some.file")).toThrow(
    expect.objectContaining({ message: `weights: some.file is ${what}`, hint: expect.any(String) }),
  );
});

describe("what is nothing of the kind", () => {
  test.each([
    ["noise", [0x13, 0x37, 0xff, 0x00]],
    ["a number", field(1, 3)],
    ["messages that are no nodes", field(1, [...field(1, "a name"), ...field(2, "no operator!")])],
    ["a picture", [0xff, 0xd8, 0xff, 0xe0]],
    ["a number that never ends", [8, ...new Array(40).fill(0xff)]],
  ] as [string, number[]][])("%s", (_, bytes) => {
    expect(whatInstead(Uint8Array.from(bytes))).toBeUndefined();
  });

  test("any beginning of these files is an answer", () => {
    for (const [, bytes] of FILES)
      for (let length = 1; length <= bytes.length; length++)
        expect(() => whatInstead(Uint8Array.from(bytes.slice(0, length)))).not.toThrow();
  });
});
