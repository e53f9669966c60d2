// DHVT as the registry sees it.
import { remap } from "../../weights/remap.ts";
import type { Architecture } from "../architecture.ts";
import { COUNTERS } from "../backbone.ts";
import { checkConfig } from "../check-config.ts";
import { extentOf } from "../image-size.ts";
import { timmTransform } from "../timm.ts";
import { type DhvtConfig, dhvtSchema } from "./config.ts";
import { dhvt } from "./model.ts";

const NAME = "dhvt";

export const dhvtArchitecture: Architecture<DhvtConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2210.05958",
  parseConfig: (json) => checkConfig(dhvtSchema, NAME, json),
  input: ({ img_size }) => ({ kind: "image", size: "free", usual: extentOf(img_size) }),
  build: dhvt,
  adoptWeights: (tensors) => remap(tensors, [[COUNTERS]]),
  classesField: "num_classes",
  transform: (config) => timmTransform({ ...config, size: config.img_size }),
  answers: () => "classes",
};
