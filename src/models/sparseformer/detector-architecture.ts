// The sparse detector as the registry sees it.
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { sampledFrom } from "./architecture.ts";
import { sparseDetector } from "./detector.ts";
import { type SparseDetectorConfig, sparseDetectorSchema, tokensConfig } from "./detector-config.ts";

export const sparseDetectorArchitecture: Architecture<SparseDetectorConfig> = {
  name: "sparse_detector",
  paper: "of this project, after https://arxiv.org/abs/2304.03768 and https://arxiv.org/abs/2203.16507",
  parseConfig: (json) => checkConfig(sparseDetectorSchema, "sparse_detector", json),
  fields: Object.keys(sparseDetectorSchema.shape),
  input: ({ img_size: side }) => ({ kind: "image", size: "free", usual: { height: side, width: side } }),
  build: sparseDetector,
  buildFromPixels: sparseDetector,
  sampledFrom: (config, options) => sampledFrom(tokensConfig(config), options),
  keepsBytes: true,
  adoptWeights: (tensors) => tensors,
  classesField: "num_classes",
  transform: ({ img_size: side }) => `letterbox(${side},${side},bilinear)|normalize(imagenet)`,
  answers: () => "detections",
};
