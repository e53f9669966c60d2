// Names of TSM's releases, and of the pictures' networks that its weights begin as, -> this library's: the backbone's own under `base_model`, and
// `new_fc`.
import type { TensorData } from "../../tensor.ts";
import type { NamedTensors } from "../architecture.ts";
import { withoutShiftNames } from "../shifted-backbones.ts";
import { backboneOf, type TsmConfig } from "./config.ts";
import { PARTS } from "./model.ts";

const BACKBONE = `${PARTS.backbone}.`;
const CLASSIFIER = `${PARTS.classifier}.`;

/** Whether tensors are a TSM's, and not those of a network of pictures (or of the official online model, which has the same names). */
export function isWhole(tensors: NamedTensors): boolean {
  return [...tensors.keys()].some((name) => name.startsWith(BACKBONE));
}

/** What the network of pictures under a TSM calls one of its parameters. */
export function nameInBackbone(parameter: string, config: TsmConfig): string {
  if (parameter.startsWith(BACKBONE)) return parameter.slice(BACKBONE.length);
  return parameter.startsWith(CLASSIFIER)
    ? `${backboneOf(config).lastLayer}.${parameter.slice(CLASSIFIER.length)}`
    : parameter;
}

/** What a TSM calls a parameter of the network of pictures under it. */
export function nameInTsm(parameter: string, config: TsmConfig): string {
  const last = `${backboneOf(config).lastLayer}.`;
  return parameter.startsWith(last) ? CLASSIFIER + parameter.slice(last.length) : BACKBONE + parameter;
}

/**
 * Official names, with `net` where something is shifted; the official online model's, which are those of its backbone alone; and a backbone's trained on
 * pictures, which is how the video model begins (a last layer for other classes is for the caller to leave out).
 */
export function adoptTsmWeights(tensors: NamedTensors, config: TsmConfig): NamedTensors {
  const whole = isWhole(tensors);
  const network = new Map<string, TensorData>();
  const adopted = new Map<string, TensorData>();
  for (const [name, value] of tensors) {
    if (whole && !name.startsWith(BACKBONE)) adopted.set(name, value);
    else network.set(whole ? name.slice(BACKBONE.length) : name, value);
  }
  const backbone = backboneOf(config);
  // Without dropout the official classifier is the backbone's own last layer.
  const ownLast = adopted.has(`${CLASSIFIER}weight`) ? undefined : `${backbone.lastLayer}.`;
  for (const [name, value] of backbone.adopt(withoutShiftNames(network))) {
    const isLast = ownLast !== undefined && name.startsWith(ownLast);
    adopted.set(isLast ? CLASSIFIER + name.slice(ownLast.length) : BACKBONE + name, value);
  }
  return adopted;
}
