// Training on clips: a video model from the loader to its folder, inflated image weights, and a run that was stopped.
import { describe, expect, test } from "vitest";
import { createDataset, type Dataset } from "../../src/data/dataset.ts";
import { AbortedError } from "../../src/errors.ts";
import { readModelFolder } from "../../src/model-folder/load.ts";
import { MemoryFiles } from "../../src/train/run/memory-files.test-helper.ts";
import { startingPoint } from "../../src/train/start.ts";
import { FOLDER, fitShapes, outcome } from "./fit.ts";
import { EVERYTHING, LABELS, SIZE, shapePicture, TINY_CONFIG, tinyRecipe } from "./shapes.ts";

const FRAMES = 4;

/** Five shapes one after the other; the class is which shape comes first. */
function shapeClips(perClass: number, first = 0): Dataset {
  const label = (index: number) => index % LABELS.length;
  const size = 3 * SIZE * SIZE;
  return createDataset({
    labels: LABELS,
    targets: Int32Array.from({ length: LABELS.length * perClass }, (_, index) => label(index)),
    origin: "from memory",
    kind: "clips",
    name: (index) => `clip ${index}`,
    picture(index) {
      const data = new Uint8Array(5 * size);
      for (let frame = 0; frame < 5; frame++)
        data.set(shapePicture((label(index) + frame) % LABELS.length, first + index).data, frame * size);
      return {
        kind: "frames",
        frames: { image: { width: SIZE, height: 5 * SIZE, data }, times: Float64Array.of(0, 1, 2, 3, 4) },
      };
    },
  });
}

const VIDEO = {
  architecture: "media_sparseformer",
  config: { ...TINY_CONFIG, replicates: 2 },
  clip: { frames: FRAMES },
} as const;
const data = { train: shapeClips(6), heldOut: shapeClips(2, 1000) };

describe("a video model", () => {
  test("trains on clips, and its folder says which frames it sees", async () => {
    const files = new MemoryFiles();
    const { choice } = await fitShapes({ recipe: tinyRecipe({ ...VIDEO, epochs: 1 }), files, ...data });
    expect(choice!.best.pictures).toBe(6);
    const { card, definition } = await readModelFolder(files, `${FOLDER}/best`);
    expect(definition.architecture.name).toBe("media_sparseformer");
    expect(card.clip).toEqual({ frames: FRAMES, clips: 1 });
  });

  test("goes on to the same numbers after it was stopped", async () => {
    const recipe = tinyRecipe({ ...VIDEO, ...EVERYTHING, config: { ...VIDEO.config, drop_path_rate: 0.2 }, epochs: 2 });
    const [broken, unbroken] = [new MemoryFiles(), new MemoryFiles()];
    const stop = new AbortController();
    const onStep = ({ step }: { step: number }) => {
      if (step === 3) stop.abort();
    };
    await expect(fitShapes({ recipe, files: broken, ...data, signal: stop.signal, onStep })).rejects.toThrow(
      AbortedError,
    );
    await fitShapes({ recipe, files: broken, ...data, resume: true });
    await fitShapes({ recipe, files: unbroken, ...data });
    expect(await outcome(broken)).toEqual(await outcome(unbroken));
  });

  test("begins with the weights of the same model for pictures", () => {
    const { model: picture } = startingPoint(tinyRecipe(), LABELS);
    const { model, fresh } = startingPoint(
      tinyRecipe({ ...VIDEO, clip: { frames: FRAMES, clips: 3 } }),
      LABELS,
      picture,
    );
    expect(fresh).toEqual([]);
    expect(model.card.clip).toEqual({ frames: FRAMES, clips: 3 });
    expect(model.weights.get("initial_roi.weight")!.shape).toEqual([8, 6]);
    const stem = (weights: typeof model.weights) => weights.get("feat_extractor.conv1.weight")!;
    expect(stem(model.weights).shape).toEqual([8, 3, 1, 7, 7]);
    expect(stem(model.weights).data).toEqual(stem(picture.weights).data);
    // Other labels need another last layer.
    expect(startingPoint(tinyRecipe(VIDEO), ["a", "b"], picture).fresh).toEqual(["proj.weight", "proj.bias"]);
  });
});

test("a model of pictures trains on single frames of clips", async () => {
  const files = new MemoryFiles();
  await fitShapes({ recipe: tinyRecipe({ clip: { frames: 1 }, epochs: 1 }), files, ...data });
  expect((await readModelFolder(files, `${FOLDER}/best`)).card.clip).toBeUndefined();
});

test("recipes whose clips are not what the model takes are refused", () => {
  const start = (changes: object) => startingPoint(tinyRecipe(changes), LABELS);
  expect(() => start({ ...VIDEO, clip: undefined })).toThrow("does not say which frames it sees");
  expect(() => start({ clip: { frames: 8 } })).toThrow(
    "sparseformer takes pictures, and the recipe tiny has clips of 8 frames",
  );
  expect(() => tinyRecipe({ ...VIDEO, distillation: { transform: "resize(8,8)" } })).toThrow("teachers see pictures");
});
