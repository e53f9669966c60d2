// Glance and focus where the evidence is small in a large picture, sized for two cores: scenes of 192 px with evidence of 48 px (`saccade
// scenes`), looks of 64 px. As in the official recipe the encoders begin with a trained backbone (`scenes-encoder`), because patches at random
// places seldom show the evidence. `scenes-backbone` is what it is compared with: the same backbone on the whole scene at full resolution.
// Cost on one core: about a minute an epoch in stages 1 and 3, half of one in stage 2, three on whole scenes.
// What came out: patches of the policy 45.5 % top-1 after four looks, patches anywhere 34.0 %, the glance alone 29.8 %; the backbone on whole
// scenes 59.4 %, for more than twice the products. docs/glance-and-focus.md has the commands and the curves.
import type { RecipeInput } from "../train/recipe.ts";
import type { StagedRecipeInput } from "../train/staged-recipe.ts";

/** A ResNet of 0.3 million parameters; its map is a sixteenth of the picture. */
const SMALL_RESNET = { block: "BasicBlock", layers: [1, 1, 1], channels: [32, 64, 128], stem_channels: 16 };

const PATCH = 64;
const SCENE = 192;

export const scenesEncoder: RecipeInput = {
  name: "scenes-encoder",
  summary: "a small ResNet for patches of 64 px, which gfnet-scenes begins with",
  architecture: "resnet",
  config: { ...SMALL_RESNET, input_size: PATCH, crop_pct: 1 },
  height: PATCH,
  width: PATCH,
  augmentation: `random_resized_crop(${PATCH},0.6:1)|flip(0.5)|color_jitter(0.3,0.3,0.3)|normalize(imagenet)|random_erasing(0.1)`,
  transform: `central_crop(${PATCH})|normalize(imagenet)`,
  epochs: 10,
  batch: 64,
  learning_rate: 2e-3,
  warmup_epochs: 1,
  warmup_rate: 1e-6,
  minimum_rate: 1e-5,
  weight_decay: 0.05,
  clip_norm: 5,
  ema_decay: 0.995,
  label_smoothing: 0.05,
  seed: 1,
};

const onScenes = {
  height: SCENE,
  width: SCENE,
  augmentation: `resize(${SCENE},${SCENE})|flip(0.5)|normalize(imagenet)`,
  transform: `resize(${SCENE},${SCENE})|normalize(imagenet)`,
  batch: 32,
  clip_norm: 5,
  seed: 1,
} as const;

export const scenesBackbone: RecipeInput = {
  ...onScenes,
  name: "scenes-backbone",
  summary: "the small ResNet on whole scenes, for comparison with gfnet-scenes",
  architecture: "resnet",
  config: { ...SMALL_RESNET, input_size: SCENE, crop_pct: 1 },
  epochs: 2,
  learning_rate: 1e-3,
  warmup_epochs: 0.25,
  warmup_rate: 1e-6,
  minimum_rate: 1e-5,
  weight_decay: 0.05,
};

const lookAround = {
  ...onScenes,
  architecture: "gfnet",
  config: {
    arch: "resnet50",
    backbone: SMALL_RESNET,
    feature_num: 128,
    feature_map_channels: 128,
    patch_size: PATCH,
    T: 4,
    image_size: SCENE,
    crop_pct: 1,
    fc_hidden_dim: 128,
    policy_conv: true,
    policy_hidden_dim: 256,
  },
} as const;

/** As in the official recipe, the classifier, which starts fresh, first learns several times as fast as the encoders, which do not. */
const supervised = (stage: 1 | 3, epochs: number, learningRate: number): RecipeInput => ({
  ...lookAround,
  name: `gfnet-scenes-stage-${stage}`,
  summary:
    stage === 1
      ? "encoders and classifier on patches at random places"
      : "encoders and classifier on the patches that the policy chooses",
  epochs,
  learning_rate: learningRate,
  warmup_epochs: 0.25,
  warmup_rate: 1e-6,
  minimum_rate: 1e-5,
  weight_decay: 0.05,
  ...(stage === 1 ? { rate_scales: { "fc.*": 5 } } : {}),
  looking: { stage },
});

export const gfnetScenes: StagedRecipeInput = {
  name: "gfnet-scenes",
  summary: "glance and focus with a small ResNet, in the three official stages",
  stages: [
    supervised(1, 3, 4e-4),
    {
      ...lookAround,
      name: "gfnet-scenes-stage-2",
      summary: "the policy, by reinforcement",
      epochs: 4,
      learning_rate: 3e-4,
      minimum_rate: 3e-4,
      weight_decay: 0,
      looking: { stage: 2 },
    },
    supervised(3, 2, 5e-4),
  ],
};
