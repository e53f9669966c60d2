// ConvNeXt checkpoints of facebookresearch/ConvNeXt (models/convnext.py) -> timm's names; the perceptrons' layers as matrices or as 1 x 1
// convolutions, whichever the configuration keeps; and scales of residuals in the weights where it keeps none.
import { type TensorData, tensor, toFloat64 } from "../../tensor.ts";
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { NamedTensors } from "../architecture.ts";
import type { ConvnextConfig, IsotropicConfig } from "./config.ts";

const OFFICIAL: readonly (readonly RenameRule[])[] = [
  [
    { pattern: /^downsample_layers\.0\./, to: "stem." },
    { pattern: /^downsample_layers\.(\d+)\./, to: "stages.$1.downsample." },
    { pattern: /^stages\.(\d+)\.(\d+)\./, to: "stages.$1.blocks.$2." },
    { pattern: /^norm\./, to: "head.norm." },
    { pattern: /^head\./, to: "head.fc." },
  ],
  [
    { pattern: /\.dwconv\./, to: ".conv_dw." },
    { pattern: /\.pwconv([12])\./, to: ".mlp.fc$1." },
  ],
];

export function adoptConvnextWeights(tensors: NamedTensors, { conv_mlp, ls_init_value }: ConvnextConfig): NamedTensors {
  const named = tensors.has("downsample_layers.0.0.weight") ? remap(tensors, OFFICIAL) : tensors;
  const scaled = ls_init_value === null ? withoutScales(named, "mlp.fc2") : named;
  return new Map(
    [...scaled].map(([name, value]) => {
      if (!/\.mlp\.fc[12]\.weight$/.test(name)) return [name, value];
      const [out, into, ...kernel] = value.shape;
      const isMatrix = kernel.length === 0;
      const isPointwise = kernel.length === 2 && kernel.every((size) => size === 1);
      if (conv_mlp && isMatrix) return [name, { ...value, shape: [out!, into!, 1, 1] }];
      if (!conv_mlp && isPointwise) return [name, { ...value, shape: [out!, into!] }];
      return [name, value];
    }),
  );
}

export function adoptIsotropicWeights(tensors: NamedTensors, config: IsotropicConfig): NamedTensors {
  return config.layer_scale_init_value === 0 ? withoutScales(tensors, "pwconv2") : tensors;
}

/**
 * The residuals' scales (gamma) multiplied into the layer before them, for a configuration that has none: the same numbers with a tensor less a block. What does not
 * fit together stays as it is, and is reported where weights are fitted.
 */
function withoutScales(tensors: NamedTensors, layer: "mlp.fc2" | "pwconv2"): NamedTensors {
  const folded = new Map(tensors);
  for (const [name, gamma] of tensors) {
    if (!name.endsWith(".gamma")) continue;
    const block = name.slice(0, -"gamma".length);
    const parts = ["weight", "bias"].map((part) => `${block}${layer}.${part}`);
    const values = parts.flatMap((part) => tensors.get(part) ?? []);
    if (values.length < 2 || !values.every(({ shape }) => shape[0] === gamma.shape[0])) continue;
    folded.delete(name);
    for (const [i, part] of parts.entries()) folded.set(part, byRows(values[i]!, gamma));
  }
  return folded;
}

/** value (rows, …) times a factor a row. */
function byRows(value: TensorData, factors: TensorData): TensorData {
  const [all, by] = [toFloat64(value), toFloat64(factors)];
  const width = all.length / by.length;
  return tensor(
    "float32",
    value.shape,
    Float32Array.from(all, (number, i) => number * by[Math.floor(i / width)]!),
  );
}
