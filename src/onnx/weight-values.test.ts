import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { FormatError } from "../errors.ts";
import { toFloat64 } from "../tensor.ts";
import { modelBytes } from "./graph-bytes.test-helper.ts";
import { TensorProtoSchema } from "./onnx-pb.ts";
import { visitWeights } from "./weight-values.ts";

const FLOAT = 1;
const INT64 = 7;
const HALF = 10;

test("floats are shown however they are stored, and nothing else", () => {
  const tensor = (init: Parameters<typeof create<typeof TensorProtoSchema>>[1]) => create(TensorProtoSchema, init);
  const bytes = modelBytes({
    initializer: [
      tensor({ name: "raw", dataType: FLOAT, dims: [2n], rawData: new Uint8Array(Float32Array.of(1, 2).buffer) }),
      tensor({ name: "typed", dataType: FLOAT, dims: [1n], floatData: [3] }),
      tensor({ name: "half", dataType: HALF, dims: [1n], int32Data: [0x7c00] }),
      tensor({ name: "whole", dataType: INT64, dims: [1n], int64Data: [5n] }),
    ],
  });
  const seen: Record<string, number[]> = {};
  visitWeights(bytes, (name, value) => {
    seen[name] = [...toFloat64(value)];
  });
  expect(seen).toEqual({ raw: [1, 2], typed: [3], half: [Number.POSITIVE_INFINITY] });
});

test("a tensor that ends in the middle of a number is an error of ours", () => {
  const bytes = modelBytes({
    initializer: [create(TensorProtoSchema, { name: "w", dataType: FLOAT, rawData: new Uint8Array(5) })],
  });
  expect(() => visitWeights(bytes, () => undefined)).toThrow(FormatError);
});
