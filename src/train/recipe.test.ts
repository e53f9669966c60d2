import { expect, test } from "vitest";
import { NotFoundError, UsageError } from "../errors.ts";
import { classParameters } from "../models/class-parameters.ts";
import { gfnetRecipes } from "../recipes/gfnet.ts";
import { listedRecipeNamed, recipeNamed, recipes, stagedRecipes } from "../recipes/index.ts";

import { namePattern } from "./parameter-groups.ts";
import { groupsOf, optimizerOf, overrideRecipe, parseRecipe } from "./recipe.ts";
import type { Recipe, RecipeInput } from "./recipe-fields.ts";
import { scheduleOfRecipe, stepOfRecipe } from "./recipe-step.ts";
import type { StagedRecipe } from "./staged-recipe.ts";
import { startingPoint } from "./start.ts";

const RECIPE: RecipeInput = {
  name: "test",
  architecture: "sparseformer",
  height: 32,
  width: 48,
  augmentation: "resize(48,32)|normalize(imagenet)",
  transform: "resize(48,32)|normalize(imagenet)",
  epochs: 10,
  batch: 4,
  learning_rate: 1e-3,
  warmup_epochs: 2,
};

test("defaults are filled in; two ways of writing one recipe are one recipe", () => {
  const recipe = parseRecipe(RECIPE);
  expect(recipe).toMatchObject({ optimizer: "adamw", accumulate: 1, ema_decay: 0, loss: "cross_entropy", seed: 0 });
  expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
  expect(
    ["adamw", "sgd", "lion", "lamb"].map((name) => optimizerOf({ ...recipe, optimizer: name as "sgd" }).name),
  ).toEqual(["adamw", "sgd", "lion", "lamb"]);
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ["a field that is missing", { learning_rate: undefined }, /learning_rate/],
  ["a field that nobody knows", { learning_rat: 1 }, /learning_rat/],
  ["a value out of range", { label_smoothing: 1 }, /label_smoothing/],
  ["a fraction of a batch", { batch: 1.5 }, /batch/],
  ["an unknown optimiser", { optimizer: "adam" }, /optimizer/],
  ["an augmentation that cannot be read", { augmentation: "resize(48,32)|blur(3)" }, /augmentation: .*blur/],
  ["an augmentation without one size", { augmentation: "resize_small(32)|normalize(imagenet)" }, /augmentation/],
  ["another size than it says", { width: 32 }, /48 x 32.*32 and 32/],
  ["a transform that cannot be read", { transform: "shrink(3)" }, /transform: .*shrink/],
  [
    "a teacher's transform that cannot be read",
    { distillation: { transform: "shrink(3)" } },
    /distillation.transform: .*shrink/,
  ],
  [
    "a teacher's transform that cannot be done to views",
    { distillation: { transform: "resize(16,16)|central_crop(8)", sees: "view" } },
    /distillation.transform: .*central_crop/,
  ],
  ["what no teacher sees", { distillation: { transform: "resize(16,16)", sees: "everything" } }, /distillation.sees/],
])("%s is an error that names it", (_, changes, message) => {
  const parse = () => parseRecipe({ ...RECIPE, ...changes });
  expect(parse).toThrow(UsageError);
  expect(parse).toThrow(message);
  expect(parse).toThrow(/^the recipe is not valid: /);
});

test("what is no recipe at all is an error too", () => {
  for (const value of [undefined, null, [], "everyday", 3]) expect(() => parseRecipe(value)).toThrow(UsageError);
});

test("what a teacher sees is kept, and nothing is added to recipes that do not say it: their runs go on", () => {
  const distillation = { weight: 0.5, temperature: 2, transform: "resize(16,16)|normalize(imagenet)" };
  for (const said of [distillation, { ...distillation, sees: "view" }, { ...distillation, sees: "picture" }] as const) {
    const recipe = parseRecipe({ ...RECIPE, distillation: said });
    expect(recipe.distillation).toEqual(said);
    expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
  }
});

