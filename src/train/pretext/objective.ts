// Which objective a recipe's `pretext` is. One line of the table is one objective; the file beside it says what is minimised.
import { UsageError } from "../../errors.ts";
import type { Graph } from "../../graph/tensor.ts";
import { pictureInput } from "../../models/picture-input.ts";
import type { ModelDefinition } from "../../models/registry.ts";
import type { Objective, ObjectiveInputs } from "../objective.ts";
import { PRETEXT_SCOPE, type Pretext } from "./fields.ts";
import { reflectionsObjective } from "./reflections.ts";
import { rotationObjective } from "./rotation.ts";
import { sparkObjective } from "./spark/objective.ts";

interface Kind<P extends Pretext> {
  /** @throws UsageError where such a model cannot learn so */
  objective(pretext: P, model: ModelDefinition): Objective;
  /** Whether pictures must be squares. */
  readonly squares: boolean;
}

const KINDS: { readonly [O in Pretext["objective"]]: Kind<Extract<Pretext, { objective: O }>> } = {
  rotation: { objective: rotationObjective, squares: true },
  spark: { objective: sparkObjective, squares: false },
  reflections: { objective: reflectionsObjective, squares: false },
};

const kindOf = ({ objective }: Pretext): Kind<Pretext> => KINDS[objective] as Kind<Pretext>;

/** Whether pictures must be as high as they are wide. */
export const wantsSquares = (pretext: Pretext): boolean => kindOf(pretext).squares;

/**
 * What pictures without labels teach a model. Of the model, what the loss does not see (its last layer) stays as it is.
 *
 * @throws UsageError for a model that does not take pictures, or cannot learn so
 */
export function pretextObjective(pretext: Pretext, model: ModelDefinition): Objective {
  if (pictureInput(model).kind !== "image")
    throw new UsageError(
      `${model.registered?.name ?? model.architecture.name} takes videos, and the objective ${pretext.objective} is for models of pictures`,
      "pre-train the network of pictures that it is made of",
    );
  const objective = kindOf(pretext).objective(pretext, model);
  return (inputs) => {
    const outputs = objective(inputs);
    const { graph } = inputs.scope;
    const auxiliary = outputs.auxiliary ?? namesUnder(inputs);
    const seen = new Set(graph.needed([outputs.loss]).map(({ id }) => id));
    const untouched = [...graph.parameters.values()]
      .filter(({ tensor }) => !seen.has(tensor.id))
      .map(({ name }) => name);
    const learnt = [...graph.parameters.values()].filter(
      ({ name, trainable }) => trainable && !auxiliary.includes(name) && !untouched.includes(name),
    );
    if (learnt.length === 0)
      throw new UsageError(
        `nothing of ${model.registered?.name ?? model.architecture.name} before its last layer is learned, so there is nothing to pre-train`,
        "its features are there without: saccade embed, saccade learn",
      );
    return { ...outputs, auxiliary, untouched };
  };
}

function namesUnder({ scope }: ObjectiveInputs): string[] {
  const { parameters }: Graph = scope.graph;
  return [...parameters.keys()].filter((name) => name.startsWith(`${PRETEXT_SCOPE}.`));
}
