// Tiny ONNX models for tests, encoded by hand: a protobuf writer of three functions and the few message fields of onnx.proto3 it needs. The
// tests of sessions so depend on no other part of the project.
import type { DType } from "../../tensor.ts";

type Bytes = number[];

const ONNX_TYPE: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};

function varint(value: number): Bytes {
  const out: Bytes = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return [...out, rest];
}

const integer = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];

function message(field: number, body: Bytes | string): Bytes {
  const bytes = typeof body === "string" ? [...new TextEncoder().encode(body)] : body;
  return [...varint(field * 8 + 2), ...varint(bytes.length), ...bytes];
}

export interface FixtureValue {
  readonly name: string;
  readonly dtype: DType;
  /** Names are free dimensions; undefined leaves the rank open. */
  readonly shape: readonly (number | string)[] | undefined;
}

export interface FixtureNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Integer attributes. */
  readonly attributes?: Readonly<Record<string, number>>;
}

/** Bytes of an ONNX model, IR version 8, opset 17. */
export function onnxModel(
  inputs: readonly FixtureValue[],
  nodes: readonly FixtureNode[],
  outputs: readonly FixtureValue[],
): Uint8Array<ArrayBuffer> {
  const graph = [
    ...nodes.flatMap((node) => message(1, nodeBody(node))),
    ...message(2, "fixture"),
    ...inputs.flatMap((value) => message(11, valueBody(value))),
    ...outputs.flatMap((value) => message(12, valueBody(value))),
  ];
  const opset = message(8, integer(2, 17));
  return Uint8Array.from([...integer(1, 8), ...message(7, graph), ...opset]);
}

function nodeBody(node: FixtureNode): Bytes {
  const attributes = Object.entries(node.attributes ?? {}).flatMap(([name, value]) =>
    message(5, [...message(1, name), ...integer(3, value), ...integer(20, 2)]),
  );
  return [
    ...node.inputs.flatMap((name) => message(1, name)),
    ...node.outputs.flatMap((name) => message(2, name)),
    ...message(4, node.op),
    ...attributes,
  ];
}

function valueBody({ name, dtype, shape }: FixtureValue): Bytes {
  const dims = shape?.flatMap((size) => message(1, typeof size === "number" ? integer(1, size) : message(2, size)));
  const tensorType = [...integer(1, ONNX_TYPE[dtype]), ...(dims === undefined ? [] : message(2, dims))];
  return [...message(1, name), ...message(2, message(1, tensorType))];
}

/** y = x, any dtype and shape. */
export function identityModel(dtype: DType, shape: readonly (number | string)[] | undefined): Uint8Array<ArrayBuffer> {
  return onnxModel(
    [{ name: "x", dtype, shape }],
    [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
    [{ name: "y", dtype, shape }],
  );
}

/** sum = a + b and product = a * b over float32[n, 2]. */
export function twoOutputModel(): Uint8Array<ArrayBuffer> {
  const shape = ["n", 2];
  const value = (name: string): FixtureValue => ({ name, dtype: "float32", shape });
  return onnxModel(
    [value("a"), value("b")],
    [
      { op: "Add", inputs: ["a", "b"], outputs: ["sum"] },
      { op: "Mul", inputs: ["a", "b"], outputs: ["product"] },
    ],
    [value("sum"), value("product")],
  );
}

/** A run that takes a while: x: float32[size, size] multiplied by itself `times` times; the time is set by what is fed. */
export function slowModel(times: number): Uint8Array<ArrayBuffer> {
  const square = (name: string): FixtureValue => ({ name, dtype: "float32", shape: ["size", "size"] });
  const nodes = Array.from({ length: times }, (_, at) => ({
    op: "MatMul",
    inputs: ["x", at === 0 ? "x" : `h${at - 1}`],
    outputs: [at === times - 1 ? "y" : `h${at}`],
  }));
  return onnxModel([square("x")], nodes, [square("y")]);
}
