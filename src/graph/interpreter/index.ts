// The whole table: one kernel an op, and a missing one is a type error.
import type { Op } from "../ops.ts";
import { binaryKernels, sourceKernels, unaryKernels } from "./elementwise.ts";
import { indexKernels, layoutKernels } from "./layout.ts";
import { linearKernels, normalizationKernels, reductionKernels } from "./linear.ts";
import { samplingKernels } from "./sampling.ts";
import { convolutionKernels } from "./spatial.ts";
import { suppressionKernels } from "./suppression.ts";
import type { Kernels } from "./value.ts";

export const kernels: Kernels<Op> = {
  ...sourceKernels,
  ...unaryKernels,
  ...binaryKernels,
  ...linearKernels,
  ...normalizationKernels,
  ...reductionKernels,
  ...layoutKernels,
  ...indexKernels,
  ...suppressionKernels,
  ...convolutionKernels,
  ...samplingKernels,
};
