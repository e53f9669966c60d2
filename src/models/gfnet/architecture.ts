// GFNet as the registry sees it.
import type { Tensor } from "../../graph/tensor.ts";
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { adoptGfnetWeights, configFromCheckpoint } from "./checkpoint.ts";
import { GFNET_FIELDS, type GfnetConfig, gfnetSchema, gfnetTransform } from "./config.ts";
import { completeEncoder } from "./encoder.ts";
import { gfnet } from "./model.ts";
import { gfnetStages } from "./stages.ts";

export const gfnetArchitecture: Architecture<GfnetConfig> = {
  name: "gfnet",
  paper: "https://arxiv.org/abs/2010.05300, https://arxiv.org/abs/2201.03014",
  parseConfig: (json) => checkConfig(gfnetSchema, "gfnet", completeEncoder(json)),
  fields: GFNET_FIELDS,
  input: ({ image_size, num_segments: frames }) => {
    const size = { height: image_size, width: image_size };
    return frames === undefined
      ? { kind: "image", size, usual: size }
      : { kind: "video", size, frames, usual: { ...size, frames } };
  },
  build: (scope, image, config, mode): Record<string, Tensor> => ({ ...gfnet(scope, image, config, mode) }),
  buildFromPixels: (scope, pixels, config, mode): Record<string, Tensor> => ({ ...gfnet(scope, pixels, config, mode) }),
  adoptWeights: adoptGfnetWeights,
  adoptFacts: configFromCheckpoint,
  stages: gfnetStages,
  classesField: "class_num",
  transform: gfnetTransform,
  answers: () => "classes",
};
