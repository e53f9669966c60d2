// A traced graph to the bytes of an ONNX file: only the nodes that the outputs need, sizes computed at run time where the graph leaves them
// free, and for each op the kernel that engines do best (lowering/).
import { SaccadeError, UsageError } from "../errors.ts";
import { isStatic } from "../graph/dimensions.ts";
import { fewerRows } from "../graph/fewer-rows.ts";
import type { Op } from "../graph/ops.ts";
import { ELEMENTWISE } from "../graph/shape-rules/elementwise.ts";
import { simplify } from "../graph/simplify.ts";
import { type Graph, isOp, type Parameter, type Tensor } from "../graph/tensor.ts";
import type { TensorData } from "../tensor.ts";
import { Emitter, type Value } from "./emitter.ts";
import { loweringRules } from "./lowering/index.ts";
import { dequantized, quantizedConvolution } from "./lowering/quantized-conv.ts";
import { Quantization } from "./lowering/quantized-linear.ts";
import type { LoweringContext, LoweringRule } from "./lowering/rule.ts";
import { emitNormedSum, normedSums } from "./normed-sums.ts";
import { parameterInitializers } from "./parameters.ts";
import { dependingOnInputs, type QuantizedWeight, quantizeLinears } from "./quantize.ts";
import { type ByteValues, type QuantizedConvolution, quantizeConvolutions } from "./quantize-convolutions.ts";
import { serialize, type TypedValue } from "./serialize.ts";
import { Sizes } from "./sizes.ts";

/** Which kernels a file may ask for. */
export type LoweringTarget = LoweringContext["target"];
export const LOWERING_TARGETS = ["portable", "onnxruntime", "webgpu"] as const satisfies readonly LoweringTarget[];
/** How exactly a file computes: "int8" multiplies whole numbers of eight bits in linear layers (quantize.ts). */
export const PRECISIONS = ["float32", "int8"] as const;
export type Precision = (typeof PRECISIONS)[number];
export { TRUSTED_SAMPLING } from "./lowering/spatial.ts";
/** How gridSample is written. */
export type GridSampleLowering = LoweringContext["gridSample"];

/** The kernels that a file for some device may ask for. */
export interface Kernels {
  /**
   * "portable" (default) keeps to the standard operators; "onnxruntime" also uses com.microsoft kernels (CPU, WASM and CUDA have them);
   * "webgpu" keeps to the operators that ONNX Runtime's WebGPU provider has kernels for, so that nothing travels to the CPU and back.
   */
  readonly target?: LoweringTarget;
  /**
   * "kernel": GridSample. "gather": corners are gathered and weighted with plain arithmetic. Default "kernel"; for WebGPU "gather", and there the
   * kernel is for pictures alone, in the ways that `TRUSTED_SAMPLING` lists.
   */
  readonly gridSample?: GridSampleLowering;
  /** Whether a sum is computed together with the normalisation that reads it (com.microsoft's SkipLayerNormalization). Default false. */
  readonly normedSums?: boolean;
}

export interface LowerOptions extends Kernels {
  /** Values of the parameters, by name; they are stored in the file. Names the graph does not need are ignored. */
  readonly parameters?: ReadonlyMap<string, TensorData>;
  /** "inputs" (training): parameters are fed at every run and their values stay out of the file. Default "initializers". */
  readonly parametersAs?: "initializers" | "inputs";
  /** Only these outputs, and what they need. Default: all, and then all inputs are declared, used or not. */
  readonly outputs?: readonly string[];
  /** ONNX operator set, 17 to 23. Default 20, the first with Gelu and volumetric GridSample; 19 for WebGPU's GridSample, which knows no later ones. */
  readonly opset?: number;
  /** Default "float32". "int8" needs `parameters`. */
  readonly precision?: Precision;
  /** Whether changes of shape are gathered, and rows that no output reads left out (graph/simplify.ts, fewer-rows.ts). Default true; false keeps the nodes as they were traced. */
  readonly simplify?: boolean;
  /** Written to the file's metadata_props; see metadata.ts. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly graphName?: string;
  readonly docString?: string;
  /** Version recorded beside the producer's name. */
  readonly producerVersion?: string;
}

