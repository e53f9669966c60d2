// What a model learns whose tokens are reduced in a way that learns something itself, by the system: the entries of a recipe's `reducing`.
import { UsageError } from "../../errors.ts";
import type { ModelDefinition } from "../../models/registry.ts";
import { vitArchitecture } from "../../models/vit/architecture.ts";
import type { VitConfig } from "../../models/vit/config.ts";
import { parseReduction, type ReductionText } from "../../nn/tokens/language.ts";
import type { Objective } from "../objective.ts";
import type { ReducingInput } from "../recipe-fields.ts";
import { THINNING_WEIGHTS, thinningObjective } from "./dynamicvit.ts";
import { shrinkingObjective } from "./evit.ts";
import { interpretedObjective, interpreterObjective, interpreterParameters } from "./ia-red2.ts";
import { confidence, isRight } from "./losses.ts";

/** How a system learns. */
interface Learning {
  /** Fields of `reducing` that are for it. */
  readonly fields: readonly (keyof ReducingInput)[];
  /** Undefined where labels alone are learnt, with the tokens as the model reduces them. */
  objective(text: ReductionText, reducing: ReducingInput): Objective | undefined;
  /** Parameters that begin fresh in a model that was trained without; where others do, there is nothing to learn from. Undefined: they may. */
  readonly fresh?: RegExp;
}

const SYSTEMS: Readonly<Record<string, Learning>> = {
  dynamicvit: {
    fields: ["share_weight", "answer_weight", "token_weight"],
    objective: (text, { share_weight, answer_weight, token_weight }) =>
      thinningObjective(text, {
        share: share_weight ?? THINNING_WEIGHTS.share,
        answer: answer_weight ?? THINNING_WEIGHTS.answer,
        token: token_weight ?? THINNING_WEIGHTS.token,
      }),
    fresh: /^score_predictor\./,
  },
  "ia-red2": {
    fields: ["group", "penalty", "reward", "explored"],
    objective(text, { group, penalty = 1, reward = "answer", explored = 1 }) {
      if (group === undefined) return interpretedObjective(text);
      const groups = text.blocks?.length ?? 0;
      if (group > groups)
        throw new UsageError(`the recipe trains the interpreter of group ${group}, and the model has ${groups} groups`);
      return interpreterObjective(text, {
        group: group - 1,
        penalty,
        explored,
        rightness: reward === "answer" ? isRight : confidence,
      });
    },
    fresh: /^groups\.\d+\.agent\./,
  },
  evit: {
    fields: ["shrink_from", "shrink_until"],
    objective: (text, { shrink_from: from = 0, shrink_until: until = 0 }) =>
      until === 0 ? undefined : shrinkingObjective(text, { from, until }),
  },
};

/**
 * What a recipe minimises for a model whose tokens get fewer; undefined for what all models learn.
 *
 * @throws UsageError for `reducing` that is not for the model
 */
export function reducingObjective(model: ModelDefinition, reducing: ReducingInput = {}): Objective | undefined {
  const text = reductionOf(model);
  const wanted = (Object.keys(reducing) as (keyof ReducingInput)[]).filter((field) => reducing[field] !== undefined);
  if (text === undefined) {
    if (wanted.length === 0) return undefined;
    throw new UsageError(
      "the recipe's reducing is for a model whose tokens get fewer, and this one keeps all of them",
      'say how in the recipe, "tokens": "keep=0.7@3,6,9:evit", or with --tokens',
    );
  }
  const learning = SYSTEMS[text.system];
  const foreign = wanted.find((field) => learning?.fields.includes(field) !== true);
  if (foreign !== undefined)
    throw new UsageError(
      `the recipe's reducing.${foreign} is not for ${text.system}, by which the model reduces its tokens`,
      learning === undefined ? undefined : `for ${text.system} there are ${learning.fields.join(", ")}`,
    );
  return learning?.objective(text, reducing);
}

/** Name patterns of what a stage of reinforcement trains; everything else keeps its values. Undefined where there is no such stage. */
export function onlyTrained({ group }: ReducingInput): readonly string[] | undefined {
  return group === undefined ? undefined : interpreterParameters(group - 1);
}

/**
 * Refuses to begin with a model from which nothing can be learnt.
 *
 * @param fresh the names of the parameters that begin with random values
 * @throws UsageError
 */
export function requireTrained(model: ModelDefinition, fresh: readonly string[]): void {
  const text = reductionOf(model);
  const mayBeFresh = text === undefined ? undefined : SYSTEMS[text.system]?.fresh;
  const others = mayBeFresh === undefined ? [] : fresh.filter((name) => !mayBeFresh.test(name));
  if (others.length === 0) return;
  throw new UsageError(
    `${text!.system} learns from what a trained model says, and ${others.length} of this one's parameters are fresh: ${others[0]}${others.length > 1 ? ", …" : ""}`,
    "first train the model with all its tokens on these pictures, then begin with it: --from RUN/best",
  );
}

function reductionOf({ architecture, config }: ModelDefinition): ReductionText | undefined {
  if (architecture.name !== vitArchitecture.name) return undefined;
  const { tokens } = config as VitConfig;
  return tokens === undefined ? undefined : parseReduction(tokens);
}
