// The whole table: one rule an op, and a missing one is a type error.
import type { Op } from "../../graph/ops.ts";
import { binaryLowering, sourceLowering, unaryLowering } from "./elementwise.ts";
import { indexLowering, layoutLowering } from "./layout.ts";
import { linearLowering, normalizationLowering, reductionLowering } from "./linear.ts";
import type { LoweringRules } from "./rule.ts";
import { spatialLowering } from "./spatial.ts";

export const loweringRules: LoweringRules<Op> = {
  ...sourceLowering,
  ...unaryLowering,
  ...binaryLowering,
  ...linearLowering,
  ...normalizationLowering,
  ...reductionLowering,
  ...layoutLowering,
  ...indexLowering,
  ...spatialLowering,
};
