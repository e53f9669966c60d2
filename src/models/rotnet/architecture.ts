// RotNet's networks as the registry sees them.
import { reduceMean } from "../../graph/build.ts";
import { torchLinear } from "../../nn/linear.ts";
import type { Architecture } from "../architecture.ts";
import { type Backbone, backboneArchitecture } from "../backbone.ts";
import { fixedInput, requireImageSize } from "../image-size.ts";
import { ALEXNET_LAST, alexnetFeatureMap, alexnetHidden } from "./alexnet.ts";
import { type RotnetConfig, rotnetSchema } from "./config.ts";
import { ninFeatureMap } from "./nin.ts";

const NAME = "rotnet";

/** 125.3, 123, 113.9 and 63, 62.1, 66.7 of 255, as the official dataloader.py has them. */
const CIFAR10 = "normalize(mean=0.491373/0.482353/0.446667,std=0.247059/0.243529/0.261569)";

const isAlexnet = ({ arch }: RotnetConfig) => arch === "AlexNet";

const rotnetBackbone: Backbone<RotnetConfig> = {
  featureMap(scope, image, config, mode) {
    if (!isAlexnet(config)) return ninFeatureMap(scope, image, config, mode);
    // Its layers before the last have a weight for each place.
    requireImageSize(image, config.input_size, NAME, "input_size");
    return alexnetFeatureMap(scope, image, config, mode);
  },
  pool: (scope, map, config, mode) =>
    isAlexnet(config) ? alexnetHidden(scope, map, config, mode) : reduceMean(map, [2, 3]),
  classify(scope, features, config) {
    const last = isAlexnet(config) ? [ALEXNET_LAST, 0] : [config.num_stages, "Classifier"];
    return torchLinear(scope.at("_feature_blocks", ...last), features, config.num_classes);
  },
  lastLayer: "_feature_blocks",
};

const family = backboneArchitecture({
  name: NAME,
  paper: "https://arxiv.org/abs/1803.07728",
  schema: rotnetSchema,
  backbone: rotnetBackbone,
});

export const rotnetArchitecture: Architecture<RotnetConfig> = {
  ...family,
  input: (config) => (isAlexnet(config) ? fixedInput(config.input_size) : family.input(config)),
  // Pictures of CIFAR-10 are normalised by its own mean and deviation.
  transform: (config) => {
    const usual = family.transform!(config);
    return isAlexnet(config) ? usual : usual.replace(/normalize\([^)]*\)/, CIFAR10);
  },
};
