// Work between a forward pass and the step that it belongs to: exact matching, say, which no graph can do. The host reads what the very parameters of the step
// say of the batch, and the step takes what the host made of it as an input. Both models are parts of one graph, so they cannot differ.
import { type Graph, isOp, type Tensor } from "../graph/tensor.ts";
import { type LoweringTarget, lower } from "../onnx/lower.ts";
import { elementCount, type TensorData } from "../tensor.ts";

/** A tensor that the host makes of others. */
export interface HostWork {
  /** Unlike others of the same objective. */
  readonly name: string;
  /** What the host reads, by names of its own. None may depend on what a host makes. */
  readonly reads: Readonly<Record<string, Tensor>>;
  /** Of what it makes. */
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int64";
  /** @param values of `reads`, by the same names */
  make(values: Readonly<Record<string, TensorData>>): TensorData;
}

const inputOf = ({ name }: HostWork) => `host.${name}`;
const outputOf = ({ name }: HostWork, read: string) => `read.${name}.${read}`;

/** Declares what the host is to make: its reads become outputs of the graph. */
export function declareHostWork(graph: Graph, work: HostWork): Tensor {
  for (const [read, value] of Object.entries(work.reads)) {
    const late = graph.needed([value]).find((node) => isOp(node, "input") && node.attributes.name.startsWith("host."));
    if (late !== undefined) throw new TypeError(`${work.name} reads what another host work makes`);
    graph.output(outputOf(work, read), value);
  }
  return graph.input(inputOf(work), work.shape, work.dtype);
}

/** A graph, and what the host does between its two models. */
export interface HostedGraph {
  readonly graph: Graph;
  readonly hostWork: readonly HostWork[];
}

function readsOf(hostWork: readonly HostWork[]): string[] {
  return hostWork.flatMap((work) => Object.keys(work.reads).map((read) => outputOf(work, read)));
}

/** The step's model: all that is no read. Its parameters are inputs. */
export function lowerStep({ graph, hostWork }: HostedGraph, target: LoweringTarget): Uint8Array {
  if (hostWork.length === 0) return lower(graph, { parametersAs: "inputs", target });
  const reads = new Set(readsOf(hostWork));
  return lower(graph, {
    parametersAs: "inputs",
    target,
    outputs: [...graph.outputs.keys()].filter((name) => !reads.has(name)),
  });
}

/** The model of what the host reads; undefined where it does nothing. */
export function lowerReads({ graph, hostWork }: HostedGraph, target: LoweringTarget): Uint8Array | undefined {
  return hostWork.length === 0
    ? undefined
    : lower(graph, { parametersAs: "inputs", target, outputs: readsOf(hostWork) });
}

/** What is computed for the host, for counting memory. */
export function readTensors({ graph, hostWork }: HostedGraph): Tensor[] {
  return readsOf(hostWork).map((name) => graph.outputs.get(name)!);
}

/** Lets the host do its work with the values of all reads, by output. Gives the step's further inputs. */
export function doHostWork(
  hostWork: readonly HostWork[],
  values: Readonly<Record<string, TensorData>>,
): Record<string, TensorData> {
  return Object.fromEntries(
    hostWork.map((work) => {
      const own = Object.keys(work.reads).map((read) => [read, values[outputOf(work, read)]!] as const);
      const made = work.make(Object.fromEntries(own));
      if (made.dtype !== work.dtype || made.data.length !== elementCount(work.shape))
        throw new TypeError(`${work.name} made ${made.dtype}[${made.shape}], not ${work.dtype}[${work.shape}]`);
      return [inputOf(work), made];
    }),
  );
}
