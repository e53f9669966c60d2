// Pre-training on pictures without labels: a recipe an objective, for any model and size. What they came to is in docs/pretraining.md.
import { usualTransform } from "../models/picture-input.ts";
import { atSize, defineModel, type ModelDefinition } from "../models/registry.ts";
import type { PretextInput } from "../train/pretext/fields.ts";
import type { RecipeInput } from "../train/recipe-fields.ts";
import { normalizationIn } from "./normalization.ts";

/** What does not depend on the model. `side` is that of the pictures, pixels. */
type Recipe = Omit<RecipeInput, "name" | "architecture" | "height" | "width" | "transform" | "augmentation"> & {
  /** Up to the normalisation, which is the model's. */
  readonly augmentation: string;
};

const COMMON = { learning_rate: 1e-3, warmup_rate: 1e-6, clip_norm: 5, seed: 1 } as const;

/** By objective. */
const RECIPES: { readonly [O in PretextInput["objective"]]: (side: number) => Recipe } = {
  rotation: (side) => ({
    ...COMMON,
    summary: "learns without labels to tell how far a picture was turned",
    pretext: { objective: "rotation" },
    augmentation: `random_resized_crop(${side},0.35:1)|flip(0.5)`,
    epochs: 30,
    // Each comes in four ways, so that 128 go through the model.
    batch: 32,
    warmup_epochs: 1,
    minimum_rate: 1e-5,
    weight_decay: 0.05,
  }),
  spark: (side) => ({
    ...COMMON,
    summary: "learns without labels to say what hidden patches of a picture were",
    pretext: { objective: "spark" },
    augmentation: `random_resized_crop(${side},0.67:1)|flip(0.5)`,
    epochs: 100,
    batch: 64,
    warmup_epochs: 2,
    minimum_rate: 1e-6,
    weight_decay: 0.04,
    no_decay: ["*mask_tokens*", "*gamma"],
  }),
  reflections: (side) => ({
    ...COMMON,
    summary: "learns to take away what a pane of glass reflects, from pictures laid over each other",
    pretext: { objective: "reflections" },
    augmentation: `random_resized_crop(${side},0.35:1)|flip(0.5)`,
    learning_rate: 5e-4,
    epochs: 30,
    batch: 16,
    warmup_epochs: 1,
    minimum_rate: 1e-5,
    weight_decay: 0.01,
  }),
};

/**
 * How a model is pre-trained where nobody says more.
 *
 * @param side of pictures, pixels; default: what the model was made for
 * @throws UsageError for a model that does not take such pictures
 */
export function pretrainingRecipe(
  objective: PretextInput["objective"],
  definition: ModelDefinition,
  side = usualSide(definition),
): RecipeInput {
  const { architecture, registered } = definition;
  const name = registered?.name ?? architecture.name;
  const sized = atSize(definition, { height: side, width: side });
  const last = normalizationIn(usualTransform(definition));
  const normalized = (steps: string) => (last === "value_range(0,1)" ? steps : `${steps}|${last}`);
  // Its name says what a registered model is, as long as nothing of it is changed; an architecture's name says too little.
  const isNamed = registered !== undefined && JSON.stringify(sized.config) === JSON.stringify(defineModel(name).config);
  const { augmentation, ...recipe } = RECIPES[objective](side);
  return {
    name: `${objective}-${name}`,
    architecture: name,
    ...(isNamed ? {} : { config: sized.config as Readonly<Record<string, unknown>> }),
    height: side,
    width: side,
    augmentation: normalized(augmentation),
    transform: normalized(`resize_small(${Math.round((side * 8) / 7)},bicubic)|central_crop(${side})`),
    ...recipe,
  };
}

function usualSide({ architecture, config }: ModelDefinition): number {
  const input = architecture.input(config);
  return input.kind === "text" ? 0 : input.usual.height;
}

/** As SparK's authors pre-trained their ResNet-50, but for the weights' decay, which stays what it is where theirs rises to 0.2. */
export const sparkResnet50: RecipeInput = {
  ...pretrainingRecipe("spark", defineModel("resnet50"), 224),
  name: "spark-resnet50",
  config: { drop_path_rate: 0.05 },
  summary: "pre-trains a ResNet-50 without labels as in SparK's paper",
  pretext: { objective: "spark", decoder_width: 768 },
  epochs: 1600,
  batch: 4096,
  optimizer: "lamb",
  learning_rate: 3.2e-3,
  warmup_epochs: 40,
};

/** A small network, by a name for everybody. */
export const spark: RecipeInput = {
  ...pretrainingRecipe("spark", defineModel("resnet18"), 128),
  name: "spark",
  summary: "pre-trains a ResNet-18 without labels: what were the hidden patches of a picture",
};

/** The same for a small network, by a name for everybody. */
export const rotation: RecipeInput = {
  ...pretrainingRecipe("rotation", defineModel("resnet18"), 64),
  name: "rotation",
  summary: "pre-trains a ResNet-18 without labels: how far was a picture turned",
};

/** A small restorer, by a name for everybody. */
export const reflections: RecipeInput = {
  ...pretrainingRecipe("reflections", defineModel("rrformer_small"), 64),
  name: "reflections",
  summary: "trains a small RRFormer to take reflections out of pictures, on pictures laid over each other",
};
