// What a recipe minimises. One entry of the table is one kind of training that has an objective of its own; everything else is classification.
import { UsageError } from "../errors.ts";
import type { Mask2formerConfig } from "../models/mask2former/config.ts";
import type { ModelDefinition } from "../models/registry.ts";
import { type FixatingOptions, fixatingObjective } from "./adaptivenn/objective.ts";
import { gateObjective } from "./detection/gate-objective.ts";
import { detectionObjective } from "./detection/objective.ts";
import { dualObjective } from "./dual-input.ts";
import { frozenParts, type LookingOptions, lookingObjective } from "./gfnet/objectives.ts";
import type { Objective } from "./objective.ts";
import { pretextObjective } from "./pretext/objective.ts";
import { FIXATING_DEFAULTS, type FocusingInput, type Recipe } from "./recipe-fields.ts";
import { segmentationObjective } from "./segmentation/objective.ts";
import { slowNeuralObjective } from "./terminator/objective.ts";
import { reducingObjective } from "./tokens/objective.ts";
import { type FocusingOptions, focusingObjective } from "./uni-adafocus/objective.ts";

interface Kind {
  /** Of the models that learn so; of any architecture where nothing is said. */
  readonly architecture?: string;
  /** Whether it is asked for without the recipe's field: the answer alone would teach such a model's last layers and little else. */
  readonly always: boolean;
  /** The objective; undefined where the model does not learn so. */
  objective(recipe: Recipe, model: ModelDefinition): Objective | undefined;
}

/** By the recipe's field that says how. */
const KINDS = {
  // First: what it asks for is asked of models that learn classes otherwise, too.
  pretext: { always: false, objective: ({ pretext }, model) => pretext && pretextObjective(pretext, model) },
  // Before the objective of the rest of such a model.
  gating: { architecture: "mask2former", always: false, objective: gatingOf },
  detection: { always: true, objective: detectionObjective },
  segmentation: { always: true, objective: segmentationObjective },
  dual_input: { always: false, objective: ({ loss }) => dualObjective(loss) },
  looking: {
    architecture: "gfnet",
    always: false,
    objective: ({ looking }) => looking && lookingObjective(lookingOptions(looking)),
  },
  focusing: {
    architecture: "uni_adafocus",
    always: true,
    objective: ({ focusing }) => focusingObjective(focusingOptions(focusing)),
  },
  fixating: {
    architecture: "adaptivenn",
    always: true,
    objective: ({ fixating }) => fixatingObjective(fixatingOptions(fixating)),
  },
  slow_neural: {
    architecture: "terminator",
    always: true,
    objective: ({ slow_neural: { weight = 1, squares_weight = 5e-5 } = {} }) =>
      slowNeuralObjective({ weight, squaresWeight: squares_weight }),
  },
  reducing: { always: true, objective: reducingOf },
} as const satisfies Partial<Record<keyof Recipe, Kind>>;

/** Fields of recipes for annotated pictures. */
const ANNOTATED = ["annotations", "detection", "gating", "segmentation", "validation"] as const;

/**
 * What a recipe minimises for a model; undefined for classification.
 *
 * @throws UsageError for a recipe of another architecture
 */
export function objectiveOf(recipe: Recipe, model: ModelDefinition): Objective | undefined {
  const { name } = model.architecture;
  const kinds = Object.entries(KINDS) as [keyof typeof KINDS, Kind][];
  for (const [field, { architecture = name }] of kinds)
    if (recipe[field] !== undefined && architecture !== name)
      throw new UsageError(`the recipe's ${field} is for the architecture ${architecture}, and the model is ${name}`);
  for (const [field, { architecture = name, always, objective }] of kinds) {
    const found = architecture === name && (always || recipe[field] !== undefined) && objective(recipe, model);
    if (found) return found;
  }
  const wrong = ANNOTATED.find((field) => recipe[field] !== undefined);
  if (wrong !== undefined)
    throw new UsageError(
      `the recipe's ${wrong} is for models that learn from annotated pictures, and ${model.registered?.name ?? name} learns from labels`,
      "leave it out, or train another model",
    );
  return undefined;
}

/** @throws UsageError for a model that has no gate, or whose exit is fixed */
function gatingOf({ gating }: Recipe, { config }: ModelDefinition): Objective | undefined {
  const { gate, exit } = config as Mask2formerConfig;
  if (gating === undefined) return undefined;
  if (gate === true && exit === undefined) return gateObjective(gating);
  throw new UsageError(
    gate === true
      ? `the recipe's gating teaches a gate, and the model has "exit": ${exit}, whatever a gate says`
      : "the recipe's gating teaches a gate, and the model has none",
    'it is for models whose configuration has "gate": true and no "exit"',
  );
}

/** @throws UsageError for a teacher's features, which such a model's losses leave no room for */
function reducingOf({ reducing, distillation }: Recipe, model: ModelDefinition): Objective | undefined {
  const objective = reducingObjective(model, reducing);
  if (objective !== undefined && distillation?.features !== undefined)
    throw new UsageError(
      "the recipe learns from a teacher's features, and a model that learns which tokens to keep cannot: it has other losses",
      "leave distillation.features out: the teacher's opinions can be learnt",
    );
  return objective;
}

/** Name patterns of the parameters that a recipe's kind of training leaves as they are. */
export function frozenBy({ looking }: Recipe): string[] {
  return looking === undefined ? [] : frozenParts(lookingOptions(looking));
}

function lookingOptions(looking: NonNullable<Recipe["looking"]>): LookingOptions {
  const { stage, encoder_loss_weight, train_glance, gamma, clip, deviation } = looking;
  return {
    stage,
    encoderLossWeight: encoder_loss_weight,
    trainsGlance: train_glance,
    ppo: { gamma, clip, deviation },
  };
}

function focusingOptions(focusing: FocusingInput = {}): FocusingOptions {
  const { large_crop_weight = 0.5, frame_draws = 128 } = focusing;
  return { largeCropWeight: large_crop_weight, frameDraws: frame_draws };
}

function fixatingOptions(fixating: Recipe["fixating"] = FIXATING_DEFAULTS): FixatingOptions {
  const { focus_weight, agreement_weight, last_deviation, ...same } = fixating;
  return { ...same, focusWeight: focus_weight, agreementWeight: agreement_weight, lastDeviation: last_deviation };
}
