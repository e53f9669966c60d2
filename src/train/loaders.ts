// Loaders as a recipe wants them: for training, for validation, and for a teacher. Where they work is the caller's business.
import type { ClipSampling } from "../data/clip-work.ts";
import type { Dataset } from "../data/dataset.ts";
import { flipsOf } from "../data/flips.ts";
import { type BatchWorker, createLoader, type Loader } from "../data/loader.ts";
import { createSampler } from "../data/sampler.ts";
import type { Recipe } from "./recipe-fields.ts";

/** Shuffled, augmented, mixed batches of the recipe's size, of videos those frames that `clip` says. The workers belong to the loader. */
export function trainingLoader(
  dataset: Dataset,
  recipe: Recipe,
  workers: readonly BatchWorker[],
  clip?: ClipSampling,
): Loader {
  const mixes = recipe.mixup > 0 || recipe.cutmix > 0;
  const mix = {
    mixupAlpha: recipe.mixup,
    cutmixAlpha: recipe.cutmix,
    probability: recipe.mix_probability,
    switchProbability: recipe.mix_switch_probability,
  };
  return createLoader({
    dataset,
    sampler: createSampler(dataset, {
      batchSize: recipe.batch,
      seed: recipe.seed,
      repeats: recipe.repeats,
      ...(mixes ? { mix } : {}),
    }),
    augmentation: recipe.augmentation,
    ...(recipe.dual_input === undefined ? {} : { second: recipe.dual_input.augmentation }),
    ...(clip === undefined ? {} : { clip }),
    ...(recipe.annotations === undefined ? {} : { annotations: recipe.annotations }),
    ...(recipe.flips === undefined ? {} : { flips: flipsOf(recipe.flips, dataset.labels) }),
    smoothing: recipe.label_smoothing,
    workers,
  });
}

/** Shuffled and augmented batches of so many rows as `trainingLoader` makes them, but never mixed, of pictures whose targets say nothing. */
export function unlabelledLoader(
  dataset: Dataset,
  recipe: Recipe,
  rows: number,
  workers: readonly BatchWorker[],
): Loader {
  return trainingLoader(dataset, { ...recipe, ...PLAIN, batch: rows }, workers);
}

/** What mixes pictures or their targets, turned off. */
const PLAIN = { mixup: 0, cutmix: 0, label_smoothing: 0, repeats: 1, flips: undefined, dual_input: undefined };

/** Any number: another seed of the same run. */
const FITTING_SEED = 0x7eac4e5;

/** Shuffled and augmented batches, unmixed, that training does not have: what is fitted to them is not fitted to what the student sees. */
export function fittingLoader(dataset: Dataset, recipe: Recipe, workers: readonly BatchWorker[]): Loader {
  return trainingLoader(dataset, { ...recipe, ...PLAIN, seed: (recipe.seed ^ FITTING_SEED) >>> 0 }, workers);
}

/** Every picture once, in the data's order, as the trained model will be used. The workers belong to the loader. */
export function validationLoader(
  dataset: Dataset,
  recipe: Recipe,
  workers: readonly BatchWorker[],
  clip?: ClipSampling,
): Loader {
  return createLoader({
    dataset,
    sampler: createSampler(dataset, { batchSize: recipe.batch, seed: 0, shuffle: false, last: "keep" }),
    augmentation: recipe.transform,
    ...(clip === undefined ? {} : { clip }),
    workers,
    unreadable: "blank",
  });
}

const TEACHER_BATCH = 32;

/** Every picture once, in the data's order, as a teacher wants it. The workers belong to the loader. */
export function teacherLoader(dataset: Dataset, transform: string, workers: readonly BatchWorker[]): Loader {
  return createLoader({
    dataset,
    sampler: createSampler(dataset, { batchSize: TEACHER_BATCH, seed: 0, shuffle: false, last: "keep" }),
    augmentation: transform,
    workers,
    unreadable: "blank",
    // Each picture comes once.
    cacheBytes: 0,
  });
}
