// Loaders as a recipe wants them: for training, for validation, and for a teacher. Where they work is the caller's business.
import type { ClipSampling } from "../data/clip-work.ts";
import { type Dataset, list } from "../data/dataset.ts";
import { flipsOf } from "../data/flips.ts";
import { type BatchWorker, createLoader, type Loader } from "../data/loader.ts";
import type { OpenedData } from "../data/open.ts";
import { createSampler } from "../data/sampler.ts";
import { FormatError, UsageError } from "../errors.ts";
import { batchFor } from "./fit-to-data.ts";
import type { Recipe } from "./recipe-fields.ts";

/** What of opened data a run trains and is scored on. */
export interface TrainingData {
  readonly train: Dataset;
  /** The validation split; undefined when it has no picture. Never the test split: what chooses a model cannot also measure it. */
  readonly heldOut?: Dataset;
}

/**
 * Checks that a recipe can train on data, before anything costs time. One that learns without labels needs no classes, and is scored on nothing.
 *
 * @throws FormatError without training pictures, with one class only or with a class of no picture
 * @throws UsageError when there are fewer pictures than a batch has
 */
export function trainingData(data: OpenedData, recipe: Recipe, path: string): TrainingData {
  const { train, validation } = data;
  if (recipe.pretext !== undefined && train !== undefined) return { train: filled(train, recipe) };
  if (train === undefined || train.length === 0)
    throw new FormatError(path, "there are no training pictures", { hint: "saccade train --help shows the layouts" });
  // A folder for a split may be there without a picture in it.
  const heldOut = validation === undefined || validation.length === 0 ? {} : { heldOut: validation };
  // Where things are learnt, one class is enough to tell from nothing.
  if (recipe.annotations !== undefined) return { train: filled(train, recipe), ...heldOut };
  if (data.emptyClasses.length > 0)
    throw new FormatError(
      path,
      `there is no picture in the class folder${data.emptyClasses.length === 1 ? "" : "s"} ${list(data.emptyClasses)}`,
      {
        hint: "put pictures there, or delete the folder if it is no class",
      },
    );
  const classes = new Set(train.targets);
  if (classes.size < 2)
    throw new FormatError(
      path,
      `all training pictures are of one class (${train.labels[train.targets[0]!]}), and there is nothing to tell apart`,
      { hint: "the folder with the class folders is wanted, each with pictures of one class" },
    );
  return { train: filled(train, recipe), ...heldOut };
}

/** Throws UsageError when there are fewer pictures than a batch has. */
function filled(train: Dataset, { batch }: Recipe): Dataset {
  if (train.length >= batch) return train;
  throw new UsageError(
    `the ${train.length} training pictures do not fill one batch of ${batch}`,
    `make the batch smaller: --batch ${batchFor(train.length)}`,
  );
}

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
