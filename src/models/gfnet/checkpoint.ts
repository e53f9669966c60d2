// Released GFNet checkpoints (blackfeather-wang/GFNet-Pytorch, `.pth.tar`): what they say of themselves becomes configuration, and the
// encoders' names become those of the backbones here. The reader has put the parts side by side and taken data-parallel prefixes away.
import { FormatError } from "../../errors.ts";
import type { TensorData } from "../../tensor.ts";
import type { CheckpointFacts, NamedTensors } from "../architecture.ts";
import { GFNET_BACKBONES, type GfnetConfig } from "./config.ts";
import { encoderOf } from "./encoder.ts";
import { PARTS } from "./model.ts";

/** Facts that keep their names. */
const KEPT = ["patch_size", "flops", "dynamic_threshold", "anytime_classification", "budgeted_batch_classification"];

/** Fields of a configuration, from the entries beside the weights; undefined for other checkpoints. */
export function configFromCheckpoint(facts: CheckpointFacts): Readonly<Record<string, unknown>> | undefined {
  const { model_name: arch, flops } = facts;
  if (typeof arch !== "string" || !Object.hasOwn(GFNET_BACKBONES, arch)) return undefined;
  return {
    arch,
    ...(Array.isArray(flops) ? { T: flops.length } : {}),
    ...Object.fromEntries(KEPT.flatMap((name) => (facts[name] === undefined ? [] : [[name, facts[name]]]))),
  };
}

/**
 * Official names, or this library's, of all parts -> this library's.
 * @throws FormatError when there is no tensor of a part: these are no GFNet's weights
 */
export function adoptGfnetWeights(tensors: NamedTensors, config: GfnetConfig): NamedTensors {
  const adopted = new Map<string, TensorData>();
  const parts = new Map(Object.values(PARTS).map((part) => [part as string, new Map<string, TensorData>()]));
  for (const [name, tensor] of tensors) {
    const [prefix = ""] = name.split(".", 1);
    const part = parts.get(prefix);
    if (part === undefined) adopted.set(name, tensor);
    else part.set(name.slice(prefix.length + 1), tensor);
  }
  const { adopt } = encoderOf(config);
  for (const [part, named] of parts) {
    if (named.size === 0)
      throw new FormatError("checkpoint", `there is no tensor named ${part}.*`, {
        hint: `a GFNet has four parts: ${[...parts.keys()].join(", ")}`,
      });
    const isEncoder = part === PARTS.glance || part === PARTS.patch;
    for (const [name, tensor] of isEncoder ? adopt(named) : named) adopted.set(`${part}.${name}`, tensor);
  }
  return adopted;
}
