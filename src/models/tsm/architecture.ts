// TSM as the registry sees it.
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { timmTransform } from "../timm.ts";
import { type TsmConfig, tsmSchema } from "./config.ts";
import { tsm, tsmFrame } from "./model.ts";
import { adoptTsmWeights, isWhole } from "./weights.ts";

export const tsmArchitecture: Architecture<TsmConfig> = {
  name: "tsm",
  paper: "https://arxiv.org/abs/1811.08383",
  parseConfig: (json) => checkConfig(tsmSchema, "tsm", json),
  input: ({ input_size, num_segments }) => ({
    kind: "video",
    size: "free",
    usual: { height: input_size, width: input_size, frames: num_segments },
  }),
  build(scope, video, config, mode) {
    const { logits, features, frameLogits } = tsm(scope, video, config, mode);
    return { logits, features, frame_logits: frameLogits };
  },
  frameByFrame: {
    works: ({ online }) => online,
    build: tsmFrame,
  },
  adoptWeights: adoptTsmWeights,
  isMadeFor: isWhole,
  classesField: "num_class",
  transform: ({ input_size, ...data }) => timmTransform({ ...data, size: input_size }),
  answers: () => "classes",
};
