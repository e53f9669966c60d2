import { expect, test } from "vitest";
import { tinyRecipe } from "../../test/train/shapes.ts";
import type { PictureAnnotations } from "../data/annotations.ts";
import { createDataset, type Dataset } from "../data/dataset.ts";
import type { OpenedData } from "../data/open.ts";
import type { Recipe } from "./recipe-fields.ts";
import { trainingData } from "./training-data.ts";

const LABELS = ["cat", "dog"];

/** Pictures with these things on them, by label; the first thing is the largest. */
function annotated(things: readonly (readonly number[])[], isSemantic = false): Dataset {
  const all = things.map(
    (labels): PictureAnnotations => ({
      unit: "shares",
      objects: labels.map((label, i) => ({ label, box: [0, 0, 1 / (i + 1), 1] })),
      ...(isSemantic ? { semantic: { picture: { kind: "file", path: "" }, name: "", classes: 2 } } : {}),
    }),
  );
  return createDataset({
    labels: LABELS,
    targets: Int32Array.from(things, ([first = 0]) => first),
    name: (i) => `${i}.png`,
    picture: (i) => ({ kind: "file", path: `${i}.png` }),
    annotations: (i) => all[i]!,
    origin: "from COCO annotations",
  });
}

const opened = (train: Dataset, validation?: Dataset): OpenedData => ({
  ...{ train, labels: LABELS, emptyClasses: [], layout: "COCO annotations", summary: [], notes: [], faults: [] },
  ...(validation === undefined ? {} : { validation }),
});
const classes: Recipe = { ...tinyRecipe(), name: "mine", batch: 2 };
const places: Recipe = { ...classes, annotations: { most: 5 } };

test("annotated pictures without one annotation say what is missing, whatever the recipe", () => {
  const data = opened(annotated([[], [], []]));
  for (const recipe of [classes, places])
    expect(() => trainingData(data, recipe, "coco")).toThrow(
      "coco: the 3 training pictures have no annotations: there is not one thing to learn",
    );
  expect(trainingData(opened(annotated([[], [1]])), places, "coco").train.length).toBe(2);
});

test("a recipe of classes learns each annotated picture's largest thing, says so, and leaves out those without any", () => {
  const { train, heldOut, note } = trainingData(
    opened(annotated([[1, 0], [], [0]]), annotated([[], [1]])),
    classes,
    "coco",
  );
  expect([...train.targets]).toEqual([1, 0]);
  expect(heldOut?.length).toBe(1);
  expect(note).toBe(
    "annotated pictures: mine learns one class a picture, that of its largest thing; 2 pictures without any are left out (recipes with annotations learn where things are: saccade recipes)",
  );
  expect(() => trainingData(opened(annotated([[], [], []], true)), classes, "masks")).toThrow(/classes of pixels/);
  expect(() => trainingData(opened(annotated([[1], [1]])), classes, "coco")).toThrow(/of one class \(dog\)/);
});
