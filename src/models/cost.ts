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

export interface ModelCost {
  /** Trained values; running statistics are not among them. */
  readonly parameters: number;
  /** Multiply-accumulates, as papers count them: all of the graph's. */
  readonly macs: number;
  /** What they come down to where as many tokens stop as early as can be; as many as `macs` where the picture decides nothing. */
  readonly macsAtLeast: number;
  /** At how many places the picture decides how many tokens are left (`InputExtent.tokensLeft`). */
  readonly decisions: number;
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
 * Counts what the model's answer needs (models/answers.ts).
 *
 * @param depth how many names of a path make a part. Default: chosen so that no part is nearly everything.
 * @throws UsageError or ShapeError for a size that the architecture does not take, UsageError for shares of tokens that it does not ask for
 */
export function modelCost(definition: ModelDefinition, extent: InputExtent | TextExtent, depth?: number): ModelCost {
  const { batch = 1 } = extent;
  const graph = "tokens" in extent ? inferenceGraph(definition) : graphAt(definition, extent);
  const shares = "tokens" in extent ? undefined : extent.tokensLeft;
  if (shares !== undefined) checkShares(shares, graph, definition);
  const sizes = sizesOf(graph, batch, shares);
  const outputs = ANSWER_OUTPUTS[definition.architecture.answers(definition.config)].map(
    (name) => graph.outputs.get(name)!,
  );
  const nodes = graph.needed(outputs);
  const weights = weightsByPath(graph, nodes);
  const paths = nodePaths(nodes);
  const macs = nodes.map((node): AtPath => [paths.get(node)!, macsOf(node, sizes)]);
  const counted = macs.filter(([, value]) => value > 0);
  const { peakBytes, totalBytes } = measureActivations(graph, sizes, outputs);
  const fed = fedNodes(nodes);
  const fewest = sizesOf(
    graph,
    batch,
    [...graph.decidedSizes].map(() => 0),
  );
  const sum = (entries: readonly AtPath[]) => entries.reduce((total, [, value]) => total + value, 0);
  return {
    parameters: sum(weights),
    macs: sum(counted),
    macsAtLeast: nodes.reduce((total, node) => total + macsOf(node, fewest), 0),
    decisions: graph.decidedSizes.size,
    macsAtLoad: sum(macs.filter((_, i) => !fed.has(nodes[i]!))),
    activations: { peakBytes, totalBytes },
    parts: costByPart(counted, weights, depth),
    ops: costByOp(nodes, macs),
  };
}

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
