import { expect, test } from "vitest";
import { UsageError } from "../../errors.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { type EmbeddingSpace, identifySpace, requireSameSpace } from "./space.ts";

const PARTS: Omit<EmbeddingSpace, "id"> = {
  name: "a.onnx",
  model: "0123456789abcdef",
  layer: "features",
  pooling: "none",
  transform: "resize(8,8,bilinear)",
  views: "center",
  precision: "float32",
  power: false,
  projection: null,
  normalize: true,
  width: 4,
};
const identified = (changes: Partial<EmbeddingSpace> = {}) => identifySpace(nodeHost, { ...PARTS, ...changes });

test("a model under another name has the same space; everything else makes another one", async () => {
  const space = await identified();
  expect(space.id).toMatch(/^[0-9a-f]{16}$/);
  expect((await identified({ name: "b.onnx" })).id).toBe(space.id);
  const others: Partial<EmbeddingSpace>[] = [
    { model: "0123456789abcdee" },
    { layer: "tokens" },
    { pooling: "mean" },
    { transform: "resize(9,9,bilinear)" },
    { views: "crops" },
    { precision: "int8" },
    { power: true },
    { projection: "0123456789abcdef" },
    { normalize: false },
    { width: 5 },
  ];
  const ids = await Promise.all(others.map(async (change) => (await identified(change)).id));
  expect(new Set([...ids, space.id]).size).toBe(others.length + 1);
});

test("a space goes through JSON", async () => {
  const space = await identified();
  expect(JSON.parse(JSON.stringify(space))).toEqual(space);
});

test("vectors of two spaces are refused with what differs", async () => {
  const [a, b] = [await identified(), await identified({ name: "b.onnx", model: "f".repeat(16), views: "crops" })];
  expect(() => requireSameSpace(a, { ...a, name: "elsewhere" })).not.toThrow();
  const refusal = expect.objectContaining({
    message:
      "the features of the index and of the model cannot be compared (model: a.onnx (0123456789abcdef) against b.onnx (ffffffffffffffff); views: center against crops)",
    hint: expect.stringContaining("one model with the same options"),
  });
  expect(() => requireSameSpace(a, b, ["the index", "the model"])).toThrow(UsageError);
  expect(() => requireSameSpace(a, b, ["the index", "the model"])).toThrow(refusal);
});
