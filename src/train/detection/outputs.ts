// What models that answer with sets give while they train, by the names of their outputs.
import type { Tensor } from "../../graph/tensor.ts";
import { isOp } from "../../graph/tensor.ts";

/**
 * The predictions of all layers of one kind, the last one last: outputs PREFIX + "aux.I." + field, then PREFIX + field. None where the model has no such.
 *
 * @param fields of a layer; the first must be there
 */
export function layersOf<Layer>(
  outputs: Readonly<Record<string, Tensor>>,
  prefix: string,
  fields: readonly (keyof Layer & string)[],
): Layer[] {
  const at = (place: string): Layer | undefined => {
    const found = fields.flatMap((field) => {
      const value = outputs[place + field];
      return value === undefined ? [] : [[field, value] as const];
    });
    return outputs[place + fields[0]!] === undefined ? undefined : (Object.fromEntries(found) as Layer);
  };
  const last = at(prefix);
  if (last === undefined) return [];
  const layers: Layer[] = [];
  for (let i = 0; ; i++) {
    const layer = at(`${prefix}aux.${i}.`);
    if (layer === undefined) return [...layers, last];
    layers.push(layer);
  }
}

/** Names of parameters that a loss does not see: they stay as they are. */
export function untouchedBy(loss: Tensor): string[] {
  const { graph } = loss;
  const seen = new Set(graph.needed([loss]).flatMap((node) => (isOp(node, "parameter") ? [node.attributes.name] : [])));
  return [...graph.parameters.keys()].filter((name) => !seen.has(name));
}
