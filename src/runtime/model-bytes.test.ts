import { expect, test } from "vitest";
import { SessionError } from "../errors.ts";
import { checkModelBytes } from "./model-bytes.ts";

// ir_version = 8, graph of 4 bytes (name "ab"), opset_import of 2 bytes.
const MODEL = [0x08, 0x08, 0x3a, 0x04, 0x12, 0x02, 0x61, 0x62, 0x42, 0x02, 0x10, 0x11];
const text = (value: string) => new TextEncoder().encode(value);

test("a model, in either order of fields, and ONNX Runtime's own format", () => {
  expect(() => checkModelBytes(Uint8Array.from(MODEL))).not.toThrow();
  expect(() => checkModelBytes(Uint8Array.from([...MODEL.slice(2), 0x08, 0x08]))).not.toThrow();
  expect(() => checkModelBytes(text("abcdORTM..."))).not.toThrow();
});

test.each([
  ["empty", new Uint8Array(0), /it is empty/],
  ["cut off", Uint8Array.from(MODEL.slice(0, 6)), /ends in the middle/],
  ["cut off in a number", Uint8Array.from([0x08, 0x88]), /structure|ends/],
  ["no graph", Uint8Array.from([0x08, 0x08]), /holds no graph/],
  ["noise", Uint8Array.from([0xff, 0xff, 0xff, 0xff]), /structure|ends/],
  ["a Git LFS pointer", text("version https://git-lfs.github.com/spec/v1\n"), /Git LFS/],
  ["a zip", text("PK\x03\x04"), /zip/],
  ["a page", text("<!doctype html>"), /HTML/],
  ["JSON", text('{"a": 1}'), /JSON/],
  ["safetensors", text('\x40\0\0\0\0\0\0\0{"a":{}}'), /safetensors/],
])("%s is refused with a hint", (_, bytes, message) => {
  const check = () => checkModelBytes(bytes);
  expect(check).toThrow(message);
  expect(check).toThrow(expect.objectContaining({ name: SessionError.name, hint: expect.any(String) }));
});
