// AdaptiveNN as the registry sees it.
import type { Architecture, NamedTensors } from "../architecture.ts";
import { backboneNamed } from "../backbones.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput } from "../image-size.ts";
import { type AdaptivennConfig, adaptivennSchema, adaptivennTransform } from "./config.ts";
import { NET_SCOPES } from "./encoder.ts";
import { adaptivenn } from "./model.ts";
import { adaptivennStages } from "./stages.ts";

const NAME = "adaptivenn";

export const adaptivennArchitecture: Architecture<AdaptivennConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2509.15333",
  parseConfig: (json) => {
    const config = checkConfig(adaptivennSchema, NAME, json);
    // Its fields are the backbone's own affair, and a wrong one should be said before weights are read.
    if (config.arch !== undefined) backboneNamed(config.arch, config.backbone);
    return config;
  },
  input: ({ image_size }) => fixedInput(image_size),
  build: (scope, image, config, mode) => ({ ...adaptivenn(scope, image, config, mode) }),
  buildFromPixels: (scope, pixels, config, mode) => ({ ...adaptivenn(scope, pixels, config, mode) }),
  adoptWeights: adoptAdaptivennWeights,
  stages: adaptivennStages,
  classesField: "num_classes",
  transform: adaptivennTransform,
  answers: () => "classes",
};

/** Neighbours' places, which follow from recover_n: in official files, and nowhere read. */
const DERIVED = "offset_xy";

function adoptAdaptivennWeights(tensors: NamedTensors): NamedTensors {
  return new Map([...tensors].filter(([name]) => name !== DERIVED));
}

/** What a network alone calls a parameter of the backbone that both nets have; other parameters keep their names. */
export function nameInNet(parameter: string): string {
  const prefix = Object.values(NET_SCOPES)
    .map((net) => `${net}.patch_embed.backbone.`)
    .find((candidate) => parameter.startsWith(candidate));
  return prefix === undefined ? parameter : parameter.slice(prefix.length);
}
