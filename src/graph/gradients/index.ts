// The whole table: one gradient rule an op, and a missing one is a type error.
import type { Op, SpatialOps } from "../ops.ts";
import { convolutionGradients } from "./convolution.ts";
import { binaryGradients, sourceGradients, unaryGradients } from "./elementwise.ts";
import { gridSampleRule } from "./grid-sample-rule.ts";
import { indexGradients, layoutGradients } from "./layout.ts";
import { linearGradients, normalizationGradients, reductionGradients } from "./linear.ts";
import { linearMapGradients } from "./linear-map.ts";
import { maxPoolRule } from "./max-pool.ts";
import type { GradientRules } from "./rule.ts";

const spatialGradients: GradientRules<keyof SpatialOps> = {
  ...convolutionGradients,
  ...linearMapGradients,
  maxPool: maxPoolRule,
  gridSample: gridSampleRule,
};

export const gradientRules: GradientRules<Op> = {
  ...sourceGradients,
  ...unaryGradients,
  ...binaryGradients,
  ...linearGradients,
  ...normalizationGradients,
  ...reductionGradients,
  ...layoutGradients,
  ...indexGradients,
  ...spatialGradients,
};
