// What trains when nobody names a recipe: `clothing`, as the data allows; and the same for a model of another architecture to begin with.
import type { Extent } from "../models/image-size.ts";
import type { ModelDefinition } from "../models/registry.ts";
import type { RecipeInput } from "../train/recipe-fields.ts";
import { clothing } from "./clothing.ts";
import { normalizationIn } from "./normalization.ts";

export const fineTune: RecipeInput = {
  ...clothing,
  name: "fine-tune",
  summary: "fine-tunes the bundled model on your own pictures, at 128 px",
};

/**
 * The same for a model of another architecture, without what is about the bundled model's own layers.
 *
 * @param size of the pictures that the model was made for
 * @param transform how it is given them: its normalisation stays
 */
export function fineTuneOf(
  { architecture, config, registered }: ModelDefinition,
  { height, width }: Extent,
  transform: string,
): RecipeInput {
  const { from: _, freeze: __, no_decay: ___, exit_weight: ____, ...same } = fineTune;
  const size = width === height ? `${width}` : `${width}x${height}`;
  const larger = [width, height].map((side) => Math.round((side * 9) / 8)).join();
  const last = normalizationIn(transform);
  return {
    ...same,
    summary: `fine-tunes the model on your own pictures, at ${size} px`,
    architecture: registered?.name ?? architecture.name,
    config: config as Readonly<Record<string, unknown>>,
    height,
    width,
    augmentation: `random_resized_crop(${size},0.5:1)|flip(0.5)|color_jitter(0.3,0.3,0.3)|${last}|random_erasing(0.1)`,
    transform: `resize(${larger},bicubic)|central_crop(${width},${height})|${last}`,
  };
}
