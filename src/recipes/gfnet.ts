// The official recipes of GFNet on ImageNet-1k (blackfeather-wang/GFNet-Pytorch, configs.py train_configurations and train.py): three stages for
// each family of backbones. Stage 1 begins with a backbone trained on ImageNet (--from). Batches of 256, SGD with Nesterov momentum 0.9, decay of
// every parameter, rates that fall as a cosine (here with every step, there with every epoch); the policy learns for 15 epochs by Adam.
// Cost: 75 to 195 epochs of 1.28 million pictures with all looks, several data-centre GPUs; they were not run here.
import type { RecipeInput } from "../train/recipe-fields.ts";
import type { StagedRecipeInput } from "../train/staged-recipe.ts";

interface Family {
  /** Of the official code. */
  readonly arch: string;
  readonly patchSize: number;
  readonly looks: number;
  readonly imageSize: number;
  /** Shorter side before the evaluation crop, and how it is resized. */
  readonly resize: string;
  readonly epochs: number;
  readonly encoderRate: number;
  readonly weightDecay: number;
  /** lambda */
  readonly encoderLossWeight: number;
  readonly trainsGlance: boolean;
  /** Of features before the last layer, and of residual branches: more and more from the first block to the last. */
  readonly dropout?: { readonly drop_rate: number; readonly drop_path_rate: number };
}

/** Stage 1 teaches the classifier, which starts fresh, faster than the encoders; stage 3 at one rate for all families. */
const CLASSIFIER_RATES = { 1: 0.1, 3: 0.01 } as const;
const POLICY_EPOCHS = 15;

function gfnetRecipe(name: string, family: Family): StagedRecipeInput {
  const { arch, patchSize, looks, imageSize, resize, encoderRate, dropout } = family;
  const common = {
    architecture: "gfnet",
    config: { arch, patch_size: patchSize, T: looks, ...(dropout === undefined ? {} : { backbone: dropout }) },
    height: imageSize,
    width: imageSize,
    // All families train on crops of 224 there; the input has to be of the size that the policy is built for.
    augmentation: `random_resized_crop(${imageSize})|flip(0.5)|normalize(imagenet)`,
    transform: `${resize}|central_crop(${imageSize})|normalize(imagenet)`,
    batch: 256,
  } as const;
  const looking = { encoder_loss_weight: family.encoderLossWeight, train_glance: family.trainsGlance };
  const supervised = (stage: 1 | 3, summary: string): RecipeInput => ({
    ...common,
    name: `${name}-stage-${stage}`,
    summary,
    epochs: family.epochs,
    optimizer: "sgd",
    learning_rate: encoderRate,
    rate_scales: { "fc.*": CLASSIFIER_RATES[stage] / encoderRate },
    weight_decay: family.weightDecay,
    decay_all: true,
    looking: { ...looking, stage },
  });
  const policy: RecipeInput = {
    ...common,
    name: `${name}-stage-2`,
    summary: "the policy, by reinforcement",
    epochs: POLICY_EPOCHS,
    learning_rate: 3e-4,
    minimum_rate: 3e-4,
    weight_decay: 0,
    looking: { ...looking, stage: 2 },
  };
  return {
    name,
    summary: `GFNet with ${arch}, the official recipe`,
    stages: [
      supervised(1, "encoders and classifier on patches at random places"),
      policy,
      supervised(3, "encoders and classifier on the patches that the policy chooses"),
    ],
  };
}

const BILINEAR_256 = "resize_small(256,bilinear)";

const wide = (arch: string): Family => ({
  arch,
  patchSize: 96,
  looks: 5,
  imageSize: 224,
  resize: BILINEAR_256,
  epochs: 60,
  encoderRate: 0.01,
  weightDecay: 1e-4,
  encoderLossWeight: 1,
  trainsGlance: true,
});

export const gfnetRecipes: readonly StagedRecipeInput[] = [
  gfnetRecipe("gfnet-resnet50", wide("resnet50")),
  gfnetRecipe("gfnet-densenet121", wide("densenet121")),
  gfnetRecipe("gfnet-regnety-600m", { ...wide("regnety_600m"), encoderRate: 0.02, weightDecay: 5e-5 }),
  gfnetRecipe("gfnet-mobilenetv3-large", {
    ...wide("mobilenetv3_large_100"),
    looks: 3,
    epochs: 90,
    encoderRate: 0.005,
    encoderLossWeight: 5,
    trainsGlance: false,
    dropout: { drop_rate: 0.2, drop_path_rate: 0.2 },
  }),
  gfnetRecipe("gfnet-efficientnet-b2", {
    ...wide("efficientnet_b2"),
    patchSize: 128,
    looks: 4,
    imageSize: 260,
    resize: "resize_small(297,bicubic)",
    epochs: 30,
    encoderRate: 0.005,
    encoderLossWeight: 5,
    trainsGlance: false,
    dropout: { drop_rate: 0.3, drop_path_rate: 0.2 },
  }),
];
