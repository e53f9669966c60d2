import { expect, test } from "vitest";
import { isAddress } from "./address.ts";
import { besideOf } from "./beside.ts";
import { joinPath, partsOf, pathInside } from "./paths.ts";

test("paths are joined, and the host of an address stays one", () => {
  expect(joinPath("a", "b/", "./c")).toBe("a/b/c");
  expect(joinPath("a/b", "..", "c")).toBe("a/c");
  expect(joinPath("https://example.org/models/x", "..", "config.json")).toBe("https://example.org/models/config.json");
  expect(joinPath("", "..", "a")).toBe("a");
  expect(partsOf("/a//b/../c/")).toEqual(["a", "c"]);
});

test("what is inside a folder", () => {
  expect(pathInside("a/b", "a/b/c/d")).toBe("c/d");
  expect(pathInside("a/b", "/a/b")).toBe("");
  expect(pathInside("a/b", "a/bc")).toBeUndefined();
  expect(pathInside("a/b", "a/b/../c")).toBeUndefined();
});

test("names that lead out of a folder are refused", () => {
  expect(besideOf("m/model.onnx", "model.onnx.data")).toBe("m/model.onnx.data");
  for (const name of ["../secret", "/etc/passwd", "a/../../b", "C:\\x", "a\0b"])
    expect(() => besideOf("m/model.onnx", name)).toThrow("not in its folder");
});

test("what can only be an address", () => {
  for (const text of ["https://a.b/c", "/models/x.onnx", "./x", "../x", "data:,a", "blob:x"])
    expect(isAddress(text)).toBe(true);
  for (const text of ["saccade/everyday", "my-model", "runs/1/best", "x.onnx", ".cache/x"])
    expect(isAddress(text)).toBe(false);
});
