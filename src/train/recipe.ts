// A recipe: everything that decides what a training run does, as plain data. Two runs of one recipe on the same data and version give the same
// numbers on the same machine.
import { UsageError } from "../errors.ts";
import { createAugmenter, parseAugmentation } from "../image/augment.ts";
import { parseTransform } from "../image/transform.ts";
import { withTokenDial } from "../model-folder/token-dial.ts";
import { faultsText } from "../models/check-config.ts";
import { adamW } from "./optimizers/adamw.ts";
import { kar3 } from "./optimizers/kar3.ts";
import { lamb } from "./optimizers/lamb.ts";
import { lion } from "./optimizers/lion.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import { sgd } from "./optimizers/sgd.ts";
import type { GroupRules } from "./parameter-groups.ts";
import type { Pretext } from "./pretext/fields.ts";
import { wantsSquares } from "./pretext/objective.ts";
import { type Recipe, recipeSchema } from "./recipe-fields.ts";
import { frozenBy } from "./recipe-objective.ts";
import { planView } from "./teacher/view-graph.ts";
import { onlyTrained } from "./tokens/objective.ts";

/**
 * Checks and completes a recipe.
 *
 * @throws UsageError naming the field
 */
export function parseRecipe(input: unknown): Recipe {
  const result = recipeSchema.safeParse(input);
  if (!result.success) throw new UsageError(`the recipe is not valid: ${faultsText(result.error)}`);
  const recipe = result.data;
  const { width, height } = inField("augmentation", () => createAugmenter(parseAugmentation(recipe.augmentation)));
  if (width !== recipe.width || height !== recipe.height)
    throw new UsageError(
      `the recipe is not valid: its augmentation makes pictures of ${width} x ${height}, but its width and height are ${recipe.width} and ${recipe.height}`,
    );
  inField("transform", () => parseTransform(recipe.transform));
  requireDual(recipe);
  if (recipe.flips?.time !== undefined && recipe.clip === undefined)
    throw new UsageError(
      "the recipe is not valid: flips.time: only clips can be played backwards",
      "name a clip too, or leave it out",
    );
  inField("tokens", () => withTokenDial(recipe.tokens === undefined ? {} : { tokens: recipe.tokens }));
  if (recipe.pretext !== undefined) requirePretext(recipe, recipe.pretext);
  const teaching = recipe.distillation;
  if (teaching?.features !== undefined && teaching.sees !== "view")
    throw new UsageError(
      "the recipe is not valid: distillation.features: a teacher's features are learnt from its views",
      'say "sees": "view" too',
    );
  if (teaching !== undefined && recipe.clip !== undefined)
    throw new UsageError("the recipe is not valid: distillation: teachers see pictures, and the recipe is for clips");
  if (teaching !== undefined)
    inField("distillation.transform", () =>
      teaching.sees === "view"
        ? planView({ ...recipe, transform: teaching.transform })
        : parseTransform(teaching.transform),
    );
  return recipe;
}

/** Kinds of training with losses of their own, which leave no room for another. */
const OWN_LOSSES = [
  "clip",
  "distillation",
  "looking",
  "focusing",
  "fixating",
  "reducing",
  "slow_neural",
  "exit_weight",
] as const;

/** What belongs to classes has no meaning where there are none. */
const OF_CLASSES = ["flips", ...OWN_LOSSES] as const;

/** @throws UsageError for fields that go with classes, or pictures that the objective cannot use */
function requirePretext(recipe: Recipe, pretext: Pretext): void {
  const wrong = OF_CLASSES.find((field) => recipe[field] !== undefined);
  if (wrong !== undefined)
    throw new UsageError(
      `the recipe is not valid: ${wrong}: pre-training on pictures without labels (pretext) has no use for it`,
      "leave it out",
    );
  if (recipe.mixup > 0 || recipe.cutmix > 0)
    throw new UsageError(
      "the recipe is not valid: pretext: pictures that are mixed belong to no one picture any more",
      "leave mixup and cutmix out",
    );
  if (wantsSquares(pretext) && recipe.width !== recipe.height)
    throw new UsageError(
      `the recipe is not valid: pretext: ${pretext.objective} wants squares, and its pictures are ${recipe.width} x ${recipe.height}`,
    );
}

/** Fields whose training has no room for a second picture. */
const NOT_DUAL = [...OWN_LOSSES, "pretext"] as const;

function requireDual(recipe: Recipe): void {
  const { dual_input, width, height, mixup, cutmix } = recipe;
  if (dual_input === undefined) return;
  const other = NOT_DUAL.find((field) => recipe[field] !== undefined);
  const mixes = mixup > 0 ? "mixup" : cutmix > 0 ? "cutmix" : other;
  if (mixes !== undefined)
    throw new UsageError(`the recipe is not valid: dual_input does not go together with ${mixes}`, "leave one out");
  const second = inField("dual_input.augmentation", () => createAugmenter(parseAugmentation(dual_input.augmentation)));
  if (second.width !== width || second.height !== height)
    throw new UsageError(
      `the recipe is not valid: dual_input.augmentation makes pictures of ${second.width} x ${second.height}, and the first are ${width} x ${height}`,
    );
}

function inField<T>(field: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`the recipe is not valid: ${field}: ${error.message}`, error.hint);
  }
}

/** What a user may say instead of the recipe. */
export interface RecipeOverrides {
  readonly epochs?: number;
  readonly batch?: number;
  readonly learning_rate?: number;
  readonly seed?: number;
  readonly tokens?: string | number;
}

/** A recipe with some fields changed. The warm-up keeps its share of the epochs, or a short run would be nothing else. */
export function overrideRecipe(recipe: Recipe, overrides: RecipeOverrides): Recipe {
  const { epochs = recipe.epochs } = overrides;
  // Exactly the same where nothing changes: a run is gone on with by the recipe that it keeps, and a rounded one would be another.
  const warmup = epochs === recipe.epochs ? recipe.warmup_epochs : (recipe.warmup_epochs * epochs) / recipe.epochs;
  return parseRecipe({ ...recipe, ...overrides, warmup_epochs: warmup });
}

/** The optimiser that a recipe names, with its usual constants. */
export function optimizerOf(recipe: Recipe): Optimizer {
  const makers = {
    adamw: () => adamW(),
    sgd: () => sgd({ nesterov: recipe.nesterov ?? true }),
    lion: () => lion(),
    lamb: () => lamb(),
    kar3: () => kar3(),
  };
  return makers[recipe.optimizer]();
}

/** What of a recipe says which parameters train, and how. */
export function groupsOf(recipe: Recipe): GroupRules {
  const { reducing, decay_all, rate_scales, unfreeze } = recipe;
  const only = reducing && onlyTrained(reducing);
  return {
    weightDecay: recipe.weight_decay,
    noDecay: recipe.no_decay,
    freeze: [...recipe.freeze, ...frozenBy(recipe)],
    ...(unfreeze === undefined ? {} : { unfreeze }),
    ...(only === undefined ? {} : { only }),
    layerDecay: recipe.layer_decay,
    ...(decay_all === undefined ? {} : { decayAll: decay_all }),
    ...(rate_scales === undefined ? {} : { rateScales: rate_scales }),
  };
}
