// A file whose inner values can be asked for too, and what is known of them: to find where numbers go wrong.
import { create, toBinary } from "@bufbuild/protobuf";
import { type OnnxNode, readNodes } from "./nodes.ts";
import { GraphProtoSchema } from "./onnx-pb.ts";
import { readOnnx } from "./read.ts";
import { fieldHead, joinPieces } from "./tensors.ts";

/** A value that a node computes. */
export interface InnerValue {
  readonly name: string;
  readonly node: OnnxNode;
}

export interface OpenedModel {
  readonly bytes: Uint8Array;
  /** In an order in which each comes after those it depends on. */
  readonly values: readonly InnerValue[];
}

/** Their values are lists or texts, which no engine gives out as a tensor of numbers. */
const NO_TENSORS = /Sequence|Optional|String|Tokenizer|ZipMap/;

const MODEL_GRAPH = 7;

/** The values of a model's main graph that are tensors, in an order in which each comes after those it depends on. */
export function innerValues(bytes: Uint8Array): InnerValue[] {
  return readNodes(bytes)
    .filter(({ op }) => !NO_TENSORS.test(op))
    .flatMap((node) => node.outputs.filter((name) => name !== "").map((name) => ({ name, node })));
}

/** The model with every value of its main graph as an output. */
export function withInnerOutputs(bytes: Uint8Array): OpenedModel {
  const declared = new Set(readOnnx(bytes).outputs.map(({ name }) => name));
  const values = innerValues(bytes);
  const output = values.filter(({ name }) => !declared.has(name)).map(({ name }) => ({ name }));
  // A message that comes in several pieces is all of them together: the model's own bytes stay as they are.
  const piece = toBinary(GraphProtoSchema, create(GraphProtoSchema, { output }));
  return { bytes: joinPieces([bytes, fieldHead(MODEL_GRAPH, piece.length), piece]), values };
}
