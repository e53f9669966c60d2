import fc from "fast-check";
import { expect, test } from "vitest";
import { type ModelMetadata, readMetadata, writeMetadata } from "./metadata.ts";

test("comes back as it was written", () => {
  const metadata: ModelMetadata = {
    labels: ["tench", "goldfish, Carassius auratus", "«日本»"],
    transform: "resize_small(256,bicubic)|central_crop(224)",
    licence: "Apache-2.0",
    provenance: "https://example.org/weights.pth",
    architecture: "sparseformer.tiny",
    config: { num_tokens: 49, nested: { list: [1, 2.5, null, "x"] } },
    version: "0.1.0",
  };
  expect(readMetadata(writeMetadata(metadata))).toEqual(metadata);
});

test("entries are namespaced, and absent when undefined", () => {
  expect(writeMetadata({ labels: ["a"], transform: undefined })).toEqual({ "saccade.labels": '["a"]' });
  expect(writeMetadata({})).toEqual({});
});

test("foreign and malformed entries are undefined, never an error", () => {
  expect(readMetadata({ names: "{0: 'cat'}", stride: "32" }).labels).toBeUndefined();
  for (const text of ["", "{", "[1, 2]", '{"a": "b"}', "null", '"cat"'])
    expect(readMetadata({ "saccade.labels": text }).labels).toBeUndefined();
  expect(readMetadata({ "saccade.config": "[1]" }).config).toBeUndefined();
  fc.assert(
    fc.property(fc.string(), fc.string(), (labels, config) => {
      readMetadata({ "saccade.labels": labels, "saccade.config": config });
    }),
  );
});
