// GFNet as the registry sees it.
import { reshape, slice } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { tubeOf } from "../crop.ts";
import { adoptGfnetWeights, configFromCheckpoint } from "./checkpoint.ts";
import { GFNET_FIELDS, type GfnetConfig, gfnetSchema, gfnetTransform } from "./config.ts";
import { completeEncoder } from "./encoder.ts";
import { type GfnetOutputs, gfnet } from "./model.ts";
import { gfnetStages } from "./stages.ts";

/** Where a model of clips looked, as all models of clips say it. */
function tubes({ regions }: GfnetOutputs): Record<string, Tensor> {
  const [looks, batch] = regions.shape as [number, Dim];
  const entries = Array.from({ length: looks }, (_, look) => {
    const tube = tubeOf(reshape(slice(regions, 0, look, look + 1), [batch, 4]));
    return [
      [`gaze.${look}.regions`, tube.regions],
      [`gaze.${look}.points`, tube.points],
    ] as const;
  });
  return Object.fromEntries(entries.flat());
}

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
  build(scope, image, config, mode): Record<string, Tensor> {
    const outputs = gfnet(scope, image, config, mode);
    return { ...outputs, ...(config.num_segments === undefined ? {} : tubes(outputs)) };
  },
  buildFromPixels: (scope, pixels, config, mode): Record<string, Tensor> => ({ ...gfnet(scope, pixels, config, mode) }),
  adoptWeights: adoptGfnetWeights,
  adoptFacts: configFromCheckpoint,
  stages: gfnetStages,
  classesField: "class_num",
  transform: gfnetTransform,
  answers: () => "classes",
};
