// How much memory a graph's values take while it runs, from its own order of execution: what is alive at once, and all of them together.
// Engines come close to the peak and not below it by much: they reuse freed memory, and some ops work in place, which is not counted here.
import { BYTES_PER_ELEMENT } from "../tensor.ts";
import { elementsOf } from "./dimensions.ts";
import type { Op } from "./ops.ts";
import { type Graph, isOp, largestSizes, type Tensor } from "./tensor.ts";

export interface ActivationMemory {
  /** The most bytes that are alive at the same time: inputs, outputs and everything that a later op still reads. */
  readonly peakBytes: number;
  /** The op during which that is. */
  readonly peakAt: Tensor | undefined;
  /** Every value once: what training keeps for its backward pass. */
  readonly totalBytes: number;
}

/** Ops whose result is their first input's memory under another shape or name. */
const VIEWS: ReadonlySet<Op> = new Set<Op>(["reshape", "stopGradient", "clampGradient"]);

/**
 * Memory of what the given outputs (default: all) need. Weights are not activations, nor is what depends on weights alone, which engines
 * compute once when they load a model.
 *
 * @param sizes every named size, such as batch, height and width; those that a run decides are taken for the most they can be
 */
export function measureActivations(
  graph: Graph,
  sizes: ReadonlyMap<string, number>,
  outputs: Iterable<Tensor> = graph.outputs.values(),
): ActivationMemory {
  const wanted = [...outputs];
  const largest = largestSizes(graph, sizes);
  const nodes = graph.needed(wanted);
  const fed = fedNodes(nodes);
  // The node whose memory a value lives in: itself, or for views what they look at.
  const owners = new Map<Tensor, Tensor>();
  for (const node of nodes) {
    if (!fed.has(node)) continue;
    const source = node.inputs[0];
    owners.set(node, VIEWS.has(node.op) && source !== undefined ? (owners.get(source) ?? node) : node);
  }
  const lastUse = new Map<Tensor, Tensor>();
  for (const node of nodes)
    for (const value of [node, ...node.inputs]) {
      const owner = owners.get(value);
      if (owner !== undefined) lastUse.set(owner, node);
    }
  const kept = new Set(wanted.map((node) => owners.get(node)));

  let alive = 0;
  let totalBytes = 0;
  let peakBytes = 0;
  let peakAt: Tensor | undefined;
  const bytesOf = (node: Tensor) => elementsOf(node.shape, largest) * BYTES_PER_ELEMENT[node.dtype];
  // Inputs are there before the first op runs, wherever the graph mentions them.
  for (const node of nodes) if (isOp(node, "input")) alive += bytesOf(node);
  for (const node of nodes) {
    if (owners.get(node) === node) {
      const bytes = bytesOf(node);
      totalBytes += bytes;
      if (!isOp(node, "input")) alive += bytes;
    }
    if (alive > peakBytes) {
      peakBytes = alive;
      peakAt = node;
    }
    for (const owner of new Set([node, ...node.inputs].map((value) => owners.get(value))))
      if (owner !== undefined && lastUse.get(owner) === node && !kept.has(owner)) alive -= bytesOf(owner);
  }
  return { peakBytes, peakAt, totalBytes };
}

/**
 * The nodes whose value depends on what is fed. The others depend on weights alone: engines compute them once, when they load the model.
 *
 * @param nodes in execution order
 */
export function fedNodes(nodes: readonly Tensor[]): Set<Tensor> {
  const fed = new Set<Tensor>();
  for (const node of nodes) if (isOp(node, "input") || node.inputs.some((input) => fed.has(input))) fed.add(node);
  return fed;
}
