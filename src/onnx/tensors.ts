// All tensors that an ONNX file holds, wherever they stand (weights, constants of nodes, branches of conditions, functions): looked at, or written
// anew without touching anything else of the file.

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { joinBytes } from "../byte-sources.ts";
import { LimitError } from "../errors.ts";
import { putVarint, reading, varintLength } from "./wire.ts";

/** Bytes one after another, which a message is made of. */
export type Pieces = readonly Uint8Array[];

/** Gets the bytes of a TensorProto; what it returns takes their place. */
export type TensorRewrite = (tensor: Uint8Array) => Pieces | undefined;

/** In which fields of a message there are messages that hold tensors (field numbers of onnx.proto). */
const INSIDE = {
  model: { 7: "graph", 20: "training", 25: "function" },
  graph: { 1: "node", 5: "tensor", 15: "sparse" },
  node: { 5: "attribute" },
  attribute: { 5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse" },
  sparse: { 1: "tensor", 2: "tensor" },
  function: { 7: "node", 11: "attribute" },
  training: { 1: "graph", 2: "graph" },
} as const satisfies Record<string, Readonly<Record<number, string>>>;

type Kind = keyof typeof INSIDE;

/** Graphs within graphs: a crafted file must not exhaust the stack. */
const MAX_DEPTH = 64;

/**
 * The bytes of a file whose tensors are written anew, as pieces; undefined when none is.
 *
 * @throws FormatError for bytes that are no ONNX file
 */
export function rewriteTensors(bytes: Uint8Array, rewrite: TensorRewrite): Pieces | undefined {
  return reading(() => rewriteMessage(bytes, "model", rewrite, 0));
}

/** Shows every tensor of a file. */
export function visitTensors(bytes: Uint8Array, visit: (tensor: Uint8Array) => void): void {
  rewriteTensors(bytes, (tensor) => {
    visit(tensor);
    return undefined;
  });
}

function rewriteMessage(bytes: Uint8Array, kind: Kind, rewrite: TensorRewrite, depth: number): Pieces | undefined {
  if (depth > MAX_DEPTH) throw new LimitError("graphs within graphs in the ONNX file", depth, MAX_DEPTH, "levels");
  const inside: Readonly<Record<number, Kind | "tensor">> = INSIDE[kind];
  const reader = new BinaryReader(bytes);
  const pieces: Uint8Array[] = [];
  let done = 0;
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wire] = reader.tag();
    const child = wire === WireType.LengthDelimited ? inside[field] : undefined;
    if (child === undefined) {
      reader.skip(wire, field);
      continue;
    }
    const content = reader.bytes();
    const changed = child === "tensor" ? rewrite(content) : rewriteMessage(content, child, rewrite, depth + 1);
    if (changed === undefined) continue;
    if (start > done) pieces.push(bytes.subarray(done, start));
    pieces.push(fieldHead(field, totalLength(changed)));
    for (const piece of changed) pieces.push(piece);
    done = reader.pos;
  }
  if (pieces.length === 0) return undefined;
  if (done < bytes.length) pieces.push(bytes.subarray(done));
  return pieces;
}

/** A message without some of its fields. */
export function withoutFields(bytes: Uint8Array, isLeftOut: (field: number, content: Uint8Array) => boolean): Pieces {
  const reader = new BinaryReader(bytes);
  const kept: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wire] = reader.tag();
    const from = reader.pos;
    reader.skip(wire, field);
    const content =
      wire === WireType.LengthDelimited ? new BinaryReader(bytes.subarray(from, reader.pos)).bytes() : NONE;
    if (!isLeftOut(field, content)) kept.push(bytes.subarray(start, reader.pos));
  }
  return kept;
}

const NONE = new Uint8Array();

/** What comes before the content of a field that holds bytes. */
export function fieldHead(field: number, length: number): Uint8Array {
  const tag = 8 * field + WireType.LengthDelimited;
  const head = new Uint8Array(varintLength(tag) + varintLength(length));
  putVarint(head, putVarint(head, 0, tag), length);
  return head;
}

export function totalLength(pieces: Pieces): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

/** The pieces as one. */
export function joinPieces(pieces: Pieces): Uint8Array {
  return joinBytes(pieces);
}
