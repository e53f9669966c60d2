// Computing before and after a foreign model, in one file with it: what goes between the parts never leaves the engine. The model's own nodes
// and names are left as they are.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FormatError, SaccadeError } from "../errors.ts";
import type { Graph } from "../graph/tensor.ts";
import type { TensorData } from "../tensor.ts";
import { lower } from "./lower.ts";
import { type GraphProto, type ModelProto, ModelProtoSchema } from "./onnx-pb.ts";
import { readOnnx } from "./read.ts";
import { renameValues } from "./rename-values.ts";

export interface JoinedParts {
  /** Makes inputs of the model: its outputs have their names. */
  readonly before?: Graph;
  /** Goes on with values of the model, outputs or inner ones: its inputs of these names. It may have inputs of its own. */
  readonly after?: Graph;
  /** What the file computes: outputs of `after`, or of the model. */
  readonly outputs: readonly string[];
  /** Values of the parts' parameters, by name. */
  readonly weights?: ReadonlyMap<string, TensorData>;
  /** Other names for values of the model, so that parts may have theirs; the parts know them by the new ones. */
  readonly renamed?: ReadonlyMap<string, string>;
}

/** Operators whose nodes mean the same in every operator set from 13 on, so that they can stand beside nodes of any of these. */
const UNCHANGED_SINCE_13 = new Set([
  "Abs",
  "Add",
  "ArgMax",
  "Cast",
  "Div",
  "Equal",
  "GatherElements",
  "Gemm",
  "Identity",
  "Log",
  "LogSoftmax",
  "MatMul",
  "Max",
  "Min",
  "Mul",
  "Neg",
  "ReduceSum",
  "Reshape",
  "Sign",
  "Slice",
  "Softmax",
  "Sqrt",
  "Sub",
  "Where",
]);
const OLDEST_OPSET = 13;
/** The oldest that graphs are lowered to. */
const LOWERED_OPSET = 17;

/**
 * The ONNX bytes of `before`, a model and `after`, one after the other. Inputs of the model that `before` makes are no inputs any more, and only
 * `outputs` are outputs.
 *
 * @param name of the model, for messages
 * @throws FormatError for bytes that are no model, a model of an older operator set than 13, and one that has values named as the parts' are
 */
export function joinModel(bytes: Uint8Array, name: string, parts: JoinedParts): Uint8Array {
  const { opsets } = readOnnx(bytes);
  const opset = opsets[""] ?? 0;
  if (opset < OLDEST_OPSET)
    throw new FormatError(
      name,
      `its operator set is ${opset}, and ${OLDEST_OPSET} is the oldest that can be extended`,
      {
        hint: "export the model again, with a newer operator set",
      },
    );
  const model = decode(bytes, name);
  const own = model.graph!;
  if (parts.renamed !== undefined) renameValues(own, parts.renamed);
  const prefix = unusedPrefix(own);
  const before = parts.before && piece(parts.before, `${prefix}/before`, parts.weights);
  const after = parts.after && piece(parts.after, `${prefix}/after`, parts.weights);
  const made = new Set(before?.output.map((output) => output.name));
  const stored = new Set(own.initializer.map((initializer) => initializer.name));
  const inner = own.node.flatMap(({ output }) => output);
  const known = new Set([...inner, ...[...own.output, ...own.input, ...(before?.input ?? [])].map(({ name }) => name)]);
  const added = [...(before?.input ?? []), ...(after?.input.filter((input) => !known.has(input.name)) ?? [])];
  requireOtherNames(own, name, [
    ...added.map((input) => input.name),
    ...[before, after].flatMap((part) => part?.node.flatMap(({ output }) => output) ?? []),
  ]);
  const declared = new Map([...own.output, ...(after?.output ?? [])].map((value) => [value.name, value]));
  own.node = [...(before?.node ?? []), ...own.node, ...(after?.node ?? [])];
  own.initializer = [...(before?.initializer ?? []), ...own.initializer, ...(after?.initializer ?? [])];
  own.input = [...own.input.filter((input) => !made.has(input.name) && !stored.has(input.name)), ...added];
  own.output = parts.outputs.map((output) => declared.get(output)!);
  return toBinary(ModelProtoSchema, model);
}

function decode(bytes: Uint8Array, name: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new FormatError(name, "the bytes are not an ONNX file", { cause });
  }
}

/** What no name in the model begins with: it may have been joined to something before. */
function unusedPrefix({ node, initializer }: GraphProto): string {
  const names = [...node.flatMap(({ output }) => output), ...initializer.map(({ name }) => name)];
  for (let times = 1; ; times++) {
    const prefix = times === 1 ? "joined" : `joined${times}`;
    if (!names.some((name) => name.startsWith(`${prefix}/`))) return prefix;
  }
}

/** A part's nodes and constants. Its inputs and outputs keep their names; what is between them gets names of its own. */
function piece(graph: Graph, name: string, parameters: JoinedParts["weights"] = new Map()): GraphProto {
  const { graph: lowered } = fromBinary(ModelProtoSchema, lower(graph, { opset: LOWERED_OPSET, parameters }));
  const { input, output, node, initializer } = lowered!;
  const unknown = node.find(({ opType, domain }) => domain !== "" || !UNCHANGED_SINCE_13.has(opType));
  if (unknown !== undefined) throw new SaccadeError("join", `${unknown.opType} may differ between operator sets`);
  const outer = new Set([...input, ...output].map((value) => value.name));
  const rename = (value: string) => (value === "" || outer.has(value) ? value : `${name}/${value}`);
  for (const each of node) {
    each.input = each.input.map(rename);
    each.output = each.output.map(rename);
    each.name = `${name}/${each.name}`;
  }
  for (const each of initializer) each.name = rename(each.name);
  return lowered!;
}

/** What the parts compute must not be computed by the model already. */
function requireOtherNames(model: GraphProto, source: string, names: readonly string[]): void {
  const taken = new Set([
    ...model.node.flatMap(({ output }) => output),
    ...model.initializer.map((initializer) => initializer.name),
  ]);
  const clash = names.find((name) => taken.has(name));
  if (clash === undefined) return;
  throw new FormatError(source, `it has a value named ${clash} already, and cannot be extended`);
}
