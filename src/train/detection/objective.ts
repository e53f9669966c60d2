// How models learn that say where things are, by architecture: one line a model.
import type { ModelDefinition } from "../../models/registry.ts";
import { DETECTION_DEFAULTS } from "../annotated-fields.ts";
import type { Objective } from "../objective.ts";
import type { Recipe } from "../recipe-fields.ts";
import { denseObjective } from "./dense/objective.ts";
import { maskObjective } from "./mask-objective.ts";
import { setObjective } from "./set-objective.ts";

const LEARNING: Readonly<Record<string, typeof setObjective>> = {
  mask2former: maskObjective,
  plain_detr: setObjective,
  single_stage: denseObjective,
  sparse_detector: setObjective,
};

/** What is minimised for a model that answers with a set; undefined for all others. */
export function detectionObjective({ detection }: Recipe, { architecture }: ModelDefinition): Objective | undefined {
  return LEARNING[architecture.name]?.(detection ?? DETECTION_DEFAULTS);
}
