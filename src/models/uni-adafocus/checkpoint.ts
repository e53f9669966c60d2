// Released Uni-AdaFocus checkpoints (LeapLabTHU/Uni-AdaFocus, `.pth.tar`): the names of the two networks become those of the backbones here. The
// reader has taken the data-parallel prefix `module.` away.
import { FormatError } from "../../errors.ts";
import type { TensorData } from "../../tensor.ts";
import { remap } from "../../weights/remap.ts";
import type { NamedTensors } from "../architecture.ts";
import { COUNTERS } from "../backbone.ts";
import { withoutShiftNames } from "../shifted-backbones.ts";
import type { UniAdafocusConfig } from "./config.ts";
import { backboneOf, PARTS } from "./networks.ts";

/**
 * Official names, or this library's -> this library's.
 * @throws FormatError when there is no tensor of a part: these are no Uni-AdaFocus' weights
 */
export function adoptUniAdafocusWeights(tensors: NamedTensors, config: UniAdafocusConfig): NamedTensors {
  for (const part of Object.values(PARTS))
    if (![...tensors.keys()].some((name) => name.startsWith(`${part}.`)))
      throw new FormatError("checkpoint", `there is no tensor named ${part}.*`, {
        hint: `a Uni-AdaFocus has five parts: ${Object.values(PARTS).join(", ")}`,
      });
  const adopted = new Map<string, TensorData>();
  const networks = { glance: new Map<string, TensorData>(), focus: new Map<string, TensorData>() };
  for (const [name, tensor] of remap(tensors, [[COUNTERS]])) {
    const part = NETWORKS.find((candidate) => name.startsWith(prefixOf(candidate)));
    if (part === undefined) adopted.set(name, tensor);
    else networks[part].set(name.slice(prefixOf(part).length), tensor);
  }
  for (const part of NETWORKS)
    for (const [name, tensor] of backboneOf(part, config).adopt(withoutShiftNames(networks[part])))
      adopted.set(prefixOf(part) + name, tensor);
  return adopted;
}

const NETWORKS = ["glance", "focus"] as const;
const prefixOf = (part: (typeof NETWORKS)[number]) => `${PARTS[part]}.base_model.`;

/**
 * What the glance's MobileNetV2 or the focus's ResNet, trained alone on pictures, calls a parameter; all others keep their names.
 *
 * @param network the architecture of what was trained alone
 */
export function nameInNetwork(parameter: string, network: string): string {
  const prefix = prefixOf(network === "mobilenetv2" ? "glance" : "focus");
  return parameter.startsWith(prefix) ? parameter.slice(prefix.length) : parameter;
}
