// A recipe: everything that decides what a training run does, as plain data. Two runs of one recipe on the same data and version give the same
// numbers on the same machine.
import { z } from "zod";
import { UsageError } from "../errors.ts";
import { createAugmenter, parseAugmentation } from "../image/augment.ts";
import { parseTransform } from "../image/transform.ts";
import { frozenParts, type LookingOptions, lookingObjective } from "./gfnet/objectives.ts";
import type { Objective } from "./objective.ts";
import { adamW } from "./optimizers/adamw.ts";
import { lion } from "./optimizers/lion.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import { sgd } from "./optimizers/sgd.ts";
import type { GroupRules } from "./parameter-groups.ts";
import { planView } from "./teacher/view-graph.ts";

const rate = z.number().min(0).max(100);
const share = z.number().min(0).max(1);
const count = z.int().min(1).max(1_000_000);

export const recipeSchema = z.strictObject({
  name: z.string().min(1).max(100),
  summary: z.string().max(1000).default(""),
  /** Architecture or registered model; the number of classes in `config` follows from the data. */
  architecture: z.string(),
  config: z.record(z.string(), z.unknown()).default({}),
  /** Size of training pictures. */
  height: z.int().min(8).max(4096),
  width: z.int().min(8).max(4096),
  /** In the augmentation language; must come out at height x width. */
  augmentation: z.string(),
  /** Evaluation preprocessing, in the transform language; travels with the model. */
  transform: z.string(),
  epochs: count,
  batch: z.int().min(1).max(65536),
  /** Batches averaged for one update. */
  accumulate: z.int().min(1).max(4096).default(1),
  optimizer: z.enum(["adamw", "sgd", "lion"]).default("adamw"),
  learning_rate: rate,
  warmup_epochs: z.number().min(0).default(0),
  warmup_rate: rate.default(0),
  minimum_rate: rate.default(0),
  weight_decay: rate.default(0.05),
  /** Name patterns that never decay, besides 1-D tensors and biases. */
  no_decay: z.array(z.string()).default([]),
  /** Also 1-D tensors and biases decay. */
  decay_all: z.boolean().optional(),
  /** Name patterns that keep their values. */
  freeze: z.array(z.string()).default([]),
  layer_decay: z.number().positive().max(1).default(1),
  /** Factors of the learning rate by name pattern. */
  rate_scales: z.record(z.string(), z.number().positive().max(1e6)).optional(),
  clip_norm: z.number().positive().optional(),
  /** 0 keeps no moving average. */
  ema_decay: share.default(0),
  loss: z.enum(["cross_entropy", "binary_cross_entropy"]).default("cross_entropy"),
  label_smoothing: z.number().min(0).lt(1).default(0),
  mixup: rate.default(0),
  cutmix: rate.default(0),
  mix_probability: share.default(1),
  mix_switch_probability: share.default(0.5),
  /** How often one picture comes, differently augmented, among the batches of an epoch (repeated augmentation). */
  repeats: z.int().min(1).max(16).default(1),
  /** Learning from a teacher's view of each picture, when a teacher is given. */
  distillation: z
    .strictObject({
      /** Share of each target that is the teacher's opinion. */
      weight: share.default(0.5),
      /** Softens the teacher's opinion. */
      temperature: z.number().positive().default(2),
      /** The teacher's preprocessing, in the transform language: of the whole picture, or of the view. */
      transform: z.string(),
      /**
       * What the teacher's opinion is about. "picture" (default): each picture as a whole, seen once before training. "view": exactly what
       * the student sees, augmented and mixed, batch by batch; it costs a run of the teacher at every step, and teaches more.
       */
      sees: z.enum(["picture", "view"]).optional(),
    })
    .optional(),
  /** One of the three stages of training a glance-and-focus model (architecture gfnet). */
  looking: z
    .strictObject({
      /** 1: patches at random places. 2: the policy alone, by reinforcement. 3: patches that the policy chooses. */
      stage: z.literal([1, 2, 3]),
      /** Weight of the losses of the encoders' own last layers (stages 1 and 3). */
      encoder_loss_weight: rate.default(1),
      /** Whether the glance's encoder learns (stages 1 and 3). */
      train_glance: z.boolean().default(true),
      /** Of reinforcement: weight of a reward one step later, clipping, deviation of the places that are tried. */
      gamma: share.default(0.7),
      clip: z.number().positive().lt(1).default(0.2),
      deviation: z.number().positive().max(1).default(0.1),
    })
    .optional(),
  /** Share of the loss that a model's early answers have together. */
  exit_weight: share.optional(),
  /** What of the configuration changes when the weights come from another model; layers that it adds start fresh. */
  grow: z.record(z.string(), z.unknown()).optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0),
});

export type Recipe = z.infer<typeof recipeSchema>;
export type RecipeInput = z.input<typeof recipeSchema>;

/**
 * Checks and completes a recipe.
 *
 * @throws UsageError naming the field
 */
export function parseRecipe(input: unknown): Recipe {
  const result = recipeSchema.safeParse(input);
  if (!result.success)
    throw new UsageError(`the recipe is not valid: ${z.prettifyError(result.error).replaceAll("\n", " ")}`);
  const recipe = result.data;
  const { width, height } = inField("augmentation", () => createAugmenter(parseAugmentation(recipe.augmentation)));
  if (width !== recipe.width || height !== recipe.height)
    throw new UsageError(
      `the recipe is not valid: its augmentation makes pictures of ${width} x ${height}, but its width and height are ${recipe.width} and ${recipe.height}`,
    );
  inField("transform", () => parseTransform(recipe.transform));
  const teaching = recipe.distillation;
  if (teaching !== undefined)
    inField("distillation.transform", () =>
      teaching.sees === "view"
        ? planView({ ...recipe, transform: teaching.transform })
        : parseTransform(teaching.transform),
    );
  return recipe;
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
  return { adamw: () => adamW(), sgd: () => sgd(), lion: () => lion() }[recipe.optimizer]();
}

/** What of a recipe says which parameters train, and how. */
export function groupsOf(recipe: Recipe): GroupRules {
  const { looking, decay_all, rate_scales } = recipe;
  return {
    weightDecay: recipe.weight_decay,
    noDecay: recipe.no_decay,
    freeze: [...recipe.freeze, ...(looking === undefined ? [] : frozenParts(lookingOptions(looking)))],
    layerDecay: recipe.layer_decay,
    ...(decay_all === undefined ? {} : { decayAll: decay_all }),
    ...(rate_scales === undefined ? {} : { rateScales: rate_scales }),
  };
}

/** What a recipe minimises; undefined for classification. */
export function objectiveOf({ looking }: Recipe): Objective | undefined {
  return looking === undefined ? undefined : lookingObjective(lookingOptions(looking));
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