test("a recipe with its own number of epochs is the same recipe, also where the warm-up is no round number", () => {
  for (let epochs = 1; epochs <= 100; epochs++) {
    const kept = overrideRecipe(parseRecipe({ ...RECIPE, epochs: 3, warmup_epochs: 1 }), { epochs });
    expect(overrideRecipe(kept, {})).toEqual(kept);
    expect(overrideRecipe(kept, { epochs })).toEqual(kept);
  }
});

test("fewer epochs keep the warm-up's share", () => {
  const recipe = overrideRecipe(parseRecipe(RECIPE), {
    epochs: 5,
    batch: 8,
    learning_rate: 0.1,
    seed: 9,
  });
  expect(recipe).toMatchObject({ epochs: 5, warmup_epochs: 1, batch: 8, learning_rate: 0.1, seed: 9 });
  expect(overrideRecipe(recipe, {})).toEqual(recipe);
});

test("rates are counted in updates, not in batches", () => {
  const recipe = parseRecipe({ ...RECIPE, accumulate: 3 });
  expect(scheduleOfRecipe(recipe, 7)).toMatchObject({ warmupSteps: 5, totalSteps: 23 });
});

/** Those that learn classes; what learns without labels has tests of its own (test/train/pretext.test.ts). */
const OF_CLASSES = [...recipes].flatMap(([name, { pretext }]) => (pretext === undefined ? [name] : []));

test.each(OF_CLASSES)("the recipe %s trains: its size, its model and its step", (name) => {
  const recipe = recipeNamed(name);
  expect(recipe.name).toBe(name);
  expect(recipe.warmup_epochs).toBeLessThan(recipe.epochs);
  // The step of the official recipe has a batch of 1024: its model is built, with a small batch.
  const labels = ["a", "b", "c"];
  const { tokens, ...plain } = recipe;
  // DynamicViT begins with a model that was trained with all its tokens, and with fresh predictors.
  const isThinned = String(tokens).endsWith("dynamicvit");
  const { model, fresh } = startingPoint(recipe, labels, isThinned ? startingPoint(plain, labels).model : undefined);
  expect(fresh.length > 0).toBe(isThinned);
  expect(fresh.every((parameter) => parameter.startsWith("score_predictor."))).toBe(true);
  const { architecture, config } = model.definition;
  // Queries may also be of nothing.
  const rows = architecture.answers(config) === "queries" ? 4 : 3;
  // A head of anchors has as many for each anchor of a place.
  const isOfAnchors = architecture.answers(config) === "detections";
  const fits = (count = 0) => (isOfAnchors ? count > 0 && count % rows === 0 : count === rows);
  expect([...classParameters(model.definition, 3)].some((head) => fits(model.weights.get(head)?.shape[0]))).toBe(true);
  const step = stepOfRecipe({ ...recipe, batch: 2 }, model.definition, 3);
  expect(step.graph.outputs.get("loss")?.shape).toEqual([]);
  const buffers = step.state.filter(({ role }) => role === "buffer");
  const isFrozen = namePattern(recipe.freeze);
  const frozen = [...model.weights.keys()].filter(isFrozen);
  expect(step.trained.filter(isFrozen)).toEqual([]);
  // A gate is fitted afterwards.
  const ofGate = [...model.weights.keys()].filter((parameter) => /\.gt\.head\./.test(parameter));
  expect(step.trained.length + buffers.length + frozen.length + ofGate.length).toBe(model.weights.size);
  if (!architecture.name.endsWith("sparseformer")) return;
  expect(step.masks.length > 0).toBe((config as { drop_path_rate: number }).drop_path_rate > 0);
  expect(step.rules.get("initial_roi.weight")?.weightDecay).toBe(0);
});

