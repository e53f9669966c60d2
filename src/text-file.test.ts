import fc from "fast-check";
import { expect, test } from "vitest";
import { FormatError } from "./errors.ts";
import { decodeText } from "./text-file.ts";

const utf16 = (text: string, isLittle: boolean): Uint8Array => {
  const view = new DataView(new ArrayBuffer(2 * text.length + 2));
  view.setUint16(0, 0xfeff, isLittle);
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i + 2, text.charCodeAt(i), isLittle);
  return new Uint8Array(view.buffer);
};

test("UTF-8 and, by its mark, UTF-16 come back as they were written", () => {
  const texts = fc
    .string({ unit: "grapheme" })
    .filter((text) => !/^\ufeff/.test(text) && !text.slice(0, 4).includes("\0"));
  fc.assert(
    fc.property(texts, (text) => {
      expect(decodeText(new TextEncoder().encode(text), "a.txt")).toBe(text);
      expect(decodeText(new TextEncoder().encode(`\ufeff${text}`), "a.txt")).toBe(text);
      for (const isLittle of [true, false]) expect(decodeText(utf16(text, isLittle), "a.txt")).toBe(text);
    }),
  );
});

test("other encodings are refused with the line, never guessed", () => {
  const cp1252 = Uint8Array.from([...new TextEncoder().encode("path,label\na.jpg,dog\nb.jpg,vach"), 0xe9, 10]);
  expect(() => decodeText(cp1252, "list.csv")).toThrow("list.csv:3 is not UTF-8 text");
  expect(() => decodeText(Uint8Array.of(0xe9), "list.csv")).toThrow("list.csv:1 is not");
  expect(() => decodeText(utf16("path", true).subarray(2), "list.csv")).toThrow(/perhaps it is UTF-16 without/);
  expect(() => decodeText(Uint8Array.of(8, 1, 0, 0, 123), "model.onnx")).toThrow("model.onnx is not text");
  expect(() => decodeText(utf16("path", false).subarray(0, 7), "list.csv")).toThrow(/damaged or cut off/);
  expect(() => decodeText(Uint8Array.of(0xff, 0xfe, 0, 0xd8), "list.csv")).toThrow(FormatError);
});
