// GFV as the registry sees it.
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { timmTransform } from "../timm.ts";
import { type GfvConfig, gfvSchema } from "./config.ts";
import { gfv } from "./model.ts";
import { gfvStages } from "./stages.ts";
import { adoptGfvWeights } from "./weights.ts";

export const gfvArchitecture: Architecture<GfvConfig> = {
  name: "gfv",
  paper: "https://arxiv.org/abs/2105.03245",
  parseConfig: (json) => checkConfig(gfvSchema, "gfv", json),
  input: ({ input_size, num_segments_focuser: frames }) => {
    const size = { height: input_size, width: input_size };
    return { kind: "video", size, frames, usual: { ...size, frames } };
  },
  build: gfv,
  stages: gfvStages,
  adoptWeights: adoptGfvWeights,
  classesField: "num_classes",
  transform: ({ input_size, crop_pct }) =>
    timmTransform({ size: input_size, crop_pct, interpolation: "bilinear", normalization: "imagenet" }),
  answers: () => "classes",
};
