// What of opened data a run trains on and is scored on, checked before anything costs time.
import { largestThingNote, withThings } from "../data/annotated/largest-things.ts";
import { type Dataset, list } from "../data/dataset.ts";
import type { OpenedData } from "../data/open.ts";
import { FormatError, UsageError } from "../errors.ts";
import { batchFor } from "./fit-to-data.ts";
import type { Recipe } from "./recipe-fields.ts";

/** What of opened data a run trains and is scored on. */
export interface TrainingData {
  readonly train: Dataset;
  /** The validation split; undefined when it has no picture. Never the test split: what chooses a model cannot also measure it. */
  readonly heldOut?: Dataset;
  /** What a person must know of what of the data is trained on. */
  readonly note?: string;
}

/**
 * Checks that a recipe can train on data, before anything costs time. One that learns without labels needs no classes, and is scored on nothing.
 *
 * @throws FormatError without training pictures, with one class only or with a class of no picture; for annotated pictures with nothing annotated
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
  if (recipe.annotations !== undefined) {
    requireThings(train, path);
    return { train: filled(train, recipe), ...heldOut };
  }
  if (train.annotations !== undefined) return largestThings({ train, ...heldOut }, recipe, path);
  if (data.emptyClasses.length > 0)
    throw new FormatError(
      path,
      `there is no picture in the class folder${data.emptyClasses.length === 1 ? "" : "s"} ${list(data.emptyClasses)}`,
      {
        hint: "put pictures there, or delete the folder if it is no class",
      },
    );
  requireClasses(train, path, "the folder with the class folders is wanted, each with pictures of one class");
  return { train: filled(train, recipe), ...heldOut };
}

function requireClasses({ targets, labels }: Dataset, path: string, hint: string): void {
  if (new Set(targets).size >= 2) return;
  throw new FormatError(
    path,
    `all training pictures are of one class (${labels[targets[0]!]}), and there is nothing to tell apart`,
    { hint },
  );
}

/** @throws FormatError for annotated pictures on which nothing is annotated */
function requireThings(train: Dataset, path: string): void {
  const { annotations } = train;
  if (annotations === undefined) return; // its loader says so
  for (let i = 0; i < train.length; i++) {
    const { objects, semantic } = annotations(i);
    if (objects.length > 0 || semantic !== undefined) return;
  }
  throw new FormatError(
    path,
    `${train.length === 1 ? "the one training picture has" : `the ${train.length} training pictures have`} no annotations: there is not one thing to learn`,
    {
      hint: "say what is where, with boxes or outlines (docs/dense.md); pictures without labels are for saccade pretrain, those in class folders for a recipe of classes",
    },
  );
}

/** A class a picture of annotated pictures: that of its largest thing. What has none on it would be taken for the first class, and is left out. */
function largestThings({ train, heldOut }: TrainingData, recipe: Recipe, path: string): TrainingData {
  requireThings(train, path);
  const [learnt, measured] = [withThings(train), heldOut && withThings(heldOut)];
  if (learnt.length === 0)
    throw new FormatError(path, `its annotations are classes of pixels, and ${recipe.name} learns a class a picture`, {
      hint: "train a segmenter: a recipe with annotations and semantic (saccade recipes)",
    });
  requireClasses(learnt, path, "where things are is learnt by recipes with annotations (saccade recipes)");
  const empty = train.length - learnt.length + (heldOut?.length ?? 0) - (measured?.length ?? 0);
  return {
    train: filled(learnt, recipe),
    ...(measured === undefined || measured.length === 0 ? {} : { heldOut: measured }),
    note: `${largestThingNote(`${recipe.name} learns`, empty)} (recipes with annotations learn where things are: saccade recipes)`,
  };
}

/** Throws UsageError when there are fewer pictures than a batch has. */
function filled(train: Dataset, { batch }: Recipe): Dataset {
  if (train.length >= batch) return train;
  throw new UsageError(
    `the ${train.length} training pictures do not fill one batch of ${batch}`,
    `make the batch smaller: --batch ${batchFor(train.length)}`,
  );
}
