// What a model costs at an input size: weights, products and the memory of its activations, in all, by part and by op. All of it is read from
// the graph; nothing is run.

import { UsageError } from "../errors.ts";
import { type ActivationMemory, fedNodes, measureActivations } from "../graph/activations.ts";
import { macsOf } from "../graph/macs.ts";
import { type AtPath, choosePartPaths, nodePaths, sumByPart } from "../graph/parts.ts";
import { type Graph, largestSizes, type Tensor } from "../graph/tensor.ts";
import { ANSWER_OUTPUTS } from "./answers.ts";
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
  /**
   * Of models in which tokens go no further where the picture says so: the share of all tokens that are left after each such place, in order; what its output
   * `tokens_left` says of a picture. Default: all.
   */
  readonly tokensLeft?: readonly number[];
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

/** What a model costs in all. */
export interface TotalCost {
  /** Trained values; running statistics are not among them. */
  readonly parameters: number;
  /** Multiply-accumulates, as papers count them: all of the graph's. */
  readonly macs: number;
  /** What they come down to where as many tokens stop as early as can be; as many as `macs` where the picture decides nothing. */
  readonly macsAtLeast: number;
  /** At how many places the picture decides how many tokens are left (`InputExtent.tokensLeft`). */
  readonly decisions: number;
  /** Bytes of what a run computes, in float32: alive at once, and all together. */
  readonly activations: Pick<ActivationMemory, "peakBytes" | "totalBytes">;
}

export interface ModelCost extends TotalCost {
  /** Those of the products that do not depend on the picture: an engine does them once, when it loads the model, and not in a run. */
  readonly macsAtLoad: number;
  /** In order of execution. */
  readonly parts: readonly PartCost[];
  /** Ops that papers count, most expensive first. */
  readonly ops: readonly OpCost[];
}

/**
 * Counts what the model's answer needs (models/answers.ts).
 *
 * @param depth how many names of a path make a part. Default: chosen so that no part is nearly everything.
 * @throws UsageError or ShapeError for a size that the architecture does not take, UsageError for shares of tokens that it does not ask for
 */
export function modelCost(definition: ModelDefinition, extent: InputExtent | TextExtent, depth?: number): ModelCost {
  const counted = count(definition, extent);
  const { nodes, weights, macs } = counted;
  const paths = nodePaths(nodes);
  const fed = fedNodes(nodes);
  const macsAtPaths = nodes.map((node, i): AtPath => [paths.get(node)!, macs[i]!]);
  return {
    ...totalsOf(counted),
    macsAtLoad: sum(macs.filter((_, i) => !fed.has(nodes[i]!))),
    parts: costByPart(
      macsAtPaths.filter(([, value]) => value > 0),
      weights,
      depth,
    ),
    ops: costByOp(nodes, macs),
  };
}

/** As `modelCost`, without the parts. */
export function totalCost(definition: ModelDefinition, extent: InputExtent | TextExtent): TotalCost {
  return totalsOf(count(definition, extent));
}

interface Counted {
  readonly graph: Graph;
  readonly sizes: ReadonlyMap<string, number>;
  readonly batch: number;
  readonly outputs: readonly Tensor[];
  /** What the outputs need, in order of execution. */
  readonly nodes: readonly Tensor[];
  readonly weights: readonly AtPath[];
  /** Of each node. */
  readonly macs: readonly number[];
}

function count(definition: ModelDefinition, extent: InputExtent | TextExtent): Counted {
  const { batch = 1 } = extent;
  const graph = "tokens" in extent ? inferenceGraph(definition) : graphAt(definition, extent);
  const shares = "tokens" in extent ? undefined : extent.tokensLeft;
  if (shares !== undefined) checkShares(shares, graph, definition);
  const sizes = sizesOf(graph, batch, shares);
  const outputs = ANSWER_OUTPUTS[definition.architecture.answers(definition.config)].map(
    (name) => graph.outputs.get(name)!,
  );
  const nodes = graph.needed(outputs);
  const macs = nodes.map((node) => macsOf(node, sizes));
  return { graph, sizes, batch, outputs, nodes, weights: weightsByPath(graph, nodes), macs };
}

function totalsOf({ graph, sizes, batch, outputs, nodes, weights, macs }: Counted): TotalCost {
  const { peakBytes, totalBytes } = measureActivations(graph, sizes, outputs);
  const decisions = graph.decidedSizes.size;
  const none = Array.from({ length: decisions }, () => 0);
  const fewest = sizesOf(graph, batch, none);
  const products = sum(macs);
  return {
    parameters: sum(weights.map(([, value]) => value)),
    macs: products,
    macsAtLeast: decisions === 0 ? products : sum(nodes.map((node) => macsOf(node, fewest))),
    decisions,
    activations: { peakBytes, totalBytes },
  };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** Every named size of a graph. @param shares of all tokens that are left at each place where the picture decides */
function sizesOf(graph: Graph, batch: number, shares?: readonly number[]): ReadonlyMap<string, number> {
  const largest = largestSizes(graph, new Map([["batch", batch]]));
  if (shares === undefined) return largest;
  const left = [...graph.decidedSizes.keys()].map((name, i): [string, number] => [
    name,
    Math.round(shares[i]! * largest.get(name)!),
  ]);
  return new Map([...largest, ...left]);
}

function checkShares(
  shares: readonly number[],
  { decidedSizes }: Graph,
  { architecture, registered }: ModelDefinition,
) {
  const name = registered?.name ?? architecture.name;
  const places = decidedSizes.size;
  if (places === 0)
    throw new UsageError(`how many tokens of ${name} are left is the same for all pictures`, "leave the shares out");
  const falls = shares.every((share, i) => share >= 0 && share <= (shares[i - 1] ?? 1));
  if (shares.length !== places || !falls)
    throw new UsageError(
      `${name} takes ${places} ${places === 1 ? "share" : "shares"} of tokens that are left, from 1 down to 0, not ${shares.join(", ")}`,
    );
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

function costByOp(nodes: readonly Tensor[], macs: readonly number[]): OpCost[] {
  const costs = new Map<string, { macs: number; nodes: number }>();
  for (const [i, { op }] of nodes.entries()) {
    const cost = costs.get(op) ?? { macs: 0, nodes: 0 };
    costs.set(op, { macs: cost.macs + macs[i]!, nodes: cost.nodes + 1 });
  }
  return [...costs]
    .filter(([, cost]) => cost.macs > 0)
    .sort(([, a], [, b]) => b.macs - a.macs)
    .map(([op, cost]) => ({ op, ...cost }));
}
