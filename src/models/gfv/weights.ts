// Names of AdaFocus's files -> this library's: inside its parts the backbones' own. The focuser's backbone is a plain sequence there, whose parts have
// numbers for names; the policy is an object of its own, which files keep beside the model as `policy`.
import type { TensorData } from "../../tensor.ts";
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { NamedTensors } from "../architecture.ts";
import { COUNTERS } from "../backbone.ts";
import { withoutShiftNames } from "../shifted-backbones.ts";
import { backbonesOf, type GfvConfig } from "./config.ts";
import { PARTS } from "./model.ts";

/** torchvision's ResNet as a sequence: convolution, norm, activation, pooling, four stages. */
const SEQUENCE: readonly RenameRule[] = [
  { pattern: /^0\./, to: "conv1." },
  { pattern: /^1\./, to: "bn1." },
  ...[1, 2, 3, 4].map(
    (stage): RenameRule => ({ pattern: new RegExp(`^${stage + 3}\\.(?=\\d)`), to: `layer${stage}.` }),
  ),
];

export function adoptGfvWeights(tensors: NamedTensors, config: GfvConfig): NamedTensors {
  const { glancer, focuser } = backbonesOf(config);
  const parts = [
    { prefix: `${PARTS.glancer}.`, adopt: glancer.adopt, rules: [] },
    { prefix: `${PARTS.focuser}.`, adopt: focuser.adopt, rules: SEQUENCE },
  ].map((part) => ({ ...part, own: new Map<string, TensorData>() }));
  const adopted = new Map<string, TensorData>();
  for (const [name, value] of remap(tensors, [[COUNTERS]])) {
    const part = parts.find(({ prefix }) => name.startsWith(prefix));
    if (part === undefined) adopted.set(name, value);
    else part.own.set(name.slice(part.prefix.length), value);
  }
  for (const { prefix, own, rules, adopt } of parts)
    for (const [name, value] of adopt(remap(withoutShiftNames(own), [rules]))) adopted.set(prefix + name, value);
  return adopted;
}
