import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FormatError, LimitError, SaccadeError } from "../errors.ts";
import { externalTensors, inlineExternalData, requireOneFile, requireSelfContained } from "./external-data.ts";
import { modelBytes, node } from "./graph-bytes.test-helper.ts";
import { AttributeProtoSchema, ModelProtoSchema, TensorProtoSchema } from "./onnx-pb.ts";
import { readOnnx } from "./read.ts";

const data = Uint8Array.from({ length: 64 }, (_, i) => i);
const files = new Map([["w.bin", data]]);

function place(entries: Record<string, string>, dims = [2n, 2n], dataType = 1) {
  return create(TensorProtoSchema, {
    name: "w",
    dims,
    dataType,
    dataLocation: 1,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  });
}

const model = (tensor: ReturnType<typeof place>) => modelBytes({ initializer: [tensor] });
const inlined = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, inlineExternalData(bytes, "m.onnx", files)).graph!;

describe("inlineExternalData", () => {
  test("takes in the bytes that a weight names, and leaves the rest as it is", () => {
    const bytes = model(place({ location: "w.bin", offset: "8", length: "16", checksum: "x" }));
    expect(externalTensors(bytes, "m.onnx")).toEqual([{ name: "w", location: "w.bin", offset: 8, length: 16 }]);
    const [weight] = inlined(bytes).initializer;
    expect(weight).toMatchObject({ name: "w", dims: [2n, 2n], dataType: 1, dataLocation: 0, externalData: [] });
    expect([...weight!.rawData]).toEqual([...data.subarray(8, 24)]);
    expect(readOnnx(inlineExternalData(bytes, "m.onnx", files)).initializers).toEqual([
      { name: "w", dtype: "float32", shape: [2, 2], bytes: 16 },
    ]);
  });

  test("without offset and length it is the beginning, as long as the shape says", () => {
    expect([...inlined(model(place({ location: "w.bin" }))).initializer[0]!.rawData]).toEqual([
      ...data.subarray(0, 16),
    ]);
    // Nine numbers of four bits.
    const small = inlined(model(place({ location: "w.bin" }, [9n], 22))).initializer[0]!;
    expect(small.rawData).toHaveLength(5);
  });

  test("also inside nodes and branches", () => {
    const tensor = place({ location: "w.bin", length: "16" });
    const attribute = (content: MessageInitShape<typeof AttributeProtoSchema>) => create(AttributeProtoSchema, content);
    const constant = node("Constant", [], ["c"]);
    constant.attribute.push(attribute({ name: "value", t: tensor, type: 4 }));
    const branch = node("If", ["x"], ["y"]);
    branch.attribute.push(attribute({ name: "then_branch", type: 5, g: { node: [constant], initializer: [tensor] } }));
    const graph = inlined(modelBytes({ node: [constant, branch] }));
    expect(graph.node[0]!.attribute[0]!.t!.rawData).toHaveLength(16);
    const inner = graph.node[1]!.attribute[0]!.g!;
    expect(inner.initializer[0]!.rawData).toHaveLength(16);
    expect(inner.node[0]!.attribute[0]!.t!.externalData).toEqual([]);
  });

  test("a model that has all of it comes back as it is", () => {
    const bytes = modelBytes({ node: [node("Identity", ["x"], ["y"])] });
    expect(inlineExternalData(bytes, "m.onnx", files)).toBe(bytes);
    expect(() => requireSelfContained(bytes, "m.onnx")).not.toThrow();
  });
});

test.each([
  ["no file", {}, /not in which/],
  ["an offset that is no number", { location: "w.bin", offset: "0x10" }, /cannot be/],
  ["a negative offset", { location: "w.bin", offset: "-4" }, /cannot be/],
  ["an offset beyond all numbers", { location: "w.bin", offset: "99999999999999999999" }, /cannot be/],
  ["a length that the shape contradicts", { location: "w.bin", length: "12" }, /its shape \[2, 2\] says 16/],
])("%s is refused", (_, entries, message) => {
  expect(() => externalTensors(model(place(entries as unknown as Record<string, string>)), "m.onnx")).toThrow(
    FormatError,
  );
  expect(() => externalTensors(model(place(entries as unknown as Record<string, string>)), "m.onnx")).toThrow(message);
});

test("a file that is too short, or gone, is said with the bytes that are missing", () => {
  const beyond = model(place({ location: "w.bin", offset: "60" }));
  expect(() => inlined(beyond)).toThrow(/bytes 60 to 76 of "w.bin", which has 64/);
  expect(() => inlined(model(place({ location: "other.bin" })))).toThrow(/which has 0/);
});

test("sizes are added up before anything is allocated", () => {
  const huge = place({ location: "w.bin" }, [2n ** 31n]);
  const bytes = model(huge);
  expect(() => requireOneFile(bytes, "m.onnx", externalTensors(bytes, "m.onnx"))).toThrow(LimitError);
  expect(() => inlineExternalData(bytes, "m.onnx", files)).toThrow(LimitError);
  const absurd = model(place({ location: "w.bin" }, [2n ** 40n, 2n ** 40n]));
  expect(() => externalTensors(absurd, "m.onnx")).toThrow(/cannot be/);
});

test("bytes alone are refused with what to do", () => {
  expect(() => requireSelfContained(model(place({ location: "w.bin" })), "the model")).toThrow(
    expect.objectContaining({ message: expect.stringContaining('"w.bin"'), hint: expect.stringContaining("path") }),
  );
});

test("any change of bytes ends with an answer or an error of ours", () => {
  const file = model(place({ location: "w.bin", offset: "8", length: "16" }));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
      const bytes = file.slice();
      for (const [at, value] of changes) bytes[at] = value;
      try {
        inlineExternalData(bytes, "m.onnx", files);
      } catch (error) {
        expect(error).toBeInstanceOf(SaccadeError);
      }
    }),
    { numRuns: 500 },
  );
});

test("graphs within graphs stop at a limit, not at the end of the stack", () => {
  let graph: Uint8Array = new Uint8Array();
  const wrap = (tag: number, content: Uint8Array) => {
    const length: number[] = [];
    for (let rest = content.length; ; rest >>= 7) {
      length.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) break;
    }
    return Uint8Array.from([tag, ...length, ...content]);
  };
  for (let depth = 0; depth < 500; depth++) graph = wrap(0x0a, wrap(0x2a, wrap(0x32, graph))); // node, attribute, graph
  expect(() => externalTensors(wrap(0x3a, graph), "m.onnx")).toThrow(LimitError);
});
