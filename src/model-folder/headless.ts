// Checkpoints of a convolutional network that lack its last layers, as pre-training without labels leaves them (SparK's files): what is there is taken,
// and the rest starts fresh, with one class.
import { WeightsMismatchError } from "../errors.ts";
import { Scope } from "../graph/scope.ts";
import { Graph } from "../graph/tensor.ts";
import type { NamedTensors } from "../models/architecture.ts";
import { asBackbone } from "../models/backbones.ts";
import { fitWeights, inferenceGraph, initialWeights } from "../models/graph.ts";
import { type ModelDefinition, withClasses } from "../models/registry.ts";
import { Mode } from "../nn/mode.ts";

export interface Headless {
  /** Of the model that it would be with its last layers. */
  readonly name: string;
  /** With one class. */
  readonly definition: ModelDefinition;
  /** The file's under the model's names, and the last layers' first values. */
  readonly tensors: NamedTensors;
  /** Names that the file lacks. */
  readonly fresh: readonly string[];
}

/** A checkpoint as a model whose last layers have learnt nothing; undefined where anything else does not fit. */
export function readHeadless(model: ModelDefinition, tensors: NamedTensors): Headless | undefined {
  const backbone = asBackbone(model);
  if (backbone === undefined) return undefined;
  const { registered: _, ...definition } = withClasses(model, 1);
  const adopted = definition.architecture.adoptWeights(tensors, definition.config);
  const graph = inferenceGraph(definition);
  const body = new Graph();
  backbone.featureMap(new Scope(body), body.input("image", [1, 3, "height", "width"]), Mode.inference());
  const fresh = [...graph.parameters.keys()].filter((name) => !adopted.has(name));
  if (fresh.length === 0 || fresh.some((name) => body.parameters.has(name))) return undefined;
  const all = new Map([...adopted, ...initialWeights(graph, 0, fresh)]);
  try {
    fitWeights(graph, all, definition.architecture.name);
  } catch (error) {
    if (error instanceof WeightsMismatchError) return undefined;
    throw error;
  }
  const name = model.registered?.name ?? definition.architecture.name;
  return { name, definition, tensors: all, fresh };
}