test("the bundled model's recipe: the second stage grows what the first one made, and can be run alone", () => {
  const { stages } = listedRecipeNamed("everyday-full").recipe as StagedRecipe;
  expect(stages).toEqual(
    ["everyday", "everyday-grown", "everyday-larger", "everyday-longer"].map((name) => recipeNamed(name)),
  );
  const [first, second] = stages as [Recipe, Recipe];
  const { model } = startingPoint(first, ["a", "b"]);
  const { fresh, model: grown } = startingPoint(second, ["a", "b"], model);
  expect(fresh.length).toBe(12);
  expect(fresh.every((name) => /^(feat_extractor\.blocks|exits\.0)\./.test(name))).toBe(true);
  const step = stepOfRecipe({ ...second, batch: 2 }, grown.definition, 2);
  expect(step.trained).toContain("exits.0.proj.weight");
  expect(step.trained).not.toContain("feat_extractor.conv1.weight");
});

test.each([...stagedRecipes.keys()].filter((name) => name.startsWith("gfnet")))(
  "the recipe %s: three stages of one model, of which one trains the policy",
  (name) => {
    const recipe = listedRecipeNamed(name).recipe as StagedRecipe;
    expect(recipe.stages.map(({ looking }) => looking?.stage)).toEqual([1, 2, 3]);
    const [first, second, third] = recipe.stages as [Recipe, Recipe, Recipe];
    for (const stage of [first, second, third]) {
      expect([stage.architecture, stage.config]).toEqual(["gfnet", first.config]);
      expect([stage.height, stage.width, stage.transform]).toEqual([first.height, first.width, first.transform]);
    }
    expect(groupsOf(second).freeze).toEqual(["model_prime_state_dict.*", "model_state_dict.*", "fc.*"]);
    expect(groupsOf(third).freeze).toContain("policy.*");
  },
);

test("the rates of the official recipes: encoders at the family's, the classifier ten and one times as fast", () => {
  const policyRates = gfnetRecipes.map(({ stages }) => stages[1]!.learning_rate);
  expect(new Set(policyRates)).toEqual(new Set([3e-4]));
  const { stages } = listedRecipeNamed("gfnet-regnety-600m").recipe as StagedRecipe;
  expect(stages[0]).toMatchObject({ learning_rate: 0.02, weight_decay: 5e-5, epochs: 60, decay_all: true });
  expect(stages[0]!.rate_scales).toEqual({ "fc.*": 5 });
  expect(stages[2]!.rate_scales).toEqual({ "fc.*": 0.5 });
  const mobile = (listedRecipeNamed("gfnet-mobilenetv3-large").recipe as StagedRecipe).stages[0]!;
  expect(mobile.looking).toMatchObject({ encoder_loss_weight: 5, train_glance: false });
  expect(groupsOf(mobile).freeze).toEqual(["model_prime_state_dict.*"]);
});

test("a name that is nearly a recipe's", () => {
  const hint = (name: string) => {
    try {
      recipeNamed(name);
    } catch (error) {
      expect(error).toBeInstanceOf(NotFoundError);
      return (error as NotFoundError).hint;
    }
    return undefined;
  };
  expect(hint("evryday")).toMatch(/^did you mean everyday\?/);
  expect(hint("Cloths")).toMatch(/^did you mean clothing\?/);
  expect(hint("zzz")).toMatch(/^saccade recipes lists them/);
});

test("dual_input: what does not go with it is named", () => {
  const dual = (changes: object) => () =>
    parseRecipe({
      ...{ name: "dual", architecture: "lightweight", height: 28, width: 28, epochs: 1, batch: 4, learning_rate: 0.1 },
      ...{ augmentation: "resize(28,28)", transform: "resize(28,28)", dual_input: { augmentation: "random_crop(28)" } },
      ...changes,
    });
  expect(dual({})).not.toThrow();
  expect(dual({ mixup: 0.2 })).toThrow("dual_input does not go together with mixup");
  expect(dual({ exit_weight: 0.2 })).toThrow("dual_input does not go together with exit_weight");
  expect(dual({ dual_input: { augmentation: "resize(32,32)" } })).toThrow(
    "makes pictures of 32 x 32, and the first are 28 x 28",
  );
  expect(dual({ dual_input: { augmentation: "turn()" } })).toThrow("dual_input.augmentation: ");
  expect(dual({ unfreeze: { "*": 1 } })).toThrow("unfreeze");
});
