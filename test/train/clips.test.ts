// Training on clips: a video model from the loader to its folder, and inflated image weights.
import { describe, expect, test } from "vitest";
import { readModelFolder } from "../../src/model-folder/load.ts";
import { MemoryFiles } from "../../src/train/run/memory-files.test-helper.ts";
import { startingPoint } from "../../src/train/start.ts";
import { FOLDER, fitShapes } from "./fit.ts";
import { CLIP_FRAMES as FRAMES, shapeClips, VIDEO } from "./shape-clips.ts";
import { LABELS, tinyRecipe } from "./shapes.ts";

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
