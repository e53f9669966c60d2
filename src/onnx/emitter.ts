// Collects the nodes and initializers of one ONNX graph and gives them names that a person can read: a value is called after the op that
// made it and where in the model that stands ("layers.0.attn/matMul_12"), helper values hang below it ("…/matMul_12/Transpose").
import { create } from "@bufbuild/protobuf";
import { SaccadeError } from "../errors.ts";
import { bytesOf, type DType, type TensorData, tensor } from "../tensor.ts";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from "./onnx-pb.ts";

/** The name of a value inside the ONNX graph. */
export type Value = string;

/** A node's attribute. ONNX tells integers from floats, JavaScript does not. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] };

export type Attributes = Readonly<Record<string, Attribute>>;

/** A named value stored in the file. The bytes are asked for only when they are written. */
export interface Initializer {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly byteLength: number;
  bytes(): Uint8Array;
}

export const MICROSOFT = "com.microsoft";

/** ONNX's way to say "to the end". */
export const INT64_MAX = 9223372036854775807n;

const encoder = new TextEncoder();

export class Emitter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: Initializer[] = [];
  readonly domains = new Set<string>();
  readonly #names = new Set<string>();
  readonly #constants = new Map<string, { bytes: Uint8Array; name: Value }[]>();
  #scope = "";

  /** Takes a name that the file's users rely on: an input, a parameter, an output. */
  reserve(name: string, what: string): void {
    if (name === "" || this.#names.has(name))
      throw new SaccadeError("lower", `${what} "${name}" has the name of another input, parameter or output`, {
        hint: "inputs, parameters and outputs share one namespace in an ONNX file: rename one of them",
      });
    this.#names.add(name);
  }

  /** Adds a node with one output and returns that output. Missing optional inputs are "". */
  emit(opType: string, inputs: readonly Value[], attributes: Attributes = {}, domain = ""): Value {
    return this.emitSeveral(opType, inputs, [""], attributes, domain)[0]!;
  }

  /** Adds a node with an output for each suffix, which its name ends in. */
  emitSeveral<const S extends readonly string[]>(
    opType: string,
    inputs: readonly Value[],
    suffixes: S,
    attributes: Attributes = {},
    domain = "",
  ): { [I in keyof S]: Value } {
    const name = this.#unique(this.#scope === "" ? opType : `${this.#scope}/${opType}`);
    const outputs = suffixes.map((suffix) => (suffix === "" ? name : this.#unique(name + suffix)));
    this.domains.add(domain);
    this.nodes.push(
      create(NodeProtoSchema, {
        name,
        opType,
        domain,
        input: [...inputs],
        output: outputs,
        attribute: Object.entries(attributes).map(([key, value]) => toProto(key, value)),
      }),
    );
    return outputs as { [I in keyof S]: Value };
  }

  /** Another output of a node that was added before. Outputs before it that nobody asked for stay without a name. */
  furtherOutput(node: NodeProto, index: number, suffix: string): Value {
    const known = node.output[index];
    if (known !== undefined && known !== "") return known;
    while (node.output.length < index) node.output.push("");
    const value = this.#unique(node.name + suffix);
    node.output[index] = value;
    return value;
  }

  /** Runs `body` with its nodes named below `scope`; the node that makes the returned value is called `scope` itself. */
  within(scope: string, body: () => Value): Value {
    const outer = this.#scope;
    const first = this.nodes.length;
    this.#scope = scope;
    try {
      const value = body();
      // A value that has a name of its own (shared by several ops, or an input passed through) keeps it.
      const made = this.nodes.slice(first).find((node) => node.output[0] === value);
      if (made === undefined || !value.startsWith(`${scope}/`)) return value;
      const name = this.#unique(scope);
      made.name = name;
      this.rename(new Map([[value, name]]), first);
      return name;
    } finally {
      this.#scope = outer;
    }
  }

  /** Gives values other names, in the nodes from position `first` on. */
  rename(names: ReadonlyMap<Value, Value>, first = 0): void {
    for (let i = first; i < this.nodes.length; i++) {
      const node = this.nodes[i]!;
      node.input = node.input.map((value) => names.get(value) ?? value);
      node.output = node.output.map((value) => names.get(value) ?? value);
    }
  }

  /** A value known now. Equal ones are stored once. */
  constant(value: TensorData): Value {
    const bytes = bytesOf(value.data);
    const kind = `${value.dtype}[${value.shape.join(",")}]`;
    const key = `${kind} ${hash(bytes)}`;
    const candidates = this.#constants.get(key) ?? [];
    const known = candidates.find((candidate) => equalBytes(candidate.bytes, bytes));
    if (known !== undefined) return known.name;
    const text = value.data.length <= 6 ? Array.from(value.data as ArrayLike<number | bigint>).join(",") : undefined;
    const content = text === undefined ? `${kind}_${this.initializers.length}` : `${value.dtype}(${text})`;
    const name = this.#unique(`constant/${content}`);
    this.initializers.push({
      name,
      dtype: value.dtype,
      shape: value.shape,
      byteLength: bytes.length,
      bytes: () => bytes,
    });
    this.#constants.set(key, [...candidates, { bytes, name }]);
    return name;
  }

  /** An int64 vector: shapes, axes, paddings. */
  int64s(values: readonly (number | bigint)[]): Value {
    return this.constant(
      tensor(
        "int64",
        [values.length],
        BigInt64Array.from(values, (value) => BigInt(value)),
      ),
    );
  }

  #unique(wanted: string): string {
    let name = wanted;
    for (let i = 2; this.#names.has(name); i++) name = `${wanted}_${i}`;
    this.#names.add(name);
    return name;
  }
}

function toProto(name: string, value: Attribute): AttributeProto {
  if ("int" in value)
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value.int) });
  if ("float" in value)
    return create(AttributeProtoSchema, {
      name,
      type: AttributeProto_AttributeType.FLOAT,
      f: Math.fround(value.float),
    });
  if ("string" in value)
    return create(AttributeProtoSchema, {
      name,
      type: AttributeProto_AttributeType.STRING,
      s: encoder.encode(value.string),
    });
  return create(AttributeProtoSchema, {
    name,
    type: AttributeProto_AttributeType.INTS,
    ints: value.ints.map((n) => BigInt(n)),
  });
}

/** FNV-1a. */
function hash(bytes: Uint8Array): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return h >>> 0;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
