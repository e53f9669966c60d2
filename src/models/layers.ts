// The layers of a model whose values can be asked for as features, by their names.
import { UsageError } from "../errors.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { didYouMean } from "../nearest-name.ts";
import { isTokenLayer } from "./token-layers.ts";

/** What nearly every architecture gives. Of models that answer after each look, `logits` are not one vector a picture, and so no layer. */
const ALWAYS = ["features", "logits"];
const isAlways = (name: string, value: Tensor) => ALWAYS.includes(name) && value.shape.length === 2;

/** The names of a traced model's layers, in its order, and then `features` and `logits`. */
export function layerNames(graph: Graph): string[] {
  const ends = ALWAYS.filter((name) => {
    const value = graph.outputs.get(name);
    return value !== undefined && isAlways(name, value);
  });
  return [...[...graph.layers.keys()].filter((name) => !isTokenLayer(name)), ...ends];
}

/**
 * A layer of a traced model: one vector a picture (N, width), tokens (N, tokens, width) or a map (N, channels, h, w).
 *
 * @throws UsageError that lists the layers when there is none of that name
 */
export function layerOf(graph: Graph, name: string): Tensor {
  const output = graph.outputs.get(name);
  const value = graph.layers.get(name) ?? (output !== undefined && isAlways(name, output) ? output : undefined);
  if (value === undefined) throw unknownLayer(name, layerNames(graph));
  return typeof value === "function" ? value() : value;
}

/** What there is instead of a name that nothing has. */
export function unknownLayer(name: string, names: readonly string[]): UsageError {
  const shown =
    names.length > MOST_SHOWN
      ? `${names.slice(-MOST_SHOWN).join(", ")} and ${names.length - MOST_SHOWN} before them`
      : names.join(", ");
  return new UsageError(`the model has no layer "${name}"`, `${didYouMean(name, names)}layers: ${shown}`);
}

const MOST_SHOWN = 40;
