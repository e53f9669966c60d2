// What a model costs at an input size: weights, products and the memory of its activations, in all, by part and by op. All of it is read from
// the graph; nothing is run.
import { type ActivationMemory, fedNodes, measureActivations } from "../graph/activations.ts";
import { macsOf } from "../graph/macs.ts";
import { type AtPath, choosePartPaths, nodePaths, sumByPart } from "../graph/parts.ts";
import { type Graph, largestSizes, type Tensor } from "../graph/tensor.ts";
import { inferenceGraph } from "./graph.ts";
import { atSize, type ModelDefinition } from "./registry.ts";

/** The pictures (or clips) of one run. */
export interface InputExtent {
  readonly height: number;
  readonly width: number;
  /** Videos only. */
  readonly frames?: number;
  /** Default 1. */
  readonly batch?: number;
}

/** The texts of one run. All of them have the model's length. */
export interface TextExtent {
  readonly tokens: number;
  /** Default 1. */
  readonly batch?: number;
}

export interface PartCost {
  /** The path its weights share, "layers.0"; "" for what has none. */
  readonly path: string;
  readonly parameters: number;
  readonly macs: number;
}

export interface OpCost {
  readonly op: string;
  readonly macs: number;
  /** How many nodes compute it. */
  readonly nodes: number;
}

export interface ModelCost {
  /** Trained values; running statistics are not among them. */
  readonly parameters: number;
  /** Multiply-accumulates, as papers count them: all of the graph's. */
  readonly macs: number;
  /** Those of them that do not depend on the picture: an engine does them once, when it loads the model, and not in a run. */
  readonly macsAtLoad: number;
  /** Bytes of what a run computes, in float32: alive at once, and all together. */
  readonly activations: Pick<ActivationMemory, "peakBytes" | "totalBytes">;
  /** In order of execution. */
  readonly parts: readonly PartCost[];
  /** Ops that papers count, most expensive first. */
  readonly ops: readonly OpCost[];
}

/**
 * Counts what the model's answer (`logits`) needs.
 *
 * @param depth how many names of a path make a part. Default: chosen so that no part is nearly everything.
 * @throws UsageError or ShapeError for a size that the architecture does not take
 */
export function modelCost(definition: ModelDefinition, extent: InputExtent | TextExtent, depth?: number): ModelCost {
  const { batch = 1 } = extent;
  const graph = "tokens" in extent ? inferenceGraph(definition) : graphAt(definition, extent);
  const sizes = largestSizes(graph, new Map([["batch", batch]]));
  const outputs = [graph.outputs.get("logits")!];
  const nodes = graph.needed(outputs);
  const weights = weightsByPath(graph, nodes);
  const paths = nodePaths(nodes);
  const macs = nodes.map((node): AtPath => [paths.get(node)!, macsOf(node, sizes)]);
  const counted = macs.filter(([, value]) => value > 0);
  const { peakBytes, totalBytes } = measureActivations(graph, sizes, outputs);
  const fed = fedNodes(nodes);
  const sum = (entries: readonly AtPath[]) => entries.reduce((total, [, value]) => total + value, 0);
  return {
    parameters: sum(weights),
    macs: sum(counted),
    macsAtLoad: sum(macs.filter((_, i) => !fed.has(nodes[i]!))),
    activations: { peakBytes, totalBytes },
    parts: costByPart(counted, weights, depth),
    ops: costByOp(nodes, macs),
  };
}

function graphAt(definition: ModelDefinition, { height, width, frames }: InputExtent): Graph {
  const sized = atSize(definition, { height, width });
  return inferenceGraph(sized, { height, width, ...(frames === undefined ? {} : { frames }) });
}

/** The values of each trained weight, under the layer that has it. */
function weightsByPath(graph: Graph, needed: readonly Tensor[]): AtPath[] {
  const used = new Set(needed);
  return [...graph.parameters.values()]
    .filter(({ trainable, tensor }) => trainable && used.has(tensor as unknown as Tensor))
    .map(({ name, shape }) => [
      name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : name,
      shape.reduce((product, size) => product * size, 1),
    ]);
}

function costByPart(macs: readonly AtPath[], weights: readonly AtPath[], depth: number | undefined): PartCost[] {
  const free = weights.map(([path]): AtPath => [path, 0]); // weights that no product uses make parts too
  const parts = choosePartPaths([...macs, ...free], depth);
  const macsOfParts = sumByPart(parts, macs);
  const weightsOfParts = sumByPart(parts, weights);
  return [...new Set([...macsOfParts.keys(), ...weightsOfParts.keys()])]
    .map((path) => ({ path, parameters: weightsOfParts.get(path) ?? 0, macs: macsOfParts.get(path) ?? 0 }))
    .filter((part) => part.macs + part.parameters > 0);
}

function costByOp(nodes: readonly Tensor[], macs: readonly AtPath[]): OpCost[] {
  const costs = new Map<string, { macs: number; nodes: number }>();
  for (const [i, { op }] of nodes.entries()) {
    const cost = costs.get(op) ?? { macs: 0, nodes: 0 };
    costs.set(op, { macs: cost.macs + macs[i]![1], nodes: cost.nodes + 1 });
  }
  return [...costs]
    .filter(([, cost]) => cost.macs > 0)
    .sort(([, a], [, b]) => b.macs - a.macs)
    .map(([op, cost]) => ({ op, ...cost }));
}
