// ConvNeXt checkpoints of facebookresearch/ConvNeXt (models/convnext.py) -> timm's names; and the perceptrons' layers as matrices or as 1 x 1
// convolutions, whichever the configuration keeps.
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { NamedTensors } from "../architecture.ts";
import type { ConvnextConfig } from "./config.ts";

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

export function adoptConvnextWeights(tensors: NamedTensors, { conv_mlp }: ConvnextConfig): NamedTensors {
  const named = tensors.has("downsample_layers.0.0.weight") ? remap(tensors, OFFICIAL) : tensors;
  return new Map(
    [...named].map(([name, value]) => {
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
