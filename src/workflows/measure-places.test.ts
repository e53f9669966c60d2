// Weights of a run as what finds places: toys of known answers, so that the numbers can be said beforehand.
import { expect, test } from "vitest";
import { type Colour, colouredPicture, denseToy } from "../../test/dense-toys.ts";
import { tinyRecipe } from "../../test/train/shapes.ts";
import type { AnnotatedObject } from "../data/annotations.ts";
import { createDataset, type Dataset } from "../data/dataset.ts";
import { AbortedError } from "../errors.ts";
import type { NativeModel } from "../model-folder/model.ts";
import { nodeTrainingHost } from "../platform/node/training-host.ts";
import type { RecipeInput } from "../train/recipe-fields.ts";
import { measurePlaces } from "./measure-places.ts";

const LABELS = ["red", "green", "blue"];

/** A cell of colour on each picture, annotated as what it is. */
function cells(colours: readonly Colour[], outlined = true): Dataset {
  const [x0, y0, x1, y1] = [8, 8, 16, 16];
  const thing = (label: number): AnnotatedObject => ({
    label,
    box: [x0, y0, x1, y1],
    ...(outlined ? { mask: { polygons: [[x0, y0, x1, y0, x1, y1, x0, y1]] } } : {}),
  });
  return createDataset({
    labels: LABELS,
    targets: Int32Array.from(colours, (colour) => LABELS.indexOf(colour)),
    name: (i) => `pictures/${i}.png`,
    picture: (i) => ({ kind: "pixels", image: colouredPicture(96, 64, [[colours[i]!, x0, y0, x1, y1]]) }),
    annotations: (i) => ({ unit: "pixels", objects: [thing(LABELS.indexOf(colours[i]!))] }),
    origin: "from memory",
  });
}

function measured(model: NativeModel, heldOut: Dataset, validation?: RecipeInput["validation"]) {
  const notices: string[] = [];
  const recipe = tinyRecipe({ annotations: { most: 4 }, ...(validation === undefined ? {} : { validation }) });
  const onNotice = (line: string) => notices.push(line);
  const { every, score } = measurePlaces(nodeTrainingHost, {
    recipe,
    model: { ...model, weights: new Map() },
    heldOut,
    device: "cpu",
    threads: 1,
    onNotice,
  });
  return { every, notices, score: (signal?: AbortSignal) => score(model.weights, signal) };
}

test("a detector's boxes by AP, on so many pictures, spread over the split", async () => {
  const { every, notices, score } = measured(denseToy("detections"), cells(["red", "red", "blue", "red", "red"]), {
    every: 3,
    pictures: 1,
  });
  expect(every).toBe(3);
  const place = await score();
  expect(place).toMatchObject({ measure: "AP", value: expect.closeTo(1, 9), pictures: 1 });
  expect(Object.keys(place!.numbers)).toEqual(["ap", "ap50", "ap75", "found"]);
  expect(notices).toEqual([]);
});

test("a segmenter's classes by mIoU, its things by AP, things and stuff by PQ", async () => {
  const data = cells(["red", "blue"]);
  const semantic = await measured(denseToy("semantic"), data).score();
  expect(semantic).toMatchObject({ measure: "mIoU", pictures: 2 });
  expect(semantic!.numbers).toMatchObject({ miou: semantic!.value, dice: expect.any(Number) });
  const queries = denseToy("queries", { things: () => [0, 1, 2] });
  const panoptic = await measured(queries, data).score();
  expect(panoptic).toMatchObject({ measure: "PQ", numbers: { pq: panoptic!.value, pq_stuff: undefined } });
  const instance = await measured(queries, data, { kind: "instance" }).score();
  expect(instance).toMatchObject({ measure: "AP", numbers: { ap: instance!.value, box_ap: expect.any(Number) } });
});

test("what cannot be measured is said once, and stopping stops", async () => {
  const { notices, score } = measured(denseToy("semantic"), cells(["red"], false));
  expect(await score()).toBeUndefined();
  expect(await score()).toBeUndefined();
  expect(notices).toEqual([expect.stringMatching(/^not measured on the validation split: .*boxes and no outlines/)]);
  await expect(score(AbortSignal.abort())).rejects.toThrow(AbortedError);
});
