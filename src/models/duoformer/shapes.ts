// The configuration that a DuoFormer's tensors have: its authors release files without one.
import type { NamedTensors } from "../architecture.ts";
import { REGION } from "./config.ts";

/** Channels of a head in all official configurations; a file does not say how many heads there are. */
const HEAD = 64;

/** Fields of the configuration by names and shapes; undefined for tensors of something else. Whether they fit is for loading to say. */
export function duoformerFields(tensors: NamedTensors): Readonly<Record<string, unknown>> | undefined {
  const size = (name: string, axis: number) => tensors.get(name)?.shape[axis];
  const embed_dim = size("vision_transformer.pos_embed_for_scale", 3);
  const num_classes = size("vision_transformer.head.weight", 0);
  if (embed_dim === undefined || num_classes === undefined) return undefined;
  const side = Math.sqrt((size("vision_transformer.pos_embed", 1) ?? 0) - 1);
  const count = (name: (i: number) => string) => {
    let i = 0;
    while (tensors.has(name(i))) i++;
    return i;
  };
  return {
    num_classes,
    embed_dim,
    num_heads: Math.max(1, Math.floor(embed_dim / HEAD)),
    depth: count((i) => `vision_transformer.scaleBlocks.${i}.norm1.weight`),
    num_layers: count((i) => `projection.proj_heads${3 - i}.weight`),
    backbone: ["resnet_projector.4.0.conv3.weight", "resnet_projector.layer1.0.conv3.weight"].some((name) =>
      tensors.has(name),
    )
      ? "r50"
      : "r18",
    scale_token: tensors.has("chann_proj_all.nConvs.0.conv.weight") ? "channel" : "random",
    ...(Number.isInteger(side) && side > 0 ? { img_size: REGION * side } : {}),
  };
}
