// One table of small graphs, at least one for every op: what engines, lowerings and gradients are checked with. A new op without a case is
// a type error.
import type { Op } from "../src/graph/ops.ts";
import type { OpCases } from "./op-cases/case.ts";
import { elementwiseCases, sourceCases } from "./op-cases/elementwise.ts";
import { layoutCases } from "./op-cases/layout.ts";
import { linearCases } from "./op-cases/linear.ts";
import { spatialCases } from "./op-cases/spatial.ts";

export { type CaseInput, type OpCase, type ReadyCase, readyCase, readyTogether } from "./op-cases/case.ts";

export const opCases: OpCases<Op> = {
  ...sourceCases,
  ...elementwiseCases,
  ...linearCases,
  ...layoutCases,
  ...spatialCases,
};
