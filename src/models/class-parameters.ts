// Which parameters of a model belong to its classes: last layers, those of early answers too.
import { shapesEqual } from "../graph/dimensions.ts";
import { inferenceGraph } from "./graph.ts";
import { type ModelDefinition, withClasses } from "./registry.ts";

/** Names of the parameters that would have another shape with one class more. */
export function classParameters(definition: ModelDefinition, classes: number): Set<string> {
  const shapes = (count: number) => inferenceGraph(withClasses(definition, count)).parameters;
  const wider = shapes(classes + 1);
  const names = [...shapes(classes).values()].filter(
    ({ name, shape }) => !shapesEqual(shape, wider.get(name)?.shape ?? []),
  );
  return new Set(names.map(({ name }) => name));
}