const DEFAULT_OPSET = 20;
/** The last one whose GridSample ONNX Runtime 1.30 computes on WebGPU; later ones would carry their maps to the processor. */
const WEBGPU_SAMPLING_OPSET = 19;
const OLDEST_OPSET = 17;
const NEWEST_OPSET = 23;

/**
 * The ONNX file that computes a graph's outputs.
 *
 * Free sizes of inputs become named dimensions. Outputs carry the shapes that the graph inferred.
 *
 * @throws WeightsMismatchError when parameters are missing or have the wrong shape; it lists all of them.
 * @throws LimitError when the file would be over 2 GB, protobuf's limit.
 * @throws UsageError for unknown output names and operator sets.
 * @throws SaccadeError (`lower`) when names clash, or no input says how large a free size is.
 *
 * @example
 * const bytes = lower(graph, { parameters: weights, metadata: writeMetadata({ labels }) });
 */
export function lower(source: Graph, options: LowerOptions = {}): Uint8Array {
  const graph = options.simplify === false ? source : simplify(withoutUnread(source, options));
  const target = options.target ?? "portable";
  const gridSample = options.gridSample ?? (target === "webgpu" ? "gather" : "kernel");
  const opset =
    options.opset ?? (target === "webgpu" && gridSample === "kernel" ? WEBGPU_SAMPLING_OPSET : DEFAULT_OPSET);
  if (!Number.isInteger(opset) || opset < OLDEST_OPSET || opset > NEWEST_OPSET)
    throw new UsageError(`operator set ${opset} is not supported`, `use ${OLDEST_OPSET} to ${NEWEST_OPSET}`);
  const graphName = options.graphName ?? "saccade";
  const outputs = chooseOutputs(graph, options.outputs);
  const traced = graph.needed(outputs.values());
  const asInputs = options.parametersAs === "inputs";
  const weights = asInputs
    ? []
    : parameterInitializers(graphName, parametersOf(graph, traced), options.parameters ?? new Map());
  const inEightBits = options.precision === "int8" ? eightBits(traced, outputs, options) : undefined;
  const needed =
    inEightBits === undefined ? traced : neededNodes(graph, outputs.values(), (node) => readBy(node, inEightBits));
  const parameters = parametersOf(graph, needed);
  const kept = new Set(parameters.map(({ name }) => name));

  const emitter = new Emitter();
  reserveNames(emitter, graph, parameters, outputs);
  const declared = options.outputs === undefined ? [...graph.inputs.values()] : needed.filter((n) => isOp(n, "input"));
  const inputs = new Set<Value>(declared.map((node) => (node as Tensor<"input">).attributes.name));
  // Inputs that are needed anyway come first, so that a size is read from one of them if it can be.
  const sources = [...graph.inputs]
    .map(([value, { shape }]) => ({ value, shape }))
    .sort((a, b) => Number(inputs.has(b.value)) - Number(inputs.has(a.value)));
  const sizes = new Sizes(emitter, sources, (input) => inputs.add(input));
  const values = lowerNodes(
    needed,
    {
      emitter,
      sizes,
      opset,
      target,
      gridSample,
      quantization: new Quantization(emitter, inEightBits?.linears ?? new Map()),
    },
    inEightBits?.bytes ?? { convolutions: new Map(), values: new Map() },
    new Set(outputs.values()),
    options.normedSums === true ? normedSums(needed) : new Map(),
  );
  nameOutputs(emitter, outputs, values);

  return serialize({
    opset,
    domains: emitter.domains,
    graphName,
    docString: options.docString ?? "",
    producerVersion: options.producerVersion ?? "",
    metadata: options.metadata ?? {},
    nodes: emitter.nodes,
    inputs: [
      ...[...graph.inputs].filter(([name]) => inputs.has(name)).map(([name, node]) => typed(name, node)),
      ...(asInputs ? parameters.map((parameter) => typed(parameter.name, parameter)) : []),
    ],
    outputs: [...outputs].map(([name, node]) => typed(name, node)),
    inner: freelySized(emitter, outputs, values),
    initializers: [...emitter.initializers, ...weights.filter(({ name }) => kept.has(name))],
  });
}

/** Before training, every row has its gradient. */
function withoutUnread(source: Graph, { outputs, parametersAs }: LowerOptions): Graph {
  return parametersAs === "inputs" ? source : fewerRows(source, chooseOutputs(source, outputs));
}

