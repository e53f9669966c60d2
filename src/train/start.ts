// Where training begins: fresh weights from a seed, or another model's weights with a new head.
import { UsageError } from "../errors.ts";
import { shapesEqual } from "../graph/dimensions.ts";
import type { NativeModel } from "../model-folder/model.ts";
import { inferenceGraph, initialWeights } from "../models/graph.ts";
import { defineModel } from "../models/registry.ts";
import { tensor, toFloat32 } from "../tensor.ts";
import type { Recipe } from "./recipe.ts";

export interface StartingPoint {
  readonly model: NativeModel;
  /** Parameters that could not be taken from the other model and start fresh. */
  readonly fresh: readonly string[];
}

/** The recipe's model for these labels; `from` gives its architecture, configuration and weights, and the recipe only how to train. */
export function startingPoint(recipe: Recipe, labels: readonly string[], from?: NativeModel): StartingPoint {
  const base = from === undefined ? recipe.config : (from.definition.config as Record<string, unknown>);
  const name = from === undefined ? recipe.architecture : from.definition.architecture.name;
  const definition = defineModel(name, { ...base, proj_dim: labels.length });
  const graph = inferenceGraph(definition);
  const weights = initialWeights(graph, recipe.seed);
  const fresh: string[] = [];
  if (from !== undefined)
    for (const { name: parameter, shape } of graph.parameters.values()) {
      const value = from.weights.get(parameter);
      if (value !== undefined && shapesEqual(value.shape, shape))
        weights.set(parameter, tensor("float32", shape, toFloat32(value)));
      else fresh.push(parameter);
    }
  if (fresh.length === graph.parameters.size)
    throw new UsageError(
      `${from?.card.name} shares no weights with the model to train`,
      "leave --from out to begin from scratch",
    );
  return {
    model: {
      kind: "native",
      card: { name: recipe.name, labels, transform: recipe.transform },
      definition: { architecture: definition.architecture, config: definition.config },
      weights,
    },
    fresh,
  };
}
