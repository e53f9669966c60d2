import { expect, test } from "vitest";
import { usualTransform } from "../models/picture-input.ts";
import { changedModel, defineModel } from "../models/registry.ts";
import { parseRecipe } from "../train/recipe.ts";
import { fineTune, fineTuneOf } from "./fine-tune.ts";

test("for a model of another architecture: its own size and normalisation, and nothing of the bundled model's layers", () => {
  const definition = changedModel("resnet18", {}, { num_classes: 3 });
  const recipe = parseRecipe(fineTuneOf(definition, { height: 64, width: 96 }, usualTransform(definition)));
  expect(recipe).toMatchObject({
    architecture: "resnet18",
    config: { num_classes: 3 },
    height: 64,
    width: 96,
    transform: "resize(108,72,bicubic)|central_crop(96,64)|normalize(imagenet)",
    epochs: fineTune.epochs,
  });
  expect(recipe.augmentation).toMatch(/^random_resized_crop\(96x64,.*\|normalize\(imagenet\)\|random_erasing\(0\.1\)$/);
  expect([recipe.from, recipe.freeze, recipe.exit_weight]).toEqual([undefined, [], undefined]);
});

test.each(["mobilenetv3_large_100", "lightcnn_9", "swin_tiny_patch4_window7_224", "sparseformer_v1_tiny"])(
  "%s: such a recipe is one",
  (name) => {
    const definition = defineModel(name);
    const transform = usualTransform(definition);
    expect(parseRecipe(fineTuneOf(definition, { height: 64, width: 64 }, transform)).architecture).toBe(name);
  },
);