/** What is computed in eight bits. */
interface InEightBits {
  /** Linear layers, with their weights. */
  readonly linears: ReadonlyMap<Tensor, QuantizedWeight>;
  readonly bytes: ByteValues;
}

function eightBits(
  nodes: readonly Tensor[],
  outputs: ReadonlyMap<string, Tensor>,
  { parametersAs, parameters = new Map(), target }: LowerOptions,
): InEightBits {
  if (parametersAs === "inputs")
    throw new UsageError("weights that are fed at every run cannot be quantised beforehand");
  return {
    linears: quantizeLinears(nodes, outputs.values(), parameters),
    // WebGPU has no kernel for them.
    bytes:
      target === "webgpu" ? { convolutions: new Map(), values: new Map() } : quantizeConvolutions(nodes, parameters),
  };
}

/** What a node reads: in eight bits its weights come along, and are not the graph's. */
function readBy(node: Tensor, { linears, bytes }: InEightBits): readonly Tensor[] {
  const convolution = bytes.convolutions.get(node);
  if (convolution !== undefined) return [convolution.bytes];
  return linears.has(node) ? node.inputs.filter((_, i) => i !== 1) : node.inputs;
}

/** The nodes that outputs need, in execution order. */
function neededNodes(graph: Graph, outputs: Iterable<Tensor>, reads: (node: Tensor) => readonly Tensor[]): Tensor[] {
  const wanted = new Set<Tensor>();
  const stack = [...outputs];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (wanted.has(node)) continue;
    wanted.add(node);
    stack.push(...reads(node));
  }
  return graph.nodes.filter((node) => wanted.has(node));
}

/**
 * The values of convolutional layers whose sizes are free. Engines know such sizes only as unknown, each different from all others; by the
 * graph's names for them they see which are equal, and then share memory and fuse residual additions as they do for fixed sizes. Not so for
 * tokens: where ONNX Runtime knows their sizes, it plans their memory, and softmax and products were slower in it than in what was just used.
 */
function freelySized(
  emitter: Emitter,
  outputs: ReadonlyMap<string, Tensor>,
  values: ReadonlyMap<Tensor, Value>,
): TypedValue[] {
  const made = new Set(emitter.nodes.flatMap((node) => node.output));
  const maps = convolved([...values.keys()]);
  const byName = new Map([...values].map(([node, value]) => [value, node]));
  return [...byName]
    .filter(([value, node]) => maps.has(node) && made.has(value) && !outputs.has(value) && !isStatic(node.shape))
    .map(([value, node]) => typed(value, node));
}

/** What convolutions and pooling make, and what is computed from it at every place or as a mean over places. */
function convolved(nodes: readonly Tensor[]): Set<Tensor> {
  const maps = new Set<Tensor>();
  for (const node of nodes) {
    const { op, inputs } = node;
    const follows = ELEMENTWISE.has(op) || op === "batchNorm" || op === "reduceMean";
    const starts = op === "conv" || op === "convTranspose" || op === "maxPool" || op === "averagePool";
    if (starts || (follows && inputs.some((input) => maps.has(input)))) maps.add(node);
  }
  return maps;
}

function typed(name: string, { dtype, shape }: Pick<Tensor, "dtype" | "shape">): TypedValue {
  return { name, dtype, shape };
}

function chooseOutputs(graph: Graph, names: readonly string[] | undefined): ReadonlyMap<string, Tensor> {
  if (names === undefined) return graph.outputs;
  return new Map(
    names.map((name) => {
      const node = graph.outputs.get(name);
      if (node === undefined)
        throw new UsageError(`the graph has no output "${name}"`, `it has: ${[...graph.outputs.keys()].join(", ")}`);
      return [name, node];
    }),
  );
}

function parametersOf(graph: Graph, nodes: readonly Tensor[]): Parameter[] {
  return nodes.filter((node) => isOp(node, "parameter")).map((node) => parameterOf(graph, node.attributes.name));
}

function parameterOf(graph: Graph, name: string): Parameter {
  const parameter = graph.parameters.get(name);
  if (parameter === undefined)
    throw new SaccadeError("lower", `parameter "${name}" was not declared with graph.parameter`);
  return parameter;
}

