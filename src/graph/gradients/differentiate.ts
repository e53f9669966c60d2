// Reverse mode: the gradients of a scalar are more nodes of the same graph.
import { SaccadeError } from "../../errors.ts";
import { scalar } from "../build.ts";
import { printShape, shapesEqual } from "../dimensions.ts";
import type { Op } from "../ops.ts";
import type { Tensor } from "../tensor.ts";
import { accumulate } from "./accumulate.ts";
import { gradientRules } from "./index.ts";
import { type GradientRule, zeros } from "./rule.ts";

/**
 * Appends the gradients of a loss to its graph.
 *
 * Only nodes between the loss and the tensors in `wrt` are differentiated; a tensor that the loss does not depend on gets zeros. Tensors
 * in `wrt` may be anything, not only parameters, and may depend on one another.
 *
 * @param loss a float scalar
 * @param wrt float tensors of the same graph
 * @returns one tensor for each in `wrt`, of its shape
 * @throws SaccadeError (`graph`) when the loss is no float scalar, or a gradient on the way needs sizes that are not fixed
 *
 * @example
 * const gradients = differentiate(loss, [...graph.parameters.values()].filter((p) => p.trainable).map((p) => widen(p.tensor)));
 */
export function differentiate(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.shape.length !== 0 || !isFloat(loss))
    throw new SaccadeError("graph", `a loss must be a float scalar, not ${loss.dtype}${printShape(loss.shape)}`, {
      hint: "reduce it over all axes first",
    });
  for (const tensor of wrt)
    if (!isFloat(tensor) || tensor.graph !== loss.graph)
      throw new SaccadeError("graph", `gradients exist with respect to float tensors of the loss's own graph`);
  const gradients = pullBack(loss, scalar(loss.graph, 1, loss.dtype), wrt);
  return gradients.map((gradient, i) => gradient ?? zeros(loss.graph, wrt[i]!.shape, wrt[i]!.dtype));
}

/** The gradient of sum(upstream * output) with respect to each tensor in `wrt`; undefined where it is zero. */
function pullBack(output: Tensor, upstream: Tensor, wrt: readonly Tensor[]): (Tensor | undefined)[] {
  const { graph } = output;
  const wanted = new Set(wrt.map((tensor) => tensor.id));
  const nodes = graph.needed([output]);
  const depends = dependents(nodes, wanted);
  const contributions = new Map<number, Tensor[]>([[output.id, [upstream]]]);
  const gradients = new Map<number, Tensor>();
  const outerPath = graph.currentPath;
  for (const node of nodes.reverse()) {
    const parts = contributions.get(node.id);
    if (!depends.has(node.id) || parts === undefined) continue;
    graph.currentPath = node.path;
    const gradient = accumulate(parts);
    if (wanted.has(node.id)) gradients.set(node.id, gradient);
    for (const [input, part] of inputGradients(node, gradient, depends)) {
      const known = contributions.get(input.id);
      if (known === undefined) contributions.set(input.id, [part]);
      else known.push(part);
    }
  }
  graph.currentPath = outerPath;
  return wrt.map((tensor) => gradients.get(tensor.id));
}

function isFloat({ dtype }: Tensor): boolean {
  return dtype === "float32" || dtype === "float16";
}

/** The nodes through which a gradient can flow to one that is wanted. */
function dependents(nodes: readonly Tensor[], wanted: ReadonlySet<number>): Set<number> {
  const found = new Set<number>();
  for (const node of nodes) {
    const flows = gradientRules[node.op] !== "none" && isFloat(node);
    if (wanted.has(node.id) || (flows && node.inputs.some((input) => found.has(input.id)))) found.add(node.id);
  }
  return found;
}

function inputGradients(node: Tensor, gradient: Tensor, depends: ReadonlySet<number>): [Tensor, Tensor][] {
  const rule = gradientRules[node.op];
  const needed = node.inputs.map((input) => depends.has(input.id));
  if (rule === "none" || !needed.includes(true)) return [];
  // The rule under a node's op takes that op's attributes; the union over all ops cannot say so.
  const parts = (rule as GradientRule<Op>)(node, gradient, needed);
  return node.inputs.flatMap((input, i): [Tensor, Tensor][] => {
    const part = parts[i];
    if (!needed[i] || part === undefined) return [];
    if (part.dtype !== input.dtype || !shapesEqual(part.shape, input.shape))
      throw new SaccadeError(
        "graph",
        `the gradient of ${node.op} for its input ${i} is ${part.dtype}${printShape(part.shape)}, ` +
          `but the input is ${input.dtype}${printShape(input.shape)}`,
      );
    return [[input, part]];
  });
}
