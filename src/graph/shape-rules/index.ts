// The whole table: one rule an op, and a missing one is a type error.
import type { Op } from "../ops.ts";
import { binaryShapes, sourceShapes, unaryShapes } from "./elementwise.ts";
import { indexShapes, layoutShapes } from "./layout.ts";
import { linearShapes, normalizationShapes, reductionShapes } from "./linear.ts";
import type { ShapeRules } from "./rule.ts";
import { spatialShapes } from "./spatial.ts";

export const shapeRules: ShapeRules<Op> = {
  ...sourceShapes,
  ...unaryShapes,
  ...binaryShapes,
  ...linearShapes,
  ...normalizationShapes,
  ...reductionShapes,
  ...layoutShapes,
  ...indexShapes,
  ...spatialShapes,
};
