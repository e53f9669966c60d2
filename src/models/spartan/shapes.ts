// The configuration that a SpaRTAN's tensors have: the authors released a larger model than the repository has a configuration of.
import type { NamedTensors } from "../architecture.ts";

/** Fields of the configuration by names and shapes; undefined for tensors of something else. Whether they fit is for loading to say. */
export function spartanFields(tensors: NamedTensors): Readonly<Record<string, unknown>> | undefined {
  const size = (name: string, axis: number) => tensors.get(name)?.shape[axis];
  const init_dim = size("conv.1.conv.weight", 0);
  const num_classes = size("linear.weight", 0);
  if (init_dim === undefined || num_classes === undefined) return undefined;
  const layer_depths = [0];
  const expand_ratios: number[] = [];
  const dims: number[] = [];
  for (let layer = 0; ; layer++) {
    const wide = size(`layers.${layer}.cmixer.theta.weight`, 0);
    const next = size(`layers.${layer}.conv.weight`, 0);
    if (wide !== undefined) {
      layer_depths[dims.length]!++;
      expand_ratios[dims.length] = wide / (dims.at(-1) ?? init_dim);
    } else if (next !== undefined) {
      dims.push(next);
      layer_depths.push(0);
    } else break;
  }
  return { num_classes, init_dim, num_layer: layer_depths.length, layer_depths, expand_ratios, dims };
}