function reserveNames(
  emitter: Emitter,
  graph: Graph,
  parameters: readonly Parameter[],
  outputs: ReadonlyMap<string, Tensor>,
): void {
  for (const name of graph.inputs.keys()) emitter.reserve(name, "input");
  for (const { name } of parameters) emitter.reserve(name, "parameter");
  for (const name of outputs.keys()) emitter.reserve(name, "output");
}

/** Each node's value in the ONNX graph. Values in bytes have one only where floats are wanted. */
function lowerNodes(
  nodes: readonly Tensor[],
  shared: Omit<LoweringContext, "emit">,
  inBytes: ByteValues,
  outputs: ReadonlySet<Tensor>,
  normed: ReadonlyMap<Tensor, Tensor<"layerNorm">>,
): Map<Tensor, Value> {
  const values = new Map<Tensor, Value>();
  const bytes = new Map<Tensor, Value>();
  const worth = new Map<QuantizedConvolution, Value>(); // of a byte of each channel
  const varying: LoweringContext = {
    ...shared,
    emit: (opType, inputs, attributes, domain) => shared.emitter.emit(opType, inputs, attributes, domain),
  };
  // What depends on weights alone, ONNX Runtime computes when it loads the model, but only through standard operators.
  const fixed: LoweringContext = { ...varying, target: "portable" };
  const varies = dependingOnInputs(nodes);
  const readAsFloats = new Set([
    ...outputs,
    ...nodes.filter((node) => !inBytes.values.has(node)).flatMap((node) => node.inputs),
  ]);
  for (const node of nodes) {
    // The table's entry for a node's op takes nodes of that op; TypeScript cannot follow the pairing through the union.
    const rule = loweringRules[node.op] as LoweringRule<Op>;
    const scope = `${node.path === "" ? "" : `${node.path}/`}${node.op}_${node.id}`;
    const context = varies.has(node) ? varying : fixed;
    const within = (body: () => Value) => shared.emitter.within(scope, body);
    if (values.has(node)) continue; // it came with its sum
    const norm = varies.has(node) ? normed.get(node) : undefined;
    if (norm !== undefined) {
      const affine = norm.inputs.slice(1).map((input) => (input as Tensor<"parameter">).attributes.name);
      within(() => {
        const inputs = node.inputs.map((input) => values.get(input)!);
        const { normal, sum } = emitNormedSum(shared.emitter, inputs, affine, norm.attributes.epsilon);
        values.set(norm, normal);
        values.set(node, sum);
        return sum;
      });
      continue;
    }
    const held = inBytes.values.get(node);
    if (held === undefined) {
      const inputs = node.inputs.map((input) => values.get(input)!);
      values.set(
        node,
        within(() => rule(context, inputs, node)),
      );
      continue;
    }
    const made = within(() => {
      const convolution = inBytes.convolutions.get(node);
      if (convolution === undefined) {
        const inputs = node.inputs.map((input) => bytes.get(input) ?? values.get(input)!);
        return rule(context, inputs, node);
      }
      const result = quantizedConvolution(context, values.get(convolution.bytes)!, convolution);
      worth.set(convolution, result.scales);
      return result.values;
    });
    bytes.set(node, made);
    if (!readAsFloats.has(node)) continue;
    const byte = { values: made, scales: worth.get(held.from)! };
    values.set(
      node,
      within(() => dequantized(context, byte, held.axis, node.shape.length)),
    );
  }
  return values;
}

/** Calls the outputs by their names. What has a name that must stay (an input, a weight, another output) is passed through an Identity. */
function nameOutputs(emitter: Emitter, outputs: ReadonlyMap<string, Tensor>, values: ReadonlyMap<Tensor, Value>): void {
  const made = new Set(emitter.nodes.flatMap((node) => node.output));
  const names = new Map<Value, Value>();
  const copies: { name: string; value: Value }[] = [];
  for (const [name, node] of outputs) {
    const value = values.get(node)!;
    if (made.has(value) && !names.has(value)) names.set(value, name);
    else copies.push({ name, value });
  }
  for (const { name, value } of copies) names.set(emitter.emit("Identity", [value]), name);
  emitter.rename(names);
  for (const node of emitter.nodes) if (node.name !== "" && names.has(node.name)) node.name = names.get(node.name)!;
}
