// Uni-AdaFocus as the registry sees it.
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { adoptUniAdafocusWeights } from "./checkpoint.ts";
import { UNI_ADAFOCUS_FIELDS, type UniAdafocusConfig, uniAdafocusSchema, uniAdafocusTransform } from "./config.ts";
import { uniAdafocus } from "./model.ts";
import { uniAdafocusStages } from "./stages.ts";

export const uniAdafocusArchitecture: Architecture<UniAdafocusConfig> = {
  name: "uni_adafocus",
  paper: "https://arxiv.org/abs/2412.11228",
  parseConfig: (json) => checkConfig(uniAdafocusSchema, "uni_adafocus", json),
  fields: UNI_ADAFOCUS_FIELDS,
  input: ({ input_size, num_input_focus_segments: frames }) => {
    const size = { height: input_size, width: input_size };
    return { kind: "video", size, frames, usual: { ...size, frames } };
  },
  build: uniAdafocus,
  adoptWeights: adoptUniAdafocusWeights,
  stages: uniAdafocusStages,
  classesField: "num_class",
  transform: uniAdafocusTransform,
  answers: () => "classes",
};
